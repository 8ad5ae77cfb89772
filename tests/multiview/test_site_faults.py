"""What is wrong with a site, as `mtmc run` tells it; and what is no reason to stop."""

from __future__ import annotations

import json
import re
import shutil

import cv2
import numpy as np
import pytest

from mtmc.calibration.formats import FORMATS, write_cameras
from mtmc.cli import main
from mtmc.ground_files import read_ground

RATE, MOMENTS, PEOPLE = 4.0, 40, 4
FILES = {"mtmc": "rig.toml", "opencv": "rig.yml", "projection": "rig.json"}


def detections_text(room, walk, name, moments=MOMENTS):
    rows = []
    for index in range(1, moments + 1):
        places = walk(PEOPLE, (index - 1) / RATE)
        view = next(v for v in room.views(index, 0.0, places) if v.frame.camera == name)
        for left, top, right, bottom in view.detections.xyxy:
            rows.append(f"{index},-1,{left:.2f},{top:.2f},{right - left:.2f},{bottom - top:.2f},1")
    return "\n".join(rows) + "\n"


@pytest.fixture
def hall(tmp_path, room, walk):
    """A site of four cameras whose detections are files."""
    folder = tmp_path / "hall"
    folder.mkdir()
    write_cameras(folder / "cameras.toml", "mtmc", list(room.cameras.values()))
    text = (
        f'rate = {RATE}\ncalibration = "cameras.toml"\ncalibration_format = "mtmc"\n'
        "bounds = [0, 0, 10, 8]\n"
    )
    for name in room.cameras:
        (folder / f"{name}.txt").write_text(detections_text(room, walk, name))
        text += f'[[camera]]\nname = "{name}"\ndetections = "{name}.txt"\n'
    (folder / "sequence.toml").write_text(text)
    return folder


@pytest.fixture
def track(hall, tmp_path, capsys):
    """`mtmc run` on the hall: exit code and lines on stderr."""

    def run(*words):
        code = main(["run", "--sequence", str(hall), "--out", str(tmp_path / "out"), *words])
        return code, [line for line in capsys.readouterr().err.splitlines() if line.strip()]

    return run


def edit(hall, old, new):
    path = hall / "sequence.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def refused(track, tmp_path, *parts):
    """One line, exit code 2, and nothing written."""
    code, lines = track()
    assert code == 2
    assert len(lines) == 1, lines
    assert not (tmp_path / "out").exists()
    for part in parts:
        assert part in lines[0]


def events(tmp_path):
    path = tmp_path / "out" / "hall" / "events.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def identities_at_the_end(tmp_path):
    table = read_ground(tmp_path / "out" / "hall" / "ground.csv")
    return set(table.id[table.frame == MOMENTS].tolist())


def test_all_formats_that_are_written_are_tried():
    assert set(FILES) == {name for name, entry in FORMATS.items() if entry.write}


def test_the_hall_is_fine(track, tmp_path):
    assert track()[0] == 0
    assert len(identities_at_the_end(tmp_path)) == PEOPLE
    assert not [event for event in events(tmp_path) if event["event"] == "fault"]


