from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from mtmc.cli import main
from mtmc.reid import load
from mtmc.reid.checkpoint import load_checkpoint
from mtmc.reid.shipped import FOLDER, find_weights, is_shipped, shipped_weights

RENDERED = "rendered_people.pt"


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """An empty current folder, and no data root."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MTMC_DATA", raising=False)
    return tmp_path


def crops() -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    sizes = rng.integers((40, 20), (200, 90), (6, 2)).tolist()
    return [rng.integers(0, 256, (*size, 3)).astype(np.uint8) for size in sizes]


def test_a_path_wins_then_what_is_shipped_then_the_data_root(elsewhere):
    root = elsewhere / "data"
    (root / "models").mkdir(parents=True)
    (root / "models" / RENDERED).write_bytes(b"x")
    (root / "models" / "mine.onnx").write_bytes(b"x")
    assert find_weights(RENDERED, root) == shipped_weights()[RENDERED]
    assert find_weights("mine.onnx", root) == root / "models" / "mine.onnx"
    Path(RENDERED).write_bytes(b"y")
    assert find_weights(RENDERED, root) == Path(RENDERED)
    # with a folder it is a path, not a name
    with pytest.raises(FileNotFoundError):
        find_weights(f"nowhere/{RENDERED}", root)


def test_the_data_root_is_that_of_the_environment_unless_given(elsewhere, monkeypatch):
    (elsewhere / "data" / "models").mkdir(parents=True)
    (elsewhere / "data" / "models" / "mine.onnx").write_bytes(b"x")
    with pytest.raises(FileNotFoundError):
        find_weights("mine.onnx")
    monkeypatch.setenv("MTMC_DATA", str(elsewhere / "data"))
    assert find_weights("mine.onnx") == elsewhere / "data" / "models" / "mine.onnx"


def test_weights_dropped_into_the_folder_are_found_by_name(elsewhere, monkeypatch):
    monkeypatch.setattr("mtmc.reid.shipped.FOLDER", elsewhere)
    shutil.copy(FOLDER / RENDERED, elsewhere / "robust_reid.pt")
    assert list(shipped_weights()) == ["robust_reid.pt"]
    assert is_shipped(find_weights("robust_reid.pt"))


def test_an_unknown_name_lists_what_is_shipped(elsewhere, capsys):
    with pytest.raises(FileNotFoundError, match=r"nope\.pt: no such model file.*rendered_people"):
        load("nope.pt")
    command = ["reid", "eval", "--weights", "nope.pt", "--dataset", "folder", "--data-root", "."]
    assert main(command) == 2
    assert RENDERED in capsys.readouterr().err


@pytest.mark.parametrize("name", sorted(shipped_weights()))
def test_every_file_is_half_precision_and_has_a_card_of_its_own(name):
    path = FOLDER / name
    checkpoint = load_checkpoint(path, announce=False)
    matrices = [w for w in checkpoint.weights.values() if w.ndim >= 2]
    assert matrices
    assert all(w.dtype == torch.float16 for w in matrices)
    assert checkpoint.trained_on
    assert checkpoint.terms
    assert checkpoint.commit
    assert checkpoint.distances is not None
    card = path.with_suffix(".md").read_text(encoding="utf-8")
    assert hashlib.sha256(path.read_bytes()).hexdigest() in card
    assert checkpoint.trained_on in card
    assert checkpoint.terms in card


@pytest.mark.parametrize("name", sorted(shipped_weights()))
def test_the_card_states_the_figures_that_were_measured(name):
    results = Path(__file__).parents[2] / "benchmarks" / "results" / "shipped_reid.json"
    row = json.loads(results.read_text(encoding="utf-8"))["rows"][name]
    card = (FOLDER / name).with_suffix(".md").read_text(encoding="utf-8")
    tests = [test for test, found in row.items() if isinstance(found, dict) and "rank1" in found]
    assert {"market1501", "cuhk01_all"} <= set(tests)
    for test in tests:
        line = next(part for part in card.splitlines() if part.startswith(f"| {test}"))
        stated = [float(number) for number in re.findall(r"\d+\.\d", line)]
        keys = ("rank1", "rank5", "rank10", "mean_ap")
        assert stated == [round(row[test][key], 1) for key in keys]


def test_a_network_for_research_says_so_when_it_is_loaded(caplog):
    model = load("robust_reid_1x_short.pt", threads=1)
    assert "research only" in caplog.text
    assert "research only" in model.card.terms
    vectors = model.embed_crops(crops())
    assert vectors.shape == (6, 1024)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_the_rendered_one_is_free_of_terms_of_others_and_gives_thresholds(caplog):
    model = load(RENDERED, threads=1)
    assert not caplog.records  # no notice of research-only data
    assert "Apache-2.0" in model.card.terms
    strict, loose = (model.threshold(rate) for rate in (1e-3, 1e-1))
    assert 0 < strict < loose < 1
    vectors = model.embed_crops(crops())
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_it_exports_to_onnx_into_the_current_folder_with_equal_vectors(elsewhere, capsys):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    before = sorted(FOLDER.iterdir())
    assert main(["reid", "export", "--weights", RENDERED, "--format", "onnx"]) == 0
    capsys.readouterr()
    assert sorted(FOLDER.iterdir()) == before
    ours, exported = load(RENDERED, threads=1), load("rendered_people.onnx", threads=1)
    np.testing.assert_allclose(exported.embed_crops(crops()), ours.embed_crops(crops()), atol=2e-4)
    assert exported.threshold(0.01) == ours.threshold(0.01)


def test_info_lists_what_is_shipped_and_nothing_changes_it(elsewhere, capsys):
    assert main(["reid", "info"]) == 0
    listed = capsys.readouterr().out
    assert RENDERED in listed
    assert "Apache-2.0" in listed
    before = (FOLDER / RENDERED).read_bytes()
    data = ["--weights", RENDERED, "--dataset", "folder", "--data-root", "."]
    for command in (["calibrate"], ["eval", "--store"]):
        assert main(["reid", command[0], *data, *command[1:]]) == 2
        assert "shipped weights are not changed" in capsys.readouterr().err
    assert (FOLDER / RENDERED).read_bytes() == before
