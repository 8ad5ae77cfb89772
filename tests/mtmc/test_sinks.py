from __future__ import annotations

import json

import numpy as np
import pytest

from mtmc.mot_files import read_results
from mtmc.sinks import JsonLinesSink, MotTextSink
from mtmc.types import Detections, Frame, Relabel, Tracks, View


def view_of(index: int, ids: list[int], camera: str = "cam") -> View:
    boxes = np.array([[10.0 * i, 5, 10.0 * i + 8, 25] for i in ids]).reshape(-1, 4)
    tracks = Tracks(np.array(ids), boxes, np.full(len(ids), 0.5), np.arange(len(ids)))
    return View(Frame(camera, index, index / 10), Detections(boxes, tracks.scores), tracks)


def test_mot_text_holds_what_was_tracked(tmp_path):
    path = tmp_path / "new" / "folder" / "cam.txt"
    with MotTextSink(path, "cam") as sink:
        sink.write([view_of(1, [1, 2]), view_of(1, [9], camera="other")], [])
        sink.write([view_of(3, [2])], [])
        assert not path.exists()
    table = read_results(path)
    assert table.frame.tolist() == [1, 1, 3]
    assert table.id.tolist() == [1, 2, 2]
    assert table.xyxy.tolist()[1] == [20, 5, 28, 25]


def test_late_decisions_rewrite_the_past_in_their_order(tmp_path):
    path = tmp_path / "cam.txt"
    with MotTextSink(path, "cam") as sink:
        for index in (1, 2, 3):
            sink.write([view_of(index, [4, 7])], [])
        sink.relabel(Relabel(4, 2, from_frame=2))
        sink.relabel(Relabel(2, 1, from_frame=3))
    assert read_results(path).id.tolist() == [4, 7, 2, 7, 1, 7]
    assert [p.name for p in tmp_path.iterdir()] == ["cam.txt"]


@pytest.mark.parametrize("sink_class", [MotTextSink, JsonLinesSink])
def test_a_failed_run_leaves_nothing_and_keeps_the_old_file(tmp_path, sink_class):
    path = tmp_path / "cam.txt"
    path.write_text("old", encoding="utf-8")
    sink = MotTextSink(path, "cam") if sink_class is MotTextSink else JsonLinesSink(path)

    def fail() -> None:
        with sink:
            sink.write([view_of(1, [1])], [])
            raise RuntimeError("disk on fire")

    with pytest.raises(RuntimeError, match="disk on fire"):
        fail()
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_json_lines_tell_detection_and_coasting_apart(tmp_path):
    path = tmp_path / "cam.jsonl"
    view = view_of(1, [1, 2])
    tracks = Tracks(view.tracks.ids, view.tracks.xyxy, view.tracks.scores, np.array([1, -1]))
    with JsonLinesSink(path) as sink:
        sink.write([View(view.frame, view.detections, tracks)], [])
        sink.relabel(Relabel(2, 1, 1))
    first, second = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    assert [person["detection"] for person in first["tracks"]] == [1, None]
    assert first["frame"] == 1
    assert first["camera"] == "cam"
    assert second == {"relabel": {"old_id": 2, "new_id": 1, "from_frame": 1}}


def test_a_sink_outside_its_block_says_so(tmp_path):
    with pytest.raises(ValueError, match="not open"):
        MotTextSink(tmp_path / "x.txt", "cam").write([view_of(1, [1])], [])


def test_a_folder_that_cannot_be_made_is_an_os_error(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OSError, match="file"), MotTextSink(tmp_path / "file" / "x.txt", "cam"):
        pass