@pytest.mark.parametrize("fault", ["nan", "truncated", "empty", "missing"])
@pytest.mark.parametrize("name", FILES)
def test_a_wrong_calibration_is_one_line_with_its_file(hall, track, tmp_path, room, name, fault):
    target = hall / FILES[name]
    write_cameras(target, name, list(room.cameras.values()))
    edit(hall, '"cameras.toml"', f'"{target.name}"')
    edit(hall, '"mtmc"', f'"{name}"\nimage_size = [1280, 960]')
    assert track()[0] == 0, "as written it works"
    shutil.rmtree(tmp_path / "out")
    text = target.read_text()
    numbers = list(re.finditer(r"-?\d+\.\d+(e[+-]?\d+)?", text))
    if fault == "nan":
        middle = numbers[len(numbers) // 2]
        target.write_text(text[: middle.start()] + "nan" + text[middle.end() :])
    elif fault == "truncated":
        target.write_text(text[: numbers[len(numbers) // 2].start() + 2])
    elif fault == "empty":
        target.write_text("")
    else:
        target.unlink()
    refused(track, tmp_path, "sequence.toml", "calibration", target.name)


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("rate =", "colour = 1\nrate =", ["sequence.colour: unknown key"]),
        (f"rate = {RATE}\n", "", ["sequence.rate: missing"]),
        (f"rate = {RATE}", "rate = nan", ["rate: expected"]),
        (f"rate = {RATE}", "rate = 'fast'", ["sequence.rate: expected a number"]),
        (f"rate = {RATE}", f"rate = {RATE}\nimage_size = [5]", ["image_size: expected 2"]),
        (f"rate = {RATE}", f"rate = {RATE}\nimage_size = [0, 5]", ["image_size: expected"]),
        (f"rate = {RATE}", f"rate = {RATE}\nunit_m = -1.0", ["unit_m: expected"]),
        (f"rate = {RATE}", "rate = ", ["not valid TOML", "line 1"]),
        ("[0, 0, 10, 8]", "[0, 0, 10]", ["bounds: expected [x0, y0, x1, y1]"]),
        ("[0, 0, 10, 8]", "[0, 0, nan, 8]", ["bounds: expected"]),
        ("[0, 0, 10, 8]", "7", ["bounds: expected"]),
        ('"mtmc"', '"kalibr"', ["calibration_format: expected one of", "'kalibr'"]),
        ('calibration_format = "mtmc"\n', "", ["calibration, calibration_format: expected both"]),
        ("bounds", "ground_truth = 'gt.csv'\nbounds", ["ground_truth", "gt.csv: no such file"]),
        ('name = "a"', 'name = "z"', ["camera 'z': name: expected a camera of the calibration"]),
        ('name = "b"', 'name = "a"', ["camera 'a': expected unique names"]),
        ('name = "a"', 'name = "a"\nsise = 1', ["camera 1.sise: unknown key", "'size'"]),
        ('name = "a"', 'name = "a"\nimages = "gone"', ["camera 'a': images:", "no such folder"]),
        ('name = "a"', 'name = "a"\nimages = "."', ["camera 'a': images:", "numbered images"]),
        ('name = "a"', 'name = "a"\nvideo = "a.mp4"', ["camera 'a': video:", "a.mp4: no such"]),
        ('name = "a"', 'name = "a"\nrate = -1.0', ["camera a: rate: expected a value above 0"]),
        ('name = "a"', 'name = "a"\noffset_s = inf', ["camera a: offset_s: expected a time"]),
        ('name = "a"', 'name = "a"\nsize = [1, 2, 3]', ["camera 1.size: expected 2"]),
        ('name = "a"', 'name = "a"\nframes = 0', ["camera 1.frames: expected a number from 1"]),
        ('detections = "a.txt"', "", ["images, video, detections: expected one of these"]),
        ('"a.txt"', '"gone.txt"', ["camera 'a':", "gone.txt"]),
    ],
)  # fmt: skip
def test_a_wrong_sequence_toml_is_one_line_with_its_key(hall, track, tmp_path, old, new, parts):
    edit(hall, old, new)
    refused(track, tmp_path, "sequence.toml", *parts)


@pytest.mark.parametrize(
    ("row", "part"),
    [
        ("7,-1,nan,10,20,30,1\n", "line"),
        ("7,-1,10,10,20\n", "line"),
        ("0,-1,10,10,20,30,1\n", "frame"),
    ],
)
def test_wrong_detections_are_one_line_with_their_row(hall, track, tmp_path, row, part):
    path = hall / "c.txt"
    path.write_text(path.read_text() + row)
    refused(track, tmp_path, "sequence.toml", "camera 'c'", "c.txt", part)


@pytest.mark.parametrize(
    ("rows", "part"),
    [
        ("frame,id,x\n", "line 1: expected the header"),
        ("frame,id,x,y\n1,1,0.0,nan\n", "line 2"),
        ("frame,id,x,y\n0,1,0.0,0.0\n", "line 2: expected a frame from 1"),
        ("frame,id,x,y\n1,1,0.0,0.0\n1,1,1.0,0.0\n", "lines 2 and 3"),
    ],
)
def test_wrong_ground_truth_is_one_line_with_its_row(hall, track, tmp_path, rows, part):
    (hall / "truth.csv").write_text(rows)
    edit(hall, "bounds", 'ground_truth = "truth.csv"\nbounds')
    refused(track, tmp_path, "ground_truth", "truth.csv", part)


def test_a_camera_that_stops_is_told_and_the_others_go_on(hall, track, tmp_path, room, walk):
    (hall / "b.txt").write_text(detections_text(room, walk, "b", MOMENTS // 2))
    edit(hall, 'detections = "b.txt"', f'detections = "b.txt"\nframes = {MOMENTS // 2}')
    code, lines = track()
    assert code == 0
    assert any("1 fault" in line for line in lines)
    faults = [event["message"] for event in events(tmp_path) if event["event"] == "fault"]
    assert len(faults) == 1
    assert faults[0].startswith("camera b: no frame since 4.8 s")
    assert len(identities_at_the_end(tmp_path)) == PEOPLE
    appeared = [event for event in events(tmp_path) if event["event"] == "appeared"]
    assert len(appeared) == PEOPLE, "nobody changes identity"


def test_a_camera_that_sees_nobody_has_not_stopped(hall, track, tmp_path):
    (hall / "b.txt").write_text("")
    code, _ = track()
    assert code == 0
    assert len(identities_at_the_end(tmp_path)) == PEOPLE
    assert not [event for event in events(tmp_path) if event["event"] == "fault"]


def test_one_camera_is_enough(hall, track, tmp_path):
    path = hall / "sequence.toml"
    path.write_text(path.read_text().partition('[[camera]]\nname = "b"')[0])
    code, _ = track()
    assert code == 0
    assert len(identities_at_the_end(tmp_path)) >= PEOPLE - 1
    names = {path.name for path in (tmp_path / "out" / "hall").iterdir()}
    assert "a.txt" in names
    assert "b.txt" not in names


def test_images_that_cannot_be_read_are_told(hall, track, tmp_path):
    (hall / "images").mkdir()
    for index in range(1, MOMENTS + 1):
        cv2.imwrite(str(hall / "images" / f"{index}.png"), np.zeros((96, 128, 3), np.uint8))
    (hall / "images" / "7.png").write_bytes(b"no image")
    edit(hall, 'name = "a"', 'name = "a"\nimages = "images"')
    code, _ = track()
    assert code == 0, "nobody looks at them"
    code, lines = track("--video")
    assert code == 0, lines


def test_single_camera_options_and_pictures_are_told_apart(track, tmp_path, street, capsys):
    code, lines = track("--roi", "0,0,5,5")
    assert code == 2
    assert "run.roi: not for multi-camera sequences" in lines[0]
    out = str(tmp_path / "single")
    assert main(["run", "--sequence", str(street), "--out", out, "--pictures"]) == 2
    assert "run.pictures: only for multi-camera sequences" in capsys.readouterr().err
