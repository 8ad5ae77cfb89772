"""A site from its folder to files and scores."""

from __future__ import annotations

import json

import numpy as np
import pytest

from mtmc.calibration.formats import write_cameras
from mtmc.errors import InputError
from mtmc.evaluation.ground import evaluate_ground, evaluate_site
from mtmc.ground_files import read_ground
from mtmc.mot_files import read_results
from mtmc.run_config import RunConfig, RunOptions
from mtmc.site_run import run_site
from mtmc.site_sinks import EventsSink, GroundCsvSink
from mtmc.sites import find_site
from mtmc.types import GlobalTrack, Relabel

FRAMES, STEP_S, PEOPLE = 30, 0.25, 4


@pytest.fixture(scope="module")
def hall(tmp_path_factory, room, walk):
    folder = tmp_path_factory.mktemp("hall")
    write_cameras(folder / "cameras.toml", "mtmc", list(room.cameras.values()))
    detections = {name: [] for name in room.cameras}
    truth = ["frame,id,x,y\n"]
    for index in range(1, FRAMES + 1):
        places = walk(PEOPLE, (index - 1) * STEP_S)
        truth += [f"{index},{n},{x:.4f},{y:.4f}\n" for n, (x, y) in enumerate(places)]
        for view in room.views(index, 0.0, places):
            for left, top, right, bottom in view.detections.xyxy:
                detections[view.frame.camera].append(
                    f"{index},-1,{left:.3f},{top:.3f},{right - left:.3f},{bottom - top:.3f},1\n"
                )
    for name, rows in detections.items():
        (folder / f"{name}.txt").write_text("".join(rows))
    (folder / "truth.csv").write_text("".join(truth))
    cameras = "".join(f'[[camera]]\nname = "{n}"\ndetections = "{n}.txt"\n' for n in detections)
    (folder / "sequence.toml").write_text(
        f'name = "hall"\nrate = {1 / STEP_S}\ncalibration = "cameras.toml"\n'
        'calibration_format = "mtmc"\nbounds = [0, 0, 10, 8]\nground_truth = "truth.csv"\n'
        + cameras
    )
    return find_site(folder)


def test_a_run_leaves_files_that_score_perfectly(hall, tmp_path):
    outcome = run_site(hall, tmp_path)
    folder = tmp_path / "hall"
    assert {path.name for path in folder.iterdir()} == {
        *("ground.csv", "events.jsonl", "run.json"),
        *(f"{name}.txt" for name in "abcd"),
    }
    assert outcome.summary.complete
    assert outcome.summary.identities == PEOPLE
    metrics = evaluate_site(hall, folder).metrics
    assert (metrics["MOTA"], metrics["IDF1"]) == (100.0, 100.0)
    ground = read_ground(folder / "ground.csv")
    boxes = read_results(folder / "a.txt")
    assert set(boxes.id.tolist()) == set(ground.id.tolist())
    record = json.loads((folder / "run.json").read_text())
    assert record["complete"]
    assert record["config"]["ground_tracker"]["motion"]["max_speed"] > 0
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    assert [e["event"] for e in events] == ["appeared"] * PEOPLE + ["summary"] * PEOPLE
    assert {e["moments"] for e in events[PEOPLE:]} == {FRAMES}


def test_the_same_run_twice_writes_the_same_bytes(hall, tmp_path):
    for name in ("first", "second"):
        run_site(hall, tmp_path / name)
    for path in (tmp_path / "first" / "hall").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / "hall" / path.name).read_bytes()


def test_an_interrupted_run_says_so(hall, tmp_path):
    seen = []
    outcome = run_site(hall, tmp_path, on_moment=seen.append, stop=lambda: len(seen) == 10)
    assert not outcome.summary.complete
    assert outcome.summary.reason == "interrupted after frame 10"
    assert read_ground(tmp_path / "hall" / "ground.csv").frame.max() == 10


def test_settings_of_single_cameras_are_refused(hall, tmp_path):
    options = RunOptions(roi=(0.0, 0.0, 1.0, 1.0))
    with pytest.raises(InputError, match=r"run\.roi: not for multi-camera sequences"):
        run_site(hall, tmp_path, RunConfig(run=options))
    with pytest.raises(InputError, match="needs images; there are none"):
        run_site(hall, tmp_path, RunConfig(run=RunOptions(detector="x.onnx")))
    assert not list(tmp_path.iterdir())


def test_late_decisions_change_the_file_and_are_told(tmp_path):
    tracks = [GlobalTrack(2, frame, (1.0, 2.0), (("a", 0),)) for frame in (1, 2, 3)]
    with GroundCsvSink(tmp_path / "g.csv") as sink, EventsSink(tmp_path / "e.jsonl") as events:
        for one in (sink, events):
            one.write([], tracks)
            one.relabel(Relabel(2, 1, 2))
        events.fault("camera b: no frame")
    table = read_ground(tmp_path / "g.csv")
    assert table.id.tolist() == [2, 1, 1]
    kinds = [json.loads(line)["event"] for line in (tmp_path / "e.jsonl").read_text().splitlines()]
    assert kinds == ["appeared", "relabel", "fault", "summary"]


def test_a_tentative_identity_is_not_summed_up_apart(tmp_path):
    with EventsSink(tmp_path / "e.jsonl") as events:
        events.write([], [GlobalTrack(1, 1, (1.0, 2.0), ())])
        events.write([], [GlobalTrack(2, frame, (1.0, 2.0), ()) for frame in (5, 6)])
        events.relabel(Relabel(2, 1, 5))
        events.write([], [GlobalTrack(1, 7, (1.0, 2.0), ())])
    last = [json.loads(line) for line in (tmp_path / "e.jsonl").read_text().splitlines()][-1]
    assert last == {"event": "summary", "id": 1, "first_frame": 1, "last_frame": 7, "moments": 4}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "mota", "idf1"), [("CMC1", 98, 98), ("CMC2", 89, 55), ("WILDTRACK", 97, 93)]
)
def test_real_sites_are_tracked_as_measured(real_data, tmp_path, name, mota, idf1):
    site = find_site(name, real_data)
    if site is None:
        pytest.skip(f"{name} is not in the data folder")
    run_site(site, tmp_path)
    metrics = evaluate_ground(site, read_ground(tmp_path / name / "ground.csv")).metrics
    assert metrics["MOTA"] >= mota
    assert metrics["IDF1"] >= idf1
    assert np.isfinite(metrics["HOTA"])
