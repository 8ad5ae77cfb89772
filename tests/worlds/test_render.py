"""Pictures of drawn rooms: what is in front hides, boxes and owners agree, seeds repeat."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest

from mtmc.trackers.boxes import iou_matrix
from mtmc.worlds.bodies import body_mesh, skin_points
from mtmc.worlds.body_tables import SIDES
from mtmc.worlds.clothes import builds_of, random_looks
from mtmc.worlds.lab_room import SEATS, lab_cameras
from mtmc.worlds.lab_world import LabWorld
from mtmc.worlds.poses import Posture, skeleton
from mtmc.worlds.render import Renderer

SIZE = (240, 180)
FREE = (2.0, 1.2)
"""A place in the middle of the floor that all cameras see."""


def still_world(places, heading=0.0, seated=0.0, height_m=1.75, frames=2):
    """People who stand still; a place of None is a person who is away."""
    people = len(places)
    here = np.array([place is not None for place in places])
    xy = np.array([place if place is not None else (np.nan, np.nan) for place in places], float)
    return LabWorld(
        time_s=np.arange(frames) / 15.0,
        xy=np.broadcast_to(xy, (frames, people, 2)).copy(),
        heading=np.where(here, np.full((frames, people), heading), np.nan),
        walked_m=np.zeros((frames, people)),
        seated=np.where(here, np.full((frames, people), seated), 0.0),
        visit=np.where(here, np.arange(1, people + 1), 0) * np.ones((frames, 1), np.int64),
        height_m=np.full(people, height_m),
    )


def camera(number=0):
    return lab_cameras()[number].resized(SIZE)


def draw(world, number=0, index=0, seed=0):
    looks = random_looks(np.random.default_rng(seed), len(world.height_m))
    return Renderer(world, looks, camera(number), seed).picture(index)


@pytest.fixture(scope="module")
def alone():
    return draw(still_world([FREE]))


def test_owners_lie_in_their_boxes_and_reach_their_edges(alone):
    rows, columns = np.nonzero(alone.owner == 1)
    left, top, right, bottom = alone.xyxy[0]
    drawn = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    np.testing.assert_allclose(drawn, [left, top, right, bottom], atol=1.5)
    assert alone.visible[0] == pytest.approx(1.0)
    assert set(np.unique(alone.owner)) == {0, 1}


@pytest.mark.parametrize("number", range(4))
def test_boxes_are_those_of_a_person_of_that_height_there(number):
    picture = draw(still_world([FREE, (4.6, 1.2), (1.2, 3.6)]), number)
    expected = camera(number).person_box(np.array([FREE, (4.6, 1.2), (1.2, 3.6)]), 1.75, 0.22)
    assert (np.diag(iou_matrix(picture.xyxy, expected)) > 0.6).all()
    height = expected[:, 3] - expected[:, 1]
    assert (np.abs(picture.xyxy - expected)[:, [1, 3]] < 0.08 * height[:, None]).all()
    looks = random_looks(np.random.default_rng(0), 3)
    renderer = Renderer(still_world([FREE, (4.6, 1.2), (1.2, 3.6)]), looks, camera(number))
    np.testing.assert_array_equal(renderer.silhouette_boxes(0), picture.xyxy)


def test_who_stands_in_front_hides_who_stands_behind():
    view = camera()
    towards = np.array(FREE) - view.position[:2]
    behind = np.array(FREE) + 0.6 * towards / np.linalg.norm(towards)
    picture = draw(still_world([FREE, tuple(behind)]))
    free = draw(still_world([None, tuple(behind)]))
    assert picture.visible[0] == pytest.approx(1.0)
    assert free.visible[1] == pytest.approx(1.0)
    assert 0.02 < picture.visible[1] < 0.7
    np.testing.assert_allclose(picture.xyxy[1], free.xyxy[1])


def test_furniture_hides_legs_but_not_heads():
    behind_table = (3.2, 3.3)  # as camera 2, at (6, 0), sees it
    hidden = draw(still_world([behind_table]), number=1)
    assert 0.3 < hidden.visible[0] < 0.95
    rows, _ = np.nonzero(hidden.owner == 1)
    assert rows.min() == pytest.approx(hidden.xyxy[0, 1], abs=1.5)
    in_front = draw(still_world([behind_table]), number=3)
    assert in_front.visible[0] > 0.95


def test_seated_people_are_lower():
    seat = SEATS[0]
    standing = draw(still_world([seat.xy], heading=seat.heading), number=0)
    sitting = draw(still_world([seat.xy], heading=seat.heading, seated=1.0), number=0)
    height = standing.xyxy[0, 3] - standing.xyxy[0, 1]
    assert sitting.xyxy[0, 1] > standing.xyxy[0, 1] + 0.15 * height


def test_the_same_seed_draws_the_same_picture():
    world = still_world([FREE, (4.0, 1.0)])
    first, again = draw(world, seed=3), draw(world, seed=3)
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.owner, again.owner)
    assert (draw(world, seed=4).image != first.image).mean() > 0.2


def test_frames_do_not_hang_on_the_order_they_are_drawn_in():
    world = still_world([FREE], frames=4)
    looks = random_looks(np.random.default_rng(0), 1)
    renderer = Renderer(world, looks, camera())
    expected = renderer.picture(2).image
    renderer.picture(0)
    np.testing.assert_array_equal(renderer.frame(2)[0], expected)


def test_an_empty_room_is_the_background_and_only_noise_differs(alone):
    empty = draw(still_world([None]), index=0)
    later = draw(still_world([None]), index=1)
    assert not empty.owner.any()
    assert np.isnan(empty.xyxy).all()
    assert empty.visible.tolist() == [0.0]
    difference = np.abs(empty.image.astype(int) - later.image)
    assert 0 < difference.mean() < 8
    # far from the person and the shadow nothing changes at all
    far = np.ones(alone.owner.shape, bool)
    left, top, right, bottom = alone.xyxy[0].astype(int)
    far[top - 40 : bottom + 40, left - 40 : right + 40] = False
    np.testing.assert_array_equal(alone.image[far], empty.image[far])


def test_feet_cast_a_shadow_on_the_floor(alone):
    empty = draw(still_world([None]))
    left, _, right, bottom = alone.xyxy[0].astype(int)
    near = np.s_[bottom - 6 : bottom + 2, left:right]
    floor = alone.owner[near] == 0
    assert alone.image[near][floor].mean() < 0.93 * empty.image[near][floor].mean()


def test_people_at_the_border_are_cut_and_their_boxes_are_not():
    view = camera()
    place = view.ground_from_image(np.array([[1.0, 0.8 * SIZE[1]]]))[0]
    picture = draw(still_world([tuple(place)]))
    assert picture.xyxy[0, 0] < 0
    assert 0.2 < picture.visible[0] < 0.9


@pytest.mark.parametrize("away", [(40.0, 40.0), (-3.0, -3.0), (0.15, 0.15), (-0.1, 0.1)])
def test_people_outside_the_view_or_behind_the_camera_do_no_harm(away):
    picture = draw(still_world([FREE, away]))
    alone = draw(still_world([FREE, None]))
    assert picture.visible[0] == pytest.approx(1.0)
    np.testing.assert_array_equal(picture.xyxy[0], alone.xyxy[0])
    assert picture.visible[1] < 0.6


def test_cameras_have_colours_of_their_own():
    world = still_world([FREE])
    looks = random_looks(np.random.default_rng(0), 1)
    renamed = dataclasses.replace(camera(), name="cam9")
    here, there = (Renderer(world, looks, view, 0).picture(0) for view in (camera(), renamed))
    np.testing.assert_array_equal(here.owner, there.owner)
    means = [picture.image.reshape(-1, 3).mean(axis=0) for picture in (here, there)]
    assert np.abs(means[0] - means[1]).max() > 2


def test_looks_and_people_must_be_as_many():
    with pytest.raises(ValueError, match=r"expected one for each of 2 people.*got 1"):
        Renderer(still_world([FREE, None]), random_looks(np.random.default_rng(0), 1), camera())


def test_a_crowd_wears_different_things():
    looks = random_looks(np.random.default_rng(1), 12)
    colours = np.array([[*look.top, *look.trousers, *look.second] for look in looks], float)
    gap = np.linalg.norm(colours[:, None] - colours[None], axis=2) + 1e9 * np.eye(12)
    assert gap.min() > 25
    assert looks == random_looks(np.random.default_rng(1), 12)


@pytest.mark.parametrize(("name", "value"), [("pattern", "tartan"), ("girth", 9.0)])
def test_looks_that_cannot_be_drawn_are_refused(name, value):
    look = random_looks(np.random.default_rng(0), 1)[0]
    with pytest.raises(ValueError, match=name):
        dataclasses.replace(look, **{name: value})


def bodies(count, **posture):
    looks = random_looks(np.random.default_rng(0), count)
    height = np.linspace(1.5, 1.95, count)
    wanted = {
        "walked_m": np.linspace(0, 2, count),
        "stride": np.ones(count),
        "seated": np.zeros(count),
        "time_s": 0.0,
        "habit": np.linspace(0, 0.9, count),
    }
    wanted |= posture
    mesh = body_mesh()
    bones = skeleton(Posture(height_m=height, **wanted))
    return mesh, skin_points(mesh, bones, height, builds_of(looks)), height


@pytest.mark.parametrize("stride", [0.0, 0.5, 1.0])
def test_walking_people_touch_the_floor_and_are_as_tall_as_they_are(stride):
    _, points, height = bodies(40, stride=np.full(40, stride))
    assert np.abs(points[..., 2].min(axis=1)).max() < 0.03
    tall = points[..., 2].max(axis=1) / height
    assert tall.min() > 0.94
    assert tall.max() < 1.03


def test_left_and_right_feet_take_turns():
    mesh, points, _ = bodies(24, walked_m=np.linspace(0, 3, 24), habit=np.zeros(24))
    left, right = (points[:, mesh.quads[mesh.of(f"{s} foot")].ravel(), 0].mean(axis=1)
                   for s in ("left", "right"))  # fmt: skip
    assert (left - right).max() > 0.3
    assert (left - right).min() < -0.3


@pytest.mark.parametrize("seated", [0.0, 1.0])
def test_skins_are_closed_towards_the_outside(seated):
    mesh, points, _ = bodies(3, seated=np.full(3, seated), stride=np.zeros(3))
    a, b, c, d = np.moveaxis(points[:, mesh.quads], 2, 0)
    for row, name in enumerate(SIDES):
        if name in ("neck", "hair", "skirt", "left ankle", "right ankle"):
            continue  # open at one end
        own = mesh.part == row
        middle = points[:, np.unique(mesh.quads[own])].mean(axis=1, keepdims=True)
        normal = np.cross(c - a, d - b)[:, own] / 2
        # Gauss: the volume is a third of the flow of x through the surface
        volume = (normal * ((a + b + c + d)[:, own] / 4 - middle)).sum(axis=(1, 2)) / 3
        assert (volume > 1e-5).all(), name


@pytest.mark.slow
def test_a_detector_trained_on_photographs_finds_them():
    if "MTMC_DATA" not in os.environ:
        pytest.skip("MTMC_DATA is not set: needs models/yolox_nano_416x416.onnx")
    detectors = pytest.importorskip("mtmc.detectors")
    detector = detectors.OnnxDetector(
        Path(os.environ["MTMC_DATA"]) / "models" / "yolox_nano_416x416.onnx"
    )
    rng = np.random.default_rng(0)
    found = []
    for trial in range(12):
        world = still_world([FREE, (4.6, 1.2), (1.2, 3.6)], heading=rng.uniform(-3, 3))
        looks = random_looks(rng, 3)
        for view in lab_cameras()[trial % 4 : trial % 4 + 1]:
            picture = Renderer(world, looks, view, trial).picture(0)
            overlap = iou_matrix(picture.xyxy, detector.detect(picture.image).xyxy)
            best = overlap.max(axis=1, initial=0.0)
            found += (best > 0.5)[picture.visible > 0.7].tolist()
    assert np.mean(found) > 0.75
