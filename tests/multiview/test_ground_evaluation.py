"""Scores on the ground plane, against counts made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mtmc.errors import InputError
from mtmc.evaluation.ground import (
    evaluate_ground,
    evaluate_site,
    ground_metrics,
    ground_table_scores,
    sites_to_json,
)
from mtmc.evaluation.table import scores_table
from mtmc.ground_files import GroundTable, read_ground
from mtmc.sites import GroundTruth, Site, SiteCamera


def site(room, truth):
    cameras = tuple(
        SiteCamera(name, camera, np.arange(1, 11), 1.0) for name, camera in room.cameras.items()
    )
    return Site("hall", cameras, 1.0, None, None, None, truth, Path())


def truth(frame, identity, xy, frames=None):
    frame = np.asarray(frame)
    return GroundTruth(np.unique(frame) if frames is None else np.asarray(frames), frame,
                       np.asarray(identity), np.asarray(xy, float))  # fmt: skip


def table(frame, identity, xy):
    return GroundTable(np.asarray(frame), np.asarray(identity), np.asarray(xy, float))


def test_distances_count_up_to_the_threshold(room):
    place = site(room, truth([1, 2, 3], [1, 1, 1], [[0, 0], [0, 0], [0, 0]]))
    results = table([1, 2, 3], [7, 7, 7], [[0.3, 0], [0.49, 0], [0.8, 0]])
    near = ground_metrics(evaluate_ground(place, results, 0.5), 0.5)
    assert (near["TP"], near["FP"], near["FN"]) == (2, 1, 1)
    assert near["MOTA"] == pytest.approx(100 / 3)
    assert near["MOTP_m"] == pytest.approx((0.3 + 0.49) / 2)
    wide = ground_metrics(evaluate_ground(place, results, 1.0), 1.0)
    assert (wide["TP"], wide["MOTA"], wide["IDF1"]) == (3, 100.0, 100.0)


def test_frames_without_annotation_are_not_scored(room):
    place = site(room, truth([1, 3], [1, 1], [[0, 0], [0, 0]], frames=[1, 3, 4]))
    results = table([1, 2, 3, 4], [1, 2, 1, 1], [[0, 0], [5, 5], [0, 0], [9, 9]])
    metrics = evaluate_ground(place, results).metrics
    # frame 2 is not annotated; frame 4 is, and nobody is there
    assert (metrics["TP"], metrics["FP"], metrics["Frames"]) == (2, 1, 3)


def test_people_of_unknown_identity_count_neither_way(room):
    place = site(room, truth([1, 1, 2, 2], [1, -1, 1, -1], [[0, 0], [3, 0], [0, 0], [3, 0]]))
    results = table([1, 1, 2], [1, 2, 1], [[0, 0], [3.1, 0], [0, 0]])
    metrics = evaluate_ground(place, results).metrics
    assert (metrics["TP"], metrics["FP"], metrics["FN"], metrics["GT"]) == (2, 0, 0, 1)


def test_a_known_neighbour_keeps_the_nearer_result(room):
    """The result nearer to the known person is theirs, though the unknown one is in reach too."""
    place = site(room, truth([1, 1], [1, -1], [[0, 0], [0.4, 0]]))
    metrics = evaluate_ground(place, table([1, 1], [1, 2], [[0.05, 0], [0.45, 0]])).metrics
    assert (metrics["TP"], metrics["FP"], metrics["FN"]) == (1, 0, 0)


def test_a_switch_is_counted(room):
    place = site(room, truth([1, 2, 3, 4], [1] * 4, [[0, 0]] * 4))
    metrics = evaluate_ground(place, table([1, 2, 3, 4], [5, 5, 6, 6], [[0, 0]] * 4)).metrics
    assert metrics["IDs"] == 1
    assert metrics["IDF1"] == pytest.approx(50.0)


def test_without_ground_truth_there_is_nothing_to_score(room):
    with pytest.raises(InputError, match="hall: no ground truth"):
        evaluate_ground(site(room, None), table([], [], np.zeros((0, 2))))


def test_boxes_of_all_cameras_share_one_space_of_identities(room, tmp_path):
    """Each camera is consistent in itself, but b calls the person 2: half of the boxes agree."""
    known = GroundTruth(
        np.array([1, 2]), np.array([1, 2]), np.array([1, 1]), np.zeros((2, 2)),
        ("a", "a", "b", "b"), np.array([1, 2, 1, 2]), np.ones(4, int),
        np.tile([10.0, 10.0, 30.0, 50.0], (4, 1)),
    )  # fmt: skip
    for camera, identity in {"a": 1, "b": 2, "c": 0, "d": 0}.items():
        rows = [f"{frame},{identity},10,10,20,40,1,-1,-1,-1\n" for frame in (1, 2) if identity]
        (tmp_path / f"{camera}.txt").write_text("".join(rows))
    (tmp_path / "ground.csv").write_text("frame,id,x,y\n1,1,0,0\n2,1,0,0\n")
    scores = evaluate_site(site(room, known), tmp_path)
    assert scores.ground.metrics["IDF1"] == 100.0
    assert scores.boxes.metrics["TP"] == 4
    assert scores.boxes.metrics["IDF1"] == pytest.approx(50.0)
    record = sites_to_json({"hall": scores})
    assert record["overall"]["MOTA"] == 100.0
    assert record["sequences"]["hall"]["at_1m"]["MOTA"] == 100.0
    assert record["sequences"]["hall"]["boxes"]["IDF1"] == pytest.approx(50.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,frame,x,y\n", "line 1: expected the header"),
        ("frame,id,x,y\n1,1,0\n", "line 2: expected frame, id, x, y"),
        ("frame,id,x,y\n1,1,0,nan\n", "line 2: expected a frame from 1"),
        ("frame,id,x,y\n1,1,0,0\n1,1,2,2\n", "lines 2 and 3: .* id 1 twice in frame 1"),
    ],
)
def test_wrong_files_name_the_line(tmp_path, text, message):
    path = tmp_path / "ground.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_ground(path)


def test_results_without_places_are_not_scored_on_the_ground(room, tmp_path):
    """Cameras that share no floor: boxes in every camera's file, and no places."""
    place = site(room, truth([1, 2], [1, 1], [[3, 3], [3, 3]]))
    (tmp_path / "ground.csv").write_text("frame,id,x,y\n")
    nobody = evaluate_site(place, tmp_path)
    assert nobody.on_ground  # and so all are missed
    (tmp_path / "a.txt").write_text("1,1,10,10,20,40,1,-1,-1,-1\n")
    scores = evaluate_site(place, tmp_path)
    assert not scores.on_ground
    shown = scores_table(ground_table_scores({"yard": scores}), ("MOTA",), unscored={"yard"})
    assert list(shown.columns[1].cells) == ["\u2013", "\u2013"]
    both = {"hall": nobody, "yard": scores}
    shown = scores_table(ground_table_scores(both), ("MOTA", "FN"), unscored={"yard"})
    assert list(shown.columns[2].cells) == ["2", "\u2013", "2"]
