"""The tracker as a whole: a perfect world, symmetries, and faults."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mtmc.multiview import GroundTracker, GroundTrackerConfig
from mtmc.multiview.appearance import AppearanceConfig, DistanceScale
from mtmc.multiview.identity import IdentityConfig, link
from mtmc.multiview.population import Population
from mtmc.sites import Area
from mtmc.types import Detections, Frame, GlobalTrack, View


def run(tracker, moments):
    found = []
    for views in moments:
        found += tracker.update(views)
    found += tracker.flush()
    assert all(isinstance(one, GlobalTrack) for one in found)
    return found


def world(room, walk, people=5, frames=40, step_s=0.25):
    return [
        room.views(index + 1, index * step_s, walk(people, index * step_s))
        for index in range(frames)
    ]


def by_frame(tracks):
    table = {}
    for track in tracks:
        table.setdefault(track.frame_index, []).append(track)
    return table


def test_a_perfect_world_is_tracked_perfectly(room, walk):
    tracker = GroundTracker(room.cameras, bounds=room.bounds)
    table = by_frame(run(tracker, world(room, walk)))
    assert sorted(table) == list(range(1, 41))
    identity = {}
    for frame, tracks in table.items():
        truth = walk(5, (frame - 1) * 0.25)
        assert len(tracks) == 5
        places = np.array([track.ground_xy for track in tracks])
        distance = np.linalg.norm(places[:, None] - truth[None], axis=2)
        assert sorted(distance.argmin(axis=1)) == [0, 1, 2, 3, 4]
        assert distance.min(axis=1).max() < 0.25
        for track, person in zip(tracks, distance.argmin(axis=1), strict=True):
            assert identity.setdefault(person, track.id) == track.id
    assert sorted(identity.values()) == [1, 2, 3, 4, 5]


def test_without_a_lag_nothing_is_said_of_the_past(room, walk):
    config = GroundTrackerConfig(lag_s=0.0)
    tracker = GroundTracker(room.cameras, config, room.bounds)
    reported = []
    for views in world(room, walk, frames=12):
        found = tracker.update(views)
        assert all(track.frame_index == views[0].frame.index for track in found)
        reported.append(len(found))
    assert reported[0] == 0  # nobody is sure of anybody after one look
    assert reported[-1] == 5
    assert tracker.flush() == []


def test_with_a_lag_every_moment_is_reported_that_much_later(room, walk):
    tracker = GroundTracker(room.cameras, GroundTrackerConfig(lag_s=1.0), room.bounds)
    for views in world(room, walk, frames=12):
        newest = views[0].frame.index
        found = tracker.update(views)
        assert {track.frame_index for track in found} == ({newest - 4} if newest > 4 else set())
    rest = tracker.flush()
    assert [len(tracks) for tracks in by_frame(rest).values()] == [5] * 4
    assert sorted(by_frame(rest)) == [9, 10, 11, 12]
    assert tracker.flush() == []


def test_members_name_the_boxes_that_stand_there(room, walk):
    tracker = GroundTracker(room.cameras, bounds=room.bounds)
    moments = world(room, walk)
    for track in run(tracker, moments):
        views = {view.frame.camera: view for view in moments[track.frame_index - 1]}
        assert len(track.members) == len({camera for camera, _ in track.members})
        for camera, row in track.members:
            box = views[camera].detections.xyxy[row]
            foot = np.array([[(box[0] + box[2]) / 2, box[3]]])
            place = room.cameras[camera].ground_from_image(foot)[0]
            assert np.linalg.norm(place - track.ground_xy) < 0.4


def noisy(room, walk, seed=0, frames=30):
    rng = np.random.default_rng(seed)
    moments = []
    for views in world(room, walk, people=7, frames=frames):
        moments.append(
            [
                View(
                    view.frame,
                    Detections(
                        view.detections.xyxy + rng.normal(0, 2, view.detections.xyxy.shape),
                        view.detections.scores,
                    )[rng.random(len(view.detections)) > 0.1],
                )
                for view in views
            ]
        )
    return moments


def places(tracks):
    return np.array(sorted((t.frame_index, *t.ground_xy) for t in tracks))


def same_up_to_names(tracks, others):
    """Both say the same, with identities renamed."""
    np.testing.assert_allclose(places(tracks), places(others), atol=1e-9)
    key = {(t.frame_index, *np.round(t.ground_xy, 6)): t.id for t in tracks}
    names = {}
    for other in others:
        mine = key[(other.frame_index, *np.round(other.ground_xy, 6))]
        assert names.setdefault(other.id, mine) == mine
    assert len(set(names.values())) == len(names)


def test_the_order_of_cameras_does_not_matter(room, walk):
    moments = noisy(room, walk)
    tracks = run(GroundTracker(room.cameras, bounds=room.bounds), moments)
    backwards = dict(reversed(room.cameras.items()))
    shuffled = [list(reversed(views)) for views in moments]
    same_up_to_names(tracks, run(GroundTracker(backwards, bounds=room.bounds), shuffled))


def test_the_order_of_detections_does_not_matter(room, walk):
    moments = noisy(room, walk)
    tracks = run(GroundTracker(room.cameras, bounds=room.bounds), moments)
    rng = np.random.default_rng(1)
    shuffled = [
        [View(v.frame, v.detections[rng.permutation(len(v.detections))]) for v in views]
        for views in moments
    ]
    same_up_to_names(tracks, run(GroundTracker(room.cameras, bounds=room.bounds), shuffled))


@pytest.mark.parametrize("factor", [0.5, 4.0])
def test_slow_motion_is_the_same_film(room, walk, factor):
    moments = noisy(room, walk)
    config = GroundTrackerConfig()
    slow = replace(
        config,
        motion=replace(
            config.motion,
            noise=config.motion.noise / factor**3,
            start_sigma=config.motion.start_sigma / factor,
            max_speed=config.motion.max_speed / factor,
            height_drift=config.motion.height_drift / factor**0.5,
        ),
        existence=replace(
            config.existence,
            memory_s=config.existence.memory_s * factor,
            fade_s=config.existence.fade_s * factor,
            max_unseen_s=config.existence.max_unseen_s * factor,
        ),
        identity=replace(
            config.identity,
            max_gap_s=config.identity.max_gap_s * factor,
            speed_sigma=config.identity.speed_sigma / factor,
        ),
        exchanges=replace(
            config.exchanges,
            before_s=config.exchanges.before_s * factor,
            after_s=config.exchanges.after_s * factor,
            memory_s=config.exchanges.memory_s * factor,
            forget_s=config.exchanges.forget_s * factor,
        ),
        lag_s=config.lag_s * factor,
    )
    stretched = [
        [
            View(Frame(v.frame.camera, v.frame.index, v.frame.time_s * factor), v.detections)
            for v in views
        ]
        for views in moments
    ]
    tracks = run(GroundTracker(room.cameras, config, room.bounds), moments)
    same_up_to_names(tracks, run(GroundTracker(room.cameras, slow, room.bounds), stretched))


def test_cameras_that_are_late_are_moved_to_the_moment(room):
    """One camera's frames are 0.1 s late; people walk straight at 1.2 m/s."""
    config = GroundTrackerConfig()
    tracker = GroundTracker(room.cameras, config, room.bounds)
    tracks = []
    for index in range(24):
        time_s = index * 0.25
        views = []
        for view in room.views(index + 1, time_s, np.array([[1.0 + 1.2 * time_s, 4.0]])):
            if view.frame.camera == "a":
                late = time_s + 0.1
                (view,) = [
                    v
                    for v in room.views(index + 1, late, np.array([[1.0 + 1.2 * late, 4.0]]))
                    if v.frame.camera == "a"
                ]
            views.append(view)
        tracks += tracker.update(views)
    last = (tracks + tracker.flush())[-1]
    assert abs(last.ground_xy[0] - (1.0 + 1.2 * 23 * 0.25)) < 0.05


