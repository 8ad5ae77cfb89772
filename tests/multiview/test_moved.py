from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from mtmc.multiview import GroundTracker, GroundTrackerConfig
from mtmc.multiview.moved import MovedCameras, MovedConfig
from mtmc.multiview.moved_votes import Votes, common_shift, expected_places
from mtmc.multiview.observe import ObserveConfig, observe
from mtmc.site_run import run_site
from mtmc.sites import Site, SiteCamera
from mtmc.types import Detections, Frame, View

RATE = 5.0
PEOPLE = 6


def turned(room, name: str, degrees: float):
    """The same room after somebody turned a camera about the vertical."""
    camera = room.cameras[name]
    angle = np.radians(degrees)
    turn = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1.0]]
    )
    R = camera.R @ turn
    moved = replace(camera, R=R, t=-R @ camera.position)
    return replace(room, cameras={**room.cameras, name: moved})


def moments(rooms, walk, seconds: float, jitter_px: float = 0.0):
    """Views of the room that is true at the time; ``rooms`` maps times to rooms, ascending."""
    rng = np.random.default_rng(0)
    for index in range(1, int(seconds * RATE) + 1):
        time_s = (index - 1) / RATE
        room = [one for start, one in rooms.items() if start <= time_s][-1]
        views = room.views(index, time_s, walk(PEOPLE, time_s))
        for number, view in enumerate(views):
            noise = rng.normal(0, jitter_px, view.detections.xyxy.shape)
            boxes = view.detections.xyxy + noise
            views[number] = replace(view, detections=Detections(boxes, view.detections.scores))
        yield views


def follow(room, rooms, walk, seconds=40.0, config=None, jitter_px=2.0):
    """Events, and the error in metres of every reported track, moment by moment."""
    tracker = GroundTracker(room.cameras, config, room.bounds)
    events, found, times = [], [], {}
    for views in moments(rooms, walk, seconds, jitter_px):
        time_s = times[views[0].frame.index] = views[0].frame.time_s
        found += tracker.update(views)
        events += [(time_s, event) for event in tracker.take_events()]
    found += tracker.flush()
    errors = []
    for index, time_s in times.items():
        places = walk(PEOPLE, time_s)
        here = [one.ground_xy for one in found if one.frame_index == index]
        nearest = [np.hypot(*(places - xy).T).min() for xy in here]
        errors.append((len(here), max(nearest, default=0.0)))
    return events, np.array(errors)


def test_nothing_is_said_while_nothing_moves(room, walk):
    events, _ = follow(room, {0.0: room}, walk, jitter_px=5.0)
    assert events == []


@pytest.mark.parametrize("name", ["a", "c"])
@pytest.mark.parametrize("degrees", [-6.0, 5.0, 10.0])
def test_a_turned_camera_is_named_once(room, walk, name, degrees):
    events, errors = follow(room, {0.0: room, 15.0: turned(room, name, degrees)}, walk)
    ((time_s, event),) = events
    details = event.details
    assert (event.kind, details["camera"]) == ("camera_moved", name)
    assert 15.0 < time_s <= 27.0
    assert details["time_s"] == pytest.approx(15.0, abs=1.0)
    # as the camera stands here, a turn shifts its image by f tan(angle) at least
    assert details["residual_px"] > 0.8 * 700 * np.tan(np.radians(abs(degrees)))
    assert details["residual_m"] > 0.4
    pattern = rf"camera {name} .* frame {details['from_frame']} .* [\d.]+ m \(\d+ px\)"
    assert re.search(pattern, event.warning)
    json.dumps(dict(details))
    after = errors[int(28 * RATE) :]
    assert (after[:, 0] == PEOPLE).all()
    assert after[:, 1].max() < 0.25


def test_a_camera_that_is_turned_back_is_used_again(room, walk):
    rooms = {0.0: room, 15.0: turned(room, "b", 8.0), 40.0: room}
    events, _ = follow(room, rooms, walk, 65.0)
    assert [event.kind for _, event in events] == ["camera_moved", "camera_back"]
    assert 40.0 < events[1][0] < 57.0
    assert events[1][1].details["camera"] == "b"


def test_a_calibration_that_is_off_from_the_beginning(room, walk):
    events, errors = follow(room, {0.0: turned(room, "d", 7.0)}, walk)
    assert [event.details["camera"] for _, event in events] == ["d"]
    assert (errors[-20:, 0] == PEOPLE).all()


def test_the_watch_can_be_turned_off(room, walk):
    config = GroundTrackerConfig(moved=MovedConfig(window_s=0.0))
    events, _ = follow(room, {0.0: room, 15.0: turned(room, "a", 10.0)}, walk, config=config)
    assert events == []


def test_two_cameras_cannot_tell_which_of_them_moved(room, walk):
    two = replace(room, cameras={name: room.cameras[name] for name in "ab"})
    events, _ = follow(two, {0.0: two, 15.0: turned(two, "a", 8.0)}, walk)
    assert events == []


def test_a_run_warns_once_and_writes_it_down(room, walk, tmp_path):
    rooms = {0.0: room, 15.0: turned(room, "a", 8.0)}
    found = {name: {} for name in room.cameras}
    for views in moments(rooms, walk, 40.0):
        for view in views:
            found[view.frame.camera][view.frame.index] = view.detections
    cameras = tuple(
        SiteCamera(name, camera, np.arange(1, 201), RATE, detections=found[name])
        for name, camera in room.cameras.items()
    )
    site = Site("yard", cameras, RATE, room.bounds, None, None, None, tmp_path)
    warnings = []
    run_site(site, tmp_path, on_warning=warnings.append)
    lines = (tmp_path / "yard" / "events.jsonl").read_text().splitlines()
    (event,) = (one for one in map(json.loads, lines) if one["event"].startswith("camera"))
    assert warnings == [event["message"]]
    assert event["event"] == "camera_moved"
    assert event["camera"] == "a"


