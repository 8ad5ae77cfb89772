"""Sites: areas, folders with a sequence.toml, moments, and the real layouts where they are."""

from __future__ import annotations

import json
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtmc.calibration.formats import write_cameras
from mtmc.errors import InputError
from mtmc.sites import Area, Site, SiteCamera, find_site, moments, site_names

TRIANGLE = Area(((0.0, 0.0), (4.0, 0.0), (0.0, 4.0)))


@given(st.floats(-5, 5), st.floats(-5, 5))
def test_a_triangle_contains_what_its_inequalities_say(x, y):
    inside = x >= 0 and y >= 0 and x + y <= 4
    distance = TRIANGLE.distance([[x, y]])[0]
    if min(abs(x), abs(y), abs(x + y - 4)) > 1e-9:
        assert TRIANGLE.contains([[x, y]])[0] == inside
        assert (distance == 0) == inside
    t = np.linspace(0, 1, 401)[:, None]
    corners = np.array([[0, 0], [4, 0], [0, 4], [0, 0]], float)
    border = np.concatenate([a + t * (b - a) for a, b in pairwise(corners)])
    if not inside:
        nearest = np.linalg.norm(border - [x, y], axis=1).min()
        assert distance == pytest.approx(nearest, abs=0.02)


def test_borders_belong_to_an_area_and_nan_does_not():
    square = Area.rectangle(0, 0, 2, 1)
    points = [[0, 0], [2, 1], [1, 0], [2, 0.5], [np.nan, 0.5], [2.001, 0.5]]
    assert square.contains(points).tolist() == [True] * 4 + [False] * 2
    with pytest.raises(ValueError, match="x0 < x1"):
        Area.rectangle(2, 0, 0, 1)


@pytest.fixture
def folder(tmp_path, room):
    """A site of two cameras: one with images, one with detections at another rate."""
    cameras = [room.cameras["a"], room.cameras["b"]]
    write_cameras(tmp_path / "cameras.toml", "mtmc", cameras)
    (tmp_path / "images").mkdir()
    for index in (1, 2, 4):
        cv2.imwrite(str(tmp_path / "images" / f"{index:04d}.png"), np.full((8, 8, 3), index, "u1"))
    (tmp_path / "det.txt").write_text(
        "".join(f"{i},-1,600,300,40,120,0.9,-1,-1,-1\n" for i in range(1, 9))
    )
    (tmp_path / "truth.csv").write_text("frame,id,x,y\n1,3,1.0,2.0\n3,-1,1.5,2.0\n")
    (tmp_path / "sequence.toml").write_text(
        """
name = "hall"
rate = 10.0
calibration = "cameras.toml"
calibration_format = "mtmc"
bounds = [0.0, 0.0, 10.0, 8.0]
region = [[0, 0], [10, 0], [10, 8]]
min_score = 0.5
ground_truth = "truth.csv"
[[camera]]
name = "a"
images = "images"
[[camera]]
name = "b"
detections = "det.txt"
rate = 20.0
offset_s = 0.1
"""
    )
    return tmp_path


def test_reads_a_folder(folder):
    site = find_site(folder)
    assert site.name == "hall"
    assert [camera.name for camera in site.cameras] == ["a", "b"]
    assert site.min_score == 0.5
    assert site.bounds == Area.rectangle(0, 0, 10, 8)
    assert len(site.region.corners) == 3
    assert site.truth.frames.tolist() == [1, 2, 3]
    assert site.truth.id.tolist() == [3, -1]
    assert not site.has_images
    assert find_site("nothing", folder) is None
    assert site_names(folder.parent).count(folder.name) == 1


def test_moments_gather_frames_by_real_time(folder):
    """b starts 0.1 s late and runs at twice the rate: its frames 1, 3, 5, 7 fall on the clock."""
    found = list(moments(find_site(folder)))
    assert [moment.index for moment in found] == [1, 2, 3, 4, 5, 6]
    seen = [{frame.camera: frame.index for frame in moment.frames} for moment in found]
    assert seen[0] == {"a": 1}
    assert seen[1] == {"a": 2, "b": 1}
    assert seen[2] == {"b": 3}  # image 3 does not exist
    assert seen[3] == {"a": 4, "b": 5}
    assert found[1].frames[1].time_s == pytest.approx(0.1)
    assert found[3].frames[0].image[0, 0, 0] == 4


def test_an_image_that_cannot_be_read_is_missing_and_said(folder):
    (folder / "images" / "0002.png").write_bytes(b"no image")
    faults = []
    found = list(moments(find_site(folder), on_fault=faults.append))
    assert [frame.camera for frame in found[1].frames] == ["b"]
    assert len(faults) == 1
    assert "0002.png" in faults[0]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "b"', 'name = "c"', "camera 'c': name: expected a camera of the calibration"),
        ("rate = 20.0", "rate = 0.0", "rate: expected a value above 0"),
        ('calibration_format = "mtmc"', 'calibration_format = "x"', "calibration_format"),
        ("[[camera]]", "[[camara]]", "camera: expected one table"),
        ("bounds = [0.0, 0.0, 10.0, 8.0]", "bounds = [0.0, 0.0]", "bounds: expected"),
        ("min_score = 0.5", "min_scor = 0.5", "min_scor"),
    ],
)
def test_wrong_folders_name_the_key(folder, old, new, message):
    path = folder / "sequence.toml"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(InputError, match=message) as caught:
        find_site(folder)
    assert "sequence.toml" in str(caught.value)


def test_wildtrack_annotations_name_what_is_wrong(tmp_path):
    from mtmc.sites.positions import read_positions

    (tmp_path / "00000000.json").write_text(json.dumps([{"personID": 1, "views": []}]))
    with pytest.raises(InputError, match="person 1: positionID: expected an integer, got None"):
        read_positions(tmp_path, ["C1"], lambda p: np.zeros((len(p), 2)), int)


def test_names_of_cameras_differ(room):
    camera = SiteCamera("a", room.cameras["a"], np.arange(1, 3), 1.0)
    with pytest.raises(InputError, match="unique names"):
        Site("s", (camera, camera), 1.0, None, None, None, None, room)


@pytest.mark.parametrize(
    ("name", "cameras", "frames", "people"),
    [("Terrace", 4, 291, 8), ("CMC1", 4, 261, 3), ("CMC2", 4, 261, 10), ("WILDTRACK", 7, 360, 289)],
)
def test_real_boxes_stand_where_people_do(real_data, name, cameras, frames, people):
    if name not in site_names(real_data):
        pytest.skip(f"{name} is not in the data folder")
    site = find_site(name, real_data)
    truth = site.truth
    assert len(site.cameras) == cameras
    assert len(truth.frames) == frames
    assert len(set(truth.id.tolist()) - {-1}) == people
    place = {
        (frame, identity): xy
        for frame, identity, xy in zip(
            truth.frame.tolist(), truth.id.tolist(), truth.xy, strict=True
        )
        if identity >= 0
    }
    for camera in site.cameras:
        frame, identity, xyxy = truth.boxes_of(camera.name)
        known = [row for row in range(len(frame)) if (frame[row], identity[row]) in place]
        if not known:
            continue
        left, _, right, bottom = xyxy[known].T
        foot = np.stack([(left + right) / 2, bottom], axis=1)
        ground = camera.calibration.ground_from_image(foot)
        expected = np.array([place[frame[row], identity[row]] for row in known])
        assert np.nanmedian(np.linalg.norm(ground - expected, axis=1)) < 0.15
