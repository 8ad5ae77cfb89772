"""Sequences: found by name or folder, described by seqinfo.ini, and checked."""

import shutil

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtmc.datasets import (
    DATASETS,
    check_sequence,
    find_sequence,
    image_files,
    list_sequences,
    resolve_data_root,
    sequence_names,
)
from mtmc.errors import InputError
from mtmc.mot_files import read_detections

SEQINFO = """[Sequence]
name={name}
imDir=img1
frameRate=25
seqLength=4
imWidth=64
imHeight=48
imExt=.jpg
"""
DET = "".join(f"{frame},-1,10,10,20,30,0.5\n" for frame in (1, 2, 3, 4))
GT = "".join(f"{frame},1,10,10,20,30,1,1,1\n" for frame in (1, 2, 3, 4))


@pytest.fixture
def make(tmp_path):
    """Make a sequence with four frames below tmp_path, all in order."""

    def make_sequence(name, benchmark="MOT16", split="train"):
        folder = tmp_path / benchmark / split / name
        for part in ("img1", "det", "gt"):
            (folder / part).mkdir(parents=True)
        (folder / "seqinfo.ini").write_text(SEQINFO.format(name=name))
        rng = np.random.default_rng(0)
        for frame in range(1, 5):
            image = rng.integers(0, 255, (48, 64, 3), dtype=np.uint8)
            cv2.imwrite(str(folder / "img1" / f"{frame:06d}.jpg"), image)
        (folder / "det" / "det.txt").write_text(DET)
        (folder / "gt" / "gt.txt").write_text(GT)
        return folder

    return make_sequence


def test_a_sequence_is_found_by_its_name(tmp_path, make):
    folder = make("MOT16-02")
    sequence = find_sequence("MOT16-02", tmp_path)
    assert sequence.name == "MOT16-02"
    assert sequence.benchmark == "MOT16"
    assert (sequence.frame_rate, sequence.frame_count) == (25, 4)
    assert sequence.image_size == (64, 48)
    assert sequence.image_dir == folder / "img1"
    assert sequence.detections_path == folder / "det" / "det.txt"
    assert sequence.ground_truth_path == folder / "gt" / "gt.txt"
    assert sequence.features_path is None
    assert list(image_files(sequence)) == [1, 2, 3, 4]


@pytest.mark.parametrize("benchmark", list(DATASETS))
@pytest.mark.parametrize("split", ["train", "test"])
def test_every_layout_is_known(tmp_path, make, benchmark, split):
    make("SOME-01", benchmark, split)
    assert find_sequence("SOME-01", tmp_path).benchmark == benchmark
    assert sequence_names(tmp_path) == ["SOME-01"]


def test_the_variants_of_mot17_are_sequences_of_their_own(tmp_path, make):
    for detector in ("DPM", "FRCNN", "SDP"):
        make(f"MOT17-05-{detector}", "MOT17")
    names = [sequence.name for sequence in list_sequences(tmp_path)]
    assert names == ["MOT17-05-DPM", "MOT17-05-FRCNN", "MOT17-05-SDP"]
    with pytest.raises(InputError, match=r"'MOT17-05': .*: MOT17-05-DPM, MOT17-05-FRCNN"):
        find_sequence("MOT17-05", tmp_path)


def test_a_sequence_is_found_by_its_folder(tmp_path, make):
    folder = make("MOT20-01", "elsewhere", "deep")
    assert find_sequence(str(folder)).benchmark == "MOT20"
    other = tmp_path / "my cameras"
    shutil.copytree(folder, other)
    sequence = find_sequence(other)
    assert (sequence.name, sequence.benchmark) == ("my cameras", "custom")


def test_images_detections_and_ground_truth_may_be_absent(tmp_path, make):
    folder = make("MOT16-02")
    for part in ("img1", "det", "gt"):
        shutil.rmtree(folder / part)
    sequence = find_sequence("MOT16-02", tmp_path)
    assert sequence.image_dir is None
    assert sequence.detections_path is None
    assert sequence.ground_truth_path is None
    assert image_files(sequence) == {}
    assert check_sequence(sequence) == []


