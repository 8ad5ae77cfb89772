"""MOT files: what is read, what is written, and that every wrong file says where it is wrong."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtmc.errors import InputError
from mtmc.mot_files import (
    NO_CLASS,
    MotTable,
    detections_by_frame,
    frame_rows,
    read_detections,
    read_feature_file,
    read_ground_truth,
    read_results,
    write_results,
)

READERS = [read_detections, read_ground_truth, read_results]
DET_10 = "1,-1,10,20,30,40,0.9,-1,-1,-1\n2,-1,11,21,31,41,-0.5,-1,-1,-1\n"
GT_9 = "1,3,10,20,30,40,1,7,0.5\n1,1,0,0,5,5,0,1,1\n"


@pytest.fixture
def file(tmp_path):
    def write(content):
        path = tmp_path / "file.txt"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize(
    "content",
    [
        DET_10,
        DET_10.replace(",-1,-1,-1\n", "\n"),  # 7 columns, as MOT17-FRCNN
        DET_10.replace(",", " "),
        DET_10.replace(",", "\t  "),
        DET_10.replace(",", ", "),
        DET_10.replace("\n", "\r\n"),  # written on Windows
        "\ufeff" + DET_10,  # with a byte order mark
        "\n  \n" + DET_10.replace("\n", "\n\n"),  # blank lines
        DET_10.rstrip("\n"),  # no newline at the end
        DET_10.replace("1,-1", "1.0,-1e0"),  # whole numbers written as floats
    ],
)
def test_detections_are_read_in_all_their_spellings(file, content):
    table = read_detections(file(content))
    assert table.frame.tolist() == [1, 2]
    assert table.id.tolist() == [-1, -1]
    assert table.tlwh.tolist() == [[10, 20, 30, 40], [11, 21, 31, 41]]
    assert table.xyxy.tolist() == [[10, 20, 40, 60], [11, 21, 42, 62]]
    assert table.confidence.tolist() == [0.9, -0.5]
    assert table.class_id.tolist() == [NO_CLASS, NO_CLASS]
    assert np.isnan(table.visibility).all()


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("content", ["", "\n", " \n\t\n"])
def test_an_empty_file_is_an_empty_table(file, reader, content):
    table = reader(file(content))
    assert len(table) == 0
    assert table.tlwh.shape == (0, 4)
    assert frame_rows(table) == {}
    assert detections_by_frame(table) == {}


def test_rows_are_sorted_by_frame_and_otherwise_stay_in_order(file):
    rows = [(3, 1), (1, 5), (3, 0), (1, 4)]
    content = "".join(f"{frame},-1,{left},0,1,1,1\n" for frame, left in rows)
    table = read_detections(file(content))
    assert table.frame.tolist() == [1, 1, 3, 3]
    assert table.tlwh[:, 0].tolist() == [5, 4, 1, 0]
    assert table.line.tolist() == [2, 4, 1, 3]
    assert frame_rows(table) == {1: slice(0, 2), 3: slice(2, 4)}


def test_lines_are_those_of_the_file_not_of_the_rows(file):
    assert read_detections(file("\n\n" + DET_10)).line.tolist() == [3, 4]


def test_ground_truth_has_classes_since_mot16(file):
    table = read_ground_truth(file(GT_9))
    assert table.id.tolist() == [3, 1]
    assert table.class_id.tolist() == [7, 1]
    assert table.visibility.tolist() == [0.5, 1]
    assert table.confidence.tolist() == [1, 0]


def test_ground_truth_of_mot15_has_no_classes(file):
    table = read_ground_truth(file("1,1,10,20,30,40,1,-4.2,7,0\n"))
    assert table.class_id.tolist() == [NO_CLASS]


@pytest.mark.parametrize("columns", [7, 8, 9, 10])
def test_results_may_have_seven_to_ten_columns(file, columns):
    row = ",".join(["1", "2", "3", "4", "5", "6", "0.5", "-1", "-1.5", "-1"][:columns])
    assert read_results(file(row)).id.tolist() == [2]


@pytest.mark.parametrize(
    ("reader", "content", "parts"),
    [
        (read_detections, DET_10 + "3,-1,nan,0,1,1,1,-1,-1,-1\n", ["line 3", "column 3 (left)"]),
        (read_detections, DET_10 + "3,-1,0,0,inf,1,1,-1,-1,-1\n", ["column 5 (width)", "'inf'"]),
        (read_detections, "1,-1,0,0,1e999,1,1\n", ["line 1", "column 5", "finite", "inf"]),
        (read_detections, "1,-1,0,0,-3,1,1\n", ["column 5 (width)", "0 or more", "got -3"]),
        (read_detections, "1,-1,0,0,3,-1,1\n", ["column 6 (height)", "0 or more", "got -1"]),
        (read_detections, "1,-1,1e308,0,3,1,1\n", ["column 3 (left)", "1e+09 pixels", "1e+308"]),
        (read_detections, "0,-1,0,0,3,1,1\n", ["column 1 (frame)", "from 1", "got 0"]),
        (read_detections, "1.5,-1,0,0,3,1,1\n", ["column 1 (frame)", "whole number", "got 1.5"]),
        (read_detections, "1,1e300,0,0,3,1,1\n", ["column 2 (id)", "whole number", "1e+300"]),
        (read_detections, "1,-1,0,0,3,1\n", ["line 1", "expected 7 or 10 columns, got 6"]),
        (read_detections, DET_10 + "3,-1,0,0,4\n", ["line 3", "expected 10 columns as above", "5"]),
        (read_detections, DET_10 + "3,-1,0,0,4,4,1\n", ["line 3", "10 columns as above, got 7"]),
        (read_detections, "1,-1,,0,3,1,1\n", ["column 3 (left)", "expected a number, got ''"]),
        (read_detections, "frame,id,x,y,w,h,score\n" + DET_10, ["line 1", "'frame'"]),
        (read_detections, "1,-1,0x10,0,3,1,1\n", ["column 3 (left)", "'0x10'"]),
        (read_detections, "1,-1,1_0,0,3,1,1\n", ["column 3 (left)", "'1_0'"]),
        (read_detections, b"1,-1,\xff\xfe,0,3,1,1\n", ["line 1", "not UTF-8"]),
        (read_detections, b"\x00" * 50, ["line 1", "columns"]),
        (read_ground_truth, DET_10.replace("-1,10", "2,10") + GT_9, ["line 3", "10 columns"]),
        (read_ground_truth, "1,1,0,0,1,1,1\n", ["expected 9 or 10 columns, got 7"]),
        (read_ground_truth, "1,1,0,0,1,1,1,1.5,1\n", ["column 8", "whole number", "1.5"]),
        (read_ground_truth, GT_9 + "1,3,0,0,1,1,1,1,1\n", ["lines 1 and 3", "id 3", "frame 1"]),
        (read_results, "2,5,0,0,1,1,1\n1,5,0,0,1,1,1\n2,5,9,9,1,1,1\n", ["lines 1 and 3", "id 5"]),
        (read_results, "1,3,0,0,1,1,1\n1,-1,0,0,1,1,1\n", ["line 2", "got -1", "detection file"]),
    ],
)
def test_a_wrong_file_says_where_what_and_what_was_expected(file, reader, content, parts):
    path = file(content)
    with pytest.raises(InputError) as caught:
        reader(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    for part in parts:
        assert part in message


@pytest.mark.parametrize("reader", [*READERS, read_feature_file])
def test_missing_files_and_folders_are_named(tmp_path, reader):
    with pytest.raises(InputError, match=r"nothing\.txt: no such file"):
        reader(tmp_path / "nothing.txt")
    with pytest.raises(InputError):
        reader(tmp_path)


def test_detections_by_frame(file):
    found = detections_by_frame(read_detections(file("2,-1,1,2,3,4,9\n1,-1,0,0,1,1,-3\n")))
    assert list(found) == [1, 2]
    assert found[2].xyxy.tolist() == [[1, 2, 4, 6]]
    assert found[1].scores.tolist() == [-3]
    assert found[1].embeddings is None


def table_of(frame, identity, tlwh, confidence):
    count = len(frame)
    return MotTable(
        np.array(frame, np.int64),
        np.array(identity, np.int64),
        np.array(tlwh, float).reshape(count, 4),
        np.array(confidence, float),
        np.full(count, NO_CLASS),
        np.full(count, np.nan),
        np.arange(1, count + 1),
    )


def test_results_survive_being_written(tmp_path):
    path = tmp_path / "new folder" / "MOT16-02.txt"
    table = table_of([1, 2], [7, 8], [[1.25, -2, 3, 4], [0, 0, 10.5, 20]], [0.5, 1])
    write_results(path, table)
    again = read_results(path)
    for name in ("frame", "id", "tlwh", "confidence"):
        assert getattr(again, name).tolist() == getattr(table, name).tolist()
    assert [entry.name for entry in path.parent.iterdir()] == ["MOT16-02.txt"]


def test_no_results_are_an_empty_file(tmp_path):
    write_results(tmp_path / "out.txt", table_of([], [], [], []))
    assert (tmp_path / "out.txt").read_bytes() == b""


FIELDS = st.one_of(
    st.integers(-3, 12).map(str),
    st.floats(width=32).map(str),
    st.sampled_from(["", " ", "x", "1e999", "-", "1.", ".5", "١", "0x1", "1_0", "\x00", "\r"]),
)
LINES = st.one_of(
    st.lists(FIELDS, min_size=5, max_size=11).map(",".join),
    st.lists(FIELDS, min_size=5, max_size=11).map(" ".join),
    st.tuples(st.integers(1, 4), st.integers(0, 4)).map(lambda a: f"{a[0]},{a[1]},1,2,3,4,1,1,1"),
)


@given(content=st.one_of(st.binary(max_size=80), st.lists(LINES, max_size=5).map("\n".join)))
@settings(max_examples=300, deadline=None)
def test_readers_return_a_valid_table_or_raise_input_errors(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("fuzz") / "file.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    for reader in READERS:
        try:
            table = reader(path)
        except InputError:
            continue
        assert np.isfinite(table.tlwh).all()
        assert (table.tlwh[:, 2:] >= 0).all()
        assert (np.diff(table.frame) >= 0).all()
        assert (table.frame >= 1).all()
        assert sum(len(found) for found in detections_by_frame(table).values()) == len(table)


def features_file(tmp_path, mot, features):
    path = tmp_path / "features.npy"
    np.save(path, np.hstack([mot, features]))
    return path


def mot_columns(count, columns):
    rows = np.tile([2.0, -1, 10, 20, 30, 40, 0.5, -1, -1, -1], (count, 1))
    rows[:, 0] = np.arange(count, 0, -1)  # frames backwards: rows are sorted on reading
    return rows[:, :columns]


@pytest.mark.parametrize("columns", [7, 10])
def test_features_are_split_where_rows_have_unit_length(tmp_path, columns):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(5, 16))
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    table = read_feature_file(features_file(tmp_path, mot_columns(5, columns), features))
    assert table.frame.tolist() == [1, 2, 3, 4, 5]
    np.testing.assert_allclose(table.features, features[::-1], atol=1e-6)
    assert table.features.dtype == np.float32
    assert detections_by_frame(table)[1].embeddings.shape == (1, 16)


def test_features_of_any_length_are_split_after_three_columns_of_minus_one(tmp_path):
    features = np.full((3, 4), 2.0)
    features[1] = 0
    table = read_feature_file(features_file(tmp_path, mot_columns(3, 10), features))
    np.testing.assert_allclose(table.features[[0, 2]], 0.5)
    assert np.isnan(table.features[1]).all()


def test_what_cannot_be_told_is_asked_for(tmp_path):
    path = features_file(tmp_path, mot_columns(3, 7), np.full((3, 8), 2.0))
    with pytest.raises(InputError, match="give mot_columns"):
        read_feature_file(path)
    assert read_feature_file(path, mot_columns=7).features.shape == (3, 8)
    with pytest.raises(InputError, match="expected 15 MOT columns"):
        read_feature_file(path, mot_columns=15)


def test_features_without_rows(tmp_path):
    table = read_feature_file(features_file(tmp_path, mot_columns(0, 10), np.zeros((0, 8))))
    assert table.features.shape == (0, 8)


@pytest.mark.parametrize(
    ("array", "match"),
    [
        (np.zeros(5), "2-D array"),
        (np.array([["a"]]), "2-D array"),
        (np.full((2, 20), np.nan), "mot_columns"),
        (np.zeros((2, 5)), "mot_columns"),
    ],
)
def test_arrays_that_hold_no_detections(tmp_path, array, match):
    np.save(tmp_path / "f.npy", array)
    with pytest.raises(InputError, match=match):
        read_feature_file(tmp_path / "f.npy")


def test_features_must_be_numbers(tmp_path):
    features = np.eye(3)
    features[0, 0] = np.nan
    path = features_file(tmp_path, mot_columns(3, 7), features)
    with pytest.raises(InputError, match="row 1: expected finite features"):
        read_feature_file(path, mot_columns=7)


def test_boxes_of_feature_files_are_checked(tmp_path):
    mot = mot_columns(3, 7)
    mot[1, 4] = -1
    path = features_file(tmp_path, mot, np.eye(3))
    with pytest.raises(InputError, match=r"row 2, column 5 \(width\): expected a size of 0"):
        read_feature_file(path)


def test_pickles_are_refused(tmp_path):
    np.save(tmp_path / "f.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match=r"expected an \.npy array"):
        read_feature_file(tmp_path / "f.npy")


@given(position=st.integers(0, 400), value=st.integers(0, 255), cut=st.integers(0, 400))
@settings(max_examples=200, deadline=None)
def test_damaged_arrays_raise_input_errors(tmp_path_factory, position, value, cut):
    stream = io.BytesIO()
    np.save(stream, np.hstack([mot_columns(2, 7), np.eye(2, 8)]))
    data = bytearray(stream.getvalue())
    data[position % len(data)] = value
    path = tmp_path_factory.mktemp("fuzz") / "f.npy"
    path.write_bytes(bytes(data[: len(data) - cut]) if cut < 100 else bytes(data))
    try:
        table = read_feature_file(path)
    except InputError:
        return
    assert np.isfinite(table.tlwh).all()
    assert table.features.dtype == np.float32


def test_real_files(real_data):
    paths = sorted(real_data.glob("MOT1*/train/*/gt/gt.txt"))
    assert paths
    for path in paths:
        lines = sum(1 for line in path.read_text().splitlines() if line.strip())
        assert len(read_ground_truth(path)) == lines
    for path in real_data.glob("MOT17/features*/*.npy"):
        table = read_feature_file(path)
        np.testing.assert_allclose(np.linalg.norm(table.features, axis=1), 1, atol=1e-3)