@pytest.mark.parametrize("blind", ["a", "c"])
def test_a_camera_without_detections(room, walk, blind):
    moments = [
        [View(v.frame, Detections.empty()) if v.frame.camera == blind else v for v in views]
        for views in world(room, walk)
    ]
    table = by_frame(run(GroundTracker(room.cameras, bounds=room.bounds), moments))
    assert [len(table[frame]) for frame in range(5, 41)] == [5] * 36


def test_a_camera_that_stops_in_mid_run(room, walk):
    moments = [
        [v for v in views if v.frame.camera != "b" or v.frame.index < 20]
        for views in world(room, walk)
    ]
    tracks = run(GroundTracker(room.cameras, bounds=room.bounds), moments)
    table = by_frame(tracks)
    assert [len(table[frame]) for frame in range(1, 41)] == [5] * 40
    assert len({track.id for track in tracks}) == 5


def test_moments_without_any_camera(room, walk):
    moments = world(room, walk)
    moments[20:22] = [[], []]
    tracks = run(GroundTracker(room.cameras, bounds=room.bounds), moments)
    assert len({track.id for track in tracks}) == 5
    assert {track.frame_index for track in tracks} == set(range(1, 41)) - {21, 22}


def test_one_camera_only(room, walk):
    cameras = {"a": room.cameras["a"]}
    moments = [[v for v in views if v.frame.camera == "a"] for views in world(room, walk, people=3)]
    table = by_frame(run(GroundTracker(cameras, bounds=room.bounds), moments))
    assert [len(table[frame]) for frame in range(5, 41)] == [3] * 36