# ---------------------------------------------------------------- parts


def votes(offsets, people=None, foot=(640.0, 600.0), places=None) -> Votes:
    offsets = np.asarray(offsets, float).reshape(-1, 2)
    count = len(offsets) if people is None else people
    person = np.arange(len(offsets)) % max(count, 1)
    place = np.arange(count) if places is None else np.asarray(places)
    unmoved = np.isin(np.arange(count), person[np.hypot(*offsets.T) <= 10.0])
    return Votes(0.0, 1, place, unmoved, offsets, np.broadcast_to(foot, offsets.shape), person)


def test_the_common_shift_is_where_most_votes_are(room):
    rng = np.random.default_rng(1)
    camera = room.cameras["a"]
    scattered = rng.uniform(-200, 200, (60, 2))
    agreeing = np.array([60.0, -30.0]) + rng.normal(0, 2, (40, 2))
    elsewhere = np.arange(60, 100)
    shift = common_shift([votes(scattered), votes(agreeing, places=elsewhere)], camera, 10.0)
    assert shift.offset_px == pytest.approx((60.0, -30.0), abs=2.0)
    assert shift.length_px == pytest.approx(np.hypot(60, 30), abs=2.0)
    ends = camera.ground_from_image(np.array([[640.0, 600.0], [580.0, 630.0]]))
    assert shift.length_m == pytest.approx(np.hypot(*(ends[0] - ends[1])), abs=0.05)
    assert shift.share == pytest.approx(0.4, abs=0.05)
    assert shift.lead > 20
    assert common_shift([], camera, 10.0) is None
    assert common_shift([votes([], 5)], camera, 10.0) is None


def test_a_person_counts_once_however_many_boxes_there_are(room):
    shift = common_shift([votes(np.zeros((12, 2)), people=3)], room.cameras["a"], 10.0)
    assert shift.share == 1.0
    assert shift.lead == 1.0
    assert shift.places == 3


def test_somebody_who_sits_there_all_the_time_counts_once(room):
    sitting = [votes([(60.0, -30.0)], places=[7]) for _ in range(20)]
    walking = [votes([(0.0, 0.0)], places=[place]) for place in range(6)]
    shift = common_shift(sitting + walking, room.cameras["a"], 10.0)
    assert shift.places == 7
    assert shift.lead < 1


def test_feet_behind_a_table_are_no_moved_camera(room, walk):
    """Two people sit behind something that hides their feet from one camera; one walks."""
    tracker = GroundTracker(room.cameras, bounds=room.bounds)
    seats = np.array([[3.0, 3.0], [7.0, 3.5]])
    for index in range(1, 300):
        time_s = index / RATE
        views = room.views(index, time_s, np.vstack([seats, walk(PEOPLE, time_s)[:1] + [0, 3.0]]))
        boxes = views[0].detections.xyxy.copy()
        boxes[:2, 3] -= 0.35 * (boxes[:2, 3] - boxes[:2, 1])
        views[0] = replace(views[0], detections=Detections(boxes, np.ones(len(boxes))))
        tracker.update(views)
    assert tracker.take_events() == []


def test_expected_places_are_those_of_at_least_two_other_cameras(room):
    xy = np.array([[3.0, 3.0], [6.0, 5.0]])
    seen = observe(room.views(1, 0.0, xy), room.cameras, 0.0, ObserveConfig())
    gap = ((seen.xy[:, None] - xy) ** 2).sum(axis=2)
    track = gap.argmin(axis=1)
    everybody = np.ones(4, bool)
    assert expected_places(seen, track, 0, 2, everybody) == pytest.approx(xy, abs=5e-3)
    track[(track == 1) & (seen.camera >= 2)] = -1  # cameras 0 and 1 alone see the second person
    places = expected_places(seen, track, 0, 2, everybody)
    assert np.isfinite(places[0]).all()
    assert np.isnan(places[1]).all()
    assert np.isfinite(expected_places(seen, track, 3, 2, everybody)).all()
    distrusted = np.array([True, False, True, True])
    assert np.isnan(expected_places(seen, track, 3, 2, distrusted)[1]).all()


def test_trusted_observations_are_those_of_the_other_cameras(room):
    xy = np.array([[3.0, 3.0], [6.0, 5.0]])
    seen = observe(room.views(1, 0.0, xy), room.cameras, 0.0, ObserveConfig())
    watch = MovedCameras(room.cameras)
    assert watch.trusted(seen) is seen
    watch.set_aside[1] = True
    left = watch.trusted(seen)
    assert np.array_equal(left.xy, seen.xy[seen.camera != 1])
    assert left.starts.tolist() == [0, 2, 2, 4, 6]


def test_empty_views_say_nothing(room):
    watch = MovedCameras(room.cameras)
    for index in range(1, 60):
        views = [View(Frame(name, index, index / RATE), Detections.empty()) for name in "abcd"]
        seen = observe(views, room.cameras, index / RATE, ObserveConfig())
        watch.watch(views, seen, np.zeros(0, np.int64), 0, index / RATE)
    assert watch.take_events() == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"window_s": -1.0}, "window_s: expected 0 or more"),
        ({"width": 0.3}, "expected 0 < width < reach"),
        ({"share": 0.0}, "share: expected 0 to 1"),
        ({"lead": 0.5}, "lead: expected 1 or more"),
        ({"min_places": 0}, "min_places: expected a number from 1"),
        ({"place_m": 0.0}, "place_m: expected a value above 0"),
    ],
)
def test_wrong_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        MovedConfig(**settings)