def test_features_are_found_where_there_is_one_file(tmp_path, make):
    make("MOT17-05-FRCNN", "MOT17")
    path = tmp_path / "MOT17" / "features_128d" / "MOT17-05-FRCNN.npy"
    path.parent.mkdir()
    mot = np.array([[1.0, -1, 10, 10, 20, 30, 1]])
    np.save(path, np.hstack([mot, [[0.6, 0.8]]]))
    sequence = find_sequence("MOT17-05-FRCNN", tmp_path)
    assert sequence.features_path == path
    assert check_sequence(sequence) == []
    other = tmp_path / "MOT17" / "features_other" / path.name
    other.parent.mkdir()
    shutil.copy(path, other)
    assert find_sequence("MOT17-05-FRCNN", tmp_path).features_path is None


def test_an_unknown_name_lists_which_exist_closest_first(tmp_path, make):
    for name in ("MOT16-11", "MOT16-02"):
        make(name)
    make("TUD-Campus", "MOT15")
    with pytest.raises(InputError) as caught:
        find_sequence("MOT16-03", tmp_path)
    message = str(caught.value)
    assert "'MOT16-03'" in message
    assert message.index("MOT16-02") < message.index("TUD-Campus")


def test_what_is_missing_is_said(tmp_path, make):
    with pytest.raises(InputError, match="got no sequences"):
        find_sequence("MOT16-02", tmp_path)
    with pytest.raises(InputError, match="or a data root"):
        find_sequence("MOT16-02")
    with pytest.raises(InputError, match=r"nowhere/seqinfo\.ini: no such file"):
        find_sequence(tmp_path / "nowhere")
    make("SAME", "MOT16")
    make("SAME", "MOT17")
    with pytest.raises(InputError, match=r"expected one, got .*MOT16.*MOT17.*give the folder"):
        find_sequence("SAME", tmp_path)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("", r"expected a section \[Sequence\]"),
        ("no ini at all", "expected an INI file"),
        (SEQINFO.replace("seqLength=4\n", ""), "expected the key seqLength"),
        (SEQINFO.replace("=4\n", "=four\n"), "seqLength: expected a whole number .* got 'four'"),
        (SEQINFO.replace("=4\n", "=0\n"), "seqLength: expected a whole number .* got '0'"),
        (SEQINFO.replace("=25\n", "=nan\n"), "frameRate: expected a number above 0, got 'nan'"),
        (SEQINFO.replace("=25\n", "=-1\n"), "frameRate: expected a number above 0, got '-1'"),
        (SEQINFO + "imExt=.png\n", "imext' .*already exists"),
        (b"\xff\xfe\x00", "not UTF-8"),
    ],
)
def test_a_wrong_seqinfo_names_the_key(tmp_path, make, content, match):
    folder = make("MOT16-02")
    path = folder / "seqinfo.ini"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=match) as caught:
        find_sequence("MOT16-02", tmp_path)
    assert str(caught.value).startswith(f"{path}: ")
    assert sequence_names(tmp_path) == ["MOT16-02"]


KEYS = st.sampled_from(["name", "imDir", "frameRate", "seqLength", "imWidth", "imHeight", "imExt"])
VALUES = st.one_of(st.integers(-1, 99).map(str), st.floats().map(str), st.text(max_size=5))


@given(
    lines=st.lists(
        st.one_of(
            st.tuples(KEYS, VALUES).map("=".join),
            st.text(max_size=12),
            st.just("[Sequence]"),
        ),
        max_size=12,
    )
)
@settings(deadline=None)
def test_any_seqinfo_is_a_sequence_or_an_input_error(tmp_path_factory, lines):
    folder = tmp_path_factory.mktemp("fuzz")
    text = "\n".join(["[Sequence]", *lines])
    (folder / "seqinfo.ini").write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        sequence = find_sequence(folder)
    except InputError:
        return
    assert sequence.frame_count >= 1
    assert 0 < sequence.frame_rate < float("inf")


