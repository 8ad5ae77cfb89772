"""``mtmc reid features``: what deep_sort reads, and every mistake as one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mtmc.cli import main
from mtmc.mot_files import read_detections, read_feature_file
from mtmc.reid import load
from mtmc.sources import numbered_images, read_image


def words(street: Path, out: object, **changes: object) -> list[str]:
    given = {
        "weights": "histogram",
        "detections": street / "det" / "det.txt",
        "images": street / "img1",
        "format": "deep_sort",
        "out": out,
    } | changes
    return ["reid", "features", *(str(w) for key, v in given.items() for w in (f"--{key}", v))]


def test_rows_hold_the_detections_and_the_vectors_of_their_boxes(street, tmp_path, capsys):
    out = tmp_path / "new" / "features.npy"
    assert main(words(street, out)) == 0
    table, rows = read_detections(street / "det" / "det.txt"), np.load(out)
    assert capsys.readouterr().out.strip() == str(out)
    assert [path.name for path in out.parent.iterdir()] == ["features.npy"]
    np.testing.assert_array_equal(rows[:, 0], table.frame)
    np.testing.assert_allclose(rows[:, 2:6], table.tlwh, rtol=1e-6)
    np.testing.assert_allclose(rows[:, 6], table.confidence, rtol=1e-6)
    assert (rows[:, 7:10] == -1).all()
    assert rows.shape == (len(table), 10 + load("histogram").embedding_dim)
    np.testing.assert_allclose(np.linalg.norm(rows[:, 10:], axis=1), 1, atol=1e-5)
    first = table.frame == table.frame[0]
    image = read_image(numbered_images(street / "img1")[int(table.frame[0])], 1)
    expected = load("histogram").embed([image], [table.xyxy[first]])[0]
    np.testing.assert_allclose(rows[first, 10:], expected, atol=1e-6)
    np.testing.assert_allclose(read_feature_file(out).features, rows[:, 10:], atol=1e-6)


def test_no_detections_make_an_empty_table(street, tmp_path):
    (tmp_path / "det.txt").write_text("")
    assert main(words(street, tmp_path / "x.npy", detections=tmp_path / "det.txt")) == 0
    assert np.load(tmp_path / "x.npy").shape[0] == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"out": "x.txt"}, "x.txt: expected a name that ends in .npy"),
        ({"weights": "none.onnx"}, "none.onnx: no such model file"),
        ({"images": "none"}, "none: no such folder of images"),
        ({"detections": "none.txt"}, "none.txt"),
        ({"detections": "far.txt"}, "far.txt: line 2: frame 999 has no image in"),
        ({"detections": "bad.txt"}, "bad.txt: line 1"),
    ],
)
def test_mistakes_are_one_line_and_leave_no_file(
    changes, message, street, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "far.txt").write_text("1,-1,5,5,20,50,0.9\n999,-1,5,5,20,50,0.9\n")
    (tmp_path / "bad.txt").write_text("1,-1,5,5,nan,50,0.9\n")
    before = set(tmp_path.iterdir())
    assert main(words(street, **{"out": "x.npy", **changes})) == 2
    told = capsys.readouterr().err
    assert message in told
    assert len(told.strip().splitlines()) == 1
    assert set(tmp_path.iterdir()) == before


def test_an_unreadable_image_leaves_no_file(street, tmp_path, capsys):
    images = tmp_path / "img"
    images.mkdir()
    (images / "000001.jpg").write_bytes(b"x")
    (tmp_path / "det.txt").write_text("1,-1,5,5,20,50,0.9\n")
    changes = {"images": images, "detections": tmp_path / "det.txt"}
    assert main(words(street, tmp_path / "x.npy", **changes)) == 2
    assert "frame 1 is not a readable image" in capsys.readouterr().err
    assert not (tmp_path / "x.npy").exists()