def test_boxes_at_the_horizon_are_nobody(room, walk):
    horizon = Detections(
        np.array([[600.0, 100.0, 640.0, 140.0], [10.0, 0.0, 30.0, 8.0]]), np.ones(2)
    )
    moments = [
        [
            View(
                v.frame,
                Detections(
                    np.vstack([v.detections.xyxy, horizon.xyxy]), np.ones(len(v.detections) + 2)
                ),
            )
            for v in views
        ]
        for views in world(room, walk)
    ]
    table = by_frame(run(GroundTracker(room.cameras), moments))
    assert [len(table[frame]) for frame in range(5, 41)] == [5] * 36


def test_forty_people_at_once(room, walk):
    moments = world(room, walk, people=40)
    tracks = run(GroundTracker(room.cameras, bounds=room.bounds), moments)
    table = by_frame(tracks)
    assert [len(table[frame]) for frame in range(10, 41)] == [40] * 31
    assert len({track.id for track in tracks}) == 40


def test_nobody(room):
    tracker = GroundTracker(room.cameras, bounds=room.bounds)
    empty = np.zeros((0, 2))
    assert run(tracker, [room.views(i + 1, i * 0.1, empty) for i in range(5)]) == []


def test_reports_only_what_is_in_the_region(room, walk):
    region = Area.rectangle(5.0, 0.0, 10.0, 8.0)
    tracks = run(GroundTracker(room.cameras, bounds=room.bounds, region=region), world(room, walk))
    assert tracks
    assert all(track.ground_xy[0] >= 5.0 for track in tracks)


def test_instances_share_no_identities(room, walk):
    first = run(GroundTracker(room.cameras, bounds=room.bounds), world(room, walk))
    second = run(GroundTracker(room.cameras, bounds=room.bounds), world(room, walk))
    assert {t.id for t in first} == {t.id for t in second} == {1, 2, 3, 4, 5}


def test_wrong_views_are_named(room):
    tracker = GroundTracker(room.cameras)
    view = room.views(1, 0.0, np.zeros((0, 2)))[0]
    with pytest.raises(ValueError, match="one of the cameras a, b, c, d, got x"):
        tracker.update([View(Frame("x", 1, 0.0), Detections.empty())])
    with pytest.raises(ValueError, match="got two of a"):
        GroundTracker(room.cameras).update([view, view])
    tracker = GroundTracker(room.cameras)
    tracker.update([view])
    with pytest.raises(ValueError, match=r"after 0\.0, got 0\.0"):
        tracker.update([view])
    with pytest.raises(ValueError, match="at least one"):
        GroundTracker({})


@pytest.mark.parametrize("seed", range(6))
def test_nobody_is_in_two_places_at_once(room, walk, seed):
    """With half of the boxes missing tracks are lost and taken up all the time."""
    rng = np.random.default_rng(seed)
    moments = [
        [
            View(v.frame, v.detections[rng.random(len(v.detections)) > rng.choice([0.3, 0.95])])
            for v in views
        ]
        for views in noisy(room, walk, seed, frames=60)
    ]
    tracks = run(GroundTracker(room.cameras, bounds=room.bounds), moments)
    assert len({(t.frame_index, t.id) for t in tracks}) == len(tracks)
    boxes = [(t.frame_index, *member) for t in tracks for member in t.members]
    assert len(set(boxes)) == len(boxes)


def test_a_new_track_takes_up_an_identity_only_after_it_was_lost():
    config = IdentityConfig()
    scale = DistanceScale(AppearanceConfig())
    new, lost = Population.empty(1, tracks=2), Population.empty(1, tracks=2)
    for people in (new, lost):
        people.height[:], people.height_variance[:] = 1.7, 0.01
    new.born_s[:] = 5.0
    lost.seen_s[:] = 5.0, 4.0
    assert [rows.tolist() for rows in link(new, lost, scale, config)] == [
        [0],
        [1],
    ]
    lost.seen_s[:] = 5.0, 5.0 - 2 * config.max_gap_s
    assert len(link(new, lost, scale, config)[0]) == 0