def test_the_data_root_is_given_or_in_the_environment(tmp_path, monkeypatch):
    monkeypatch.delenv("MTMC_DATA", raising=False)
    with pytest.raises(InputError, match="environment variable MTMC_DATA, got neither"):
        resolve_data_root(None)
    with pytest.raises(InputError, match=r"--data-root: expected a folder, got .*nowhere"):
        resolve_data_root(tmp_path / "nowhere")
    monkeypatch.setenv("MTMC_DATA", str(tmp_path))
    assert resolve_data_root(None) == tmp_path
    monkeypatch.setenv("MTMC_DATA", str(tmp_path / "gone"))
    with pytest.raises(InputError, match=r"MTMC_DATA: expected a folder, got .*gone"):
        resolve_data_root(None)


def test_a_good_sequence_has_no_findings(tmp_path, make):
    make("MOT16-02")
    assert check_sequence(find_sequence("MOT16-02", tmp_path)) == []


def drop_frames(folder):
    for frame in (2, 3):
        (folder / "img1" / f"{frame:06d}.jpg").unlink()


def add_frame(folder):
    shutil.copy(folder / "img1" / "000001.jpg", folder / "img1" / "000009.jpg")


def cut_image(folder):
    path = folder / "img1" / "000003.jpg"
    path.write_bytes(path.read_bytes()[:-200])


def empty_image(folder):
    (folder / "img1" / "000003.jpg").write_bytes(b"")


def wrong_size(folder):
    cv2.imwrite(str(folder / "img1" / "000004.jpg"), np.zeros((10, 20, 3), np.uint8))


def not_an_image(folder):
    (folder / "img1" / "000004.jpg").write_bytes(b"no image \xff\xd9")


def text(part, name, content):
    return lambda folder: (folder / part / name).write_text(content)


@pytest.mark.parametrize(
    ("damage", "severity", "match"),
    [
        (drop_frames, "error", "got no file for 2 to 3"),
        (add_frame, "warning", "got also 9"),
        (cut_image, "error", "cut off"),
        (empty_image, "error", "cut off"),
        (wrong_size, "error", "expected 64×48 pixels as in seqinfo.ini, got 20×10"),
        (not_an_image, "error", "got something unreadable"),
        (
            text("det", "det.txt", DET + "5,-1,1,1,5,5,1\n"),
            "error",
            "1 row beyond, first in line 5",
        ),
        (text("det", "det.txt", DET + "1,-1,1,1,5,5,1\n"), "warning", "in the order of frames"),
        (text("det", "det.txt", DET.replace("20,30", "-20,30")), "error", "line 1, column 5"),
        (text("det", "det.txt", DET.replace("0.5", "nan")), "error", "'nan'"),
        (text("det", "det.txt", ""), "warning", "empty file"),
        (text("det", "det.txt", DET + "4,-1,5,5,0,5,1\n"), "warning", "boxes with an area"),
        (
            text("det", "det.txt", DET + "4,-1,64,0,5,5,1\n"),
            "warning",
            "1 row outside, first in line 5",
        ),
        (text("det", "det.txt", DET + "4,-1,10,10,20,30,0.5\n"), "warning", "1 repeated"),
        (text("gt", "gt.txt", GT + "2,1,1,1,5,5,1,1,1\n"), "error", "id 1 twice in frame 2"),
        (text("gt", "gt.txt", GT + "4,2,1,1,5,5,1,99,1\n"), "error", "got 99 in line 5"),
        (text("gt", "gt.txt", GT.replace(",1,1,1\n", ",0,1,1\n")), "warning", "boxes to score"),
    ],
)
def test_damage_is_found(tmp_path, make, damage, severity, match):
    damage(make("MOT16-02"))
    findings = check_sequence(find_sequence("MOT16-02", tmp_path))
    assert len(findings) == 1
    assert findings[0].severity == severity
    assert match in findings[0].message


def test_real_sequences_are_sound(real_data):
    names = sequence_names(real_data)
    assert "MOT16-02" in names
    for sequence in list_sequences(real_data):
        errors = [one for one in check_sequence(sequence) if one.severity == "error"]
        assert errors == [], sequence.name


def test_a_cut_sequence_is_what_seqinfo_says(real_data):
    sequence = find_sequence("ADL-Rundle-6", real_data)
    assert sequence.frame_count == len(image_files(sequence)) == 200
    assert read_detections(sequence.detections_path).frame.max() <= 200
