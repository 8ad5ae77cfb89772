"""docs/sites.md says what is true: its example runs, and its tables hold exactly the keys."""

from __future__ import annotations

import dataclasses
import re
import shlex
from pathlib import Path

import cv2
import numpy as np
import pytest

from mtmc.calibration.formats import FORMATS, write_cameras
from mtmc.cli import build_parser, main
from mtmc.ground_files import read_ground
from mtmc.sites import find_site
from mtmc.sites.toml_entries import CameraEntry, SiteEntry, TravelEntry

PAGE = (Path(__file__).parents[2] / "docs" / "sites.md").read_text(encoding="utf-8")
EXAMPLE = re.search(r"^```toml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)[1]
TABLES = [re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE) for part in PAGE.split("\n\n")]
COMMANDS = [
    one
    for one in re.findall(r"(?:^|`)(mtmc [^`#\n]+)", PAGE, re.M)
    if "-out " in one or "--se" in one
]
FRAMES, PEOPLE = 80, 3


@pytest.fixture
def my_site(tmp_path, room, walk):
    """What the page's example names."""
    folder = tmp_path / "my_site"
    (folder / "north").mkdir(parents=True)
    names = {"a": "north", "b": "hall"}
    cameras = [dataclasses.replace(room.cameras[old], name=new) for old, new in names.items()]
    write_cameras(folder / "cameras.toml", "mtmc", cameras)
    (folder / "sequence.toml").write_text(EXAMPLE)
    for name, old, rate, offset_s, frames, scale in (
        ("north", "a", 10.0, 0.0, FRAMES, 0.5),
        ("hall", "b", 5.0, 0.1, 40, 1.0),
    ):
        rows = []
        for index in range(1, frames + 1):
            places = walk(PEOPLE, offset_s + (index - 1) / rate)
            for left, top, right, bottom in scale * room.boxes(old, places):
                rows.append(f"{index},-1,{left},{top},{right - left},{bottom - top},0.9\n")
            rows.append(f"{index},-1,300,200,20,60,0.1\n")  # below min_score
        (folder / f"{name}.txt").write_text("".join(rows))
    truth = ["frame,id,x,y\n"]
    for index in range(1, FRAMES + 1):
        image = np.full((480, 640, 3), 90, np.uint8)
        cv2.imwrite(str(folder / "north" / f"{index:06d}.jpg"), image)
        for identity, (x, y) in enumerate(walk(PEOPLE, (index - 1) / 10.0), 1):
            truth.append(f"{index},{identity},{x},{y}\n")
    (folder / "truth.csv").write_text("".join(truth))
    return folder


def test_the_example_is_understood(my_site):
    site = find_site(my_site)
    assert (site.name, site.rate, site.min_score) == ("lobby", 10.0, 0.4)
    assert len(site.region.corners) == 4
    north, hall = site.cameras
    assert (north.rate, north.offset_s, len(north.images)) == (10.0, 0.0, FRAMES)
    assert north.calibration.image_size == (640, 480)
    assert (hall.rate, hall.offset_s, len(hall.indices)) == (5.0, 0.1, 40)
    assert hall.calibration.image_size == (1280, 960)


def test_the_example_runs_and_writes_what_the_page_says(my_site, tmp_path, capsys):
    out = tmp_path / "out"
    base = ["--sequence", str(my_site)]
    assert main(["data", "check", *base]) == 0
    assert main(["calibrate", "show", *base, "--out", str(tmp_path / "floor.png")]) == 0
    drawn = ["--video", "--pictures", "--jsonl"]
    assert main(["run", *base, "--out", str(out), *drawn]) == 0
    written = {path.name for path in (out / "lobby").iterdir()}
    promised = set(re.findall(r"^\| `([\w.]+\.\w+)` \|", PAGE, re.MULTILINE)) - {"CAMERA.txt"}
    assert written == promised | {"north.txt", "hall.txt"}
    assert main(["eval", *base, "--results", str(out)]) == 0
    assert main(["draw", *base, "--results", str(out), "--only", "pictures"]) == 0
    capsys.readouterr()
    found = read_ground(out / "lobby" / "ground.csv")
    assert len(set(found.id.tolist())) == PEOPLE
    assert set(found.frame.tolist()) >= set(range(20, FRAMES))


def test_the_tables_hold_exactly_the_keys():
    def keys(entry):
        return {field.name for field in dataclasses.fields(entry)}

    tables = [set(table) for table in TABLES if table]
    assert keys(SiteEntry) | {"bounds", "region", "entries"} in tables
    assert keys(CameraEntry) in tables
    for key in keys(TravelEntry):
        assert f"`{key}`" in PAGE


def test_the_page_counts_the_formats():
    words = {12: "twelve", 13: "thirteen", 14: "fourteen"}
    assert f"one of the {words[len(FORMATS)]} formats" in PAGE


def test_there_are_commands():
    assert len(COMMANDS) >= 9


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_are_understood(command):
    words = shlex.split(command)[1:]
    build_parser([words[0]]).parse_args(words)
