"""What holds for every tracker: identities, indices, time, empty and degenerate input."""

import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtmc import trackers
from mtmc.trackers import TRACKERS
from mtmc.trackers.types import Detections

every_tracker = pytest.mark.parametrize("name", list(TRACKERS))
worlds = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
FPS = 30.0


def build(name, config=None):
    """A tracker that reports only what it saw, which most of the checks below count on."""
    config = config or dataclasses.replace(TRACKERS[name].config(), coast_s=0.0)
    return trackers.build(name, config)


def run(tracker, world, shift=0.0):
    return [
        tracker.update(detections, shift + (index + 1) / FPS)
        for index, (detections, _) in enumerate(world)
    ]


def same_partition(first, second):
    """Whether both lists of labels group their positions alike."""
    return len(set(zip(first, second, strict=True))) == len(set(first)) == len(set(second))


@every_tracker
def test_each_is_built_with_its_settings_and_starts_empty(name):
    tracker = build(name, TRACKERS[name].config())
    assert tracker.config == TRACKERS[name].config()
    assert len(tracker.update(Detections.empty(), 0.0)) == 0
    assert len(tracker.update(Detections.empty(embedding_dim=16), 0.1)) == 0
    assert TRACKERS[name].description


@every_tracker
@given(seed=st.integers(0, 1000))
@worlds
def test_reports_are_consistent_with_detections(name, seed, make_world):
    world = make_world(seed)
    newest = 0
    known = set()
    for (detections, _), tracks in zip(world, run(build(name), world), strict=True):
        assert len(set(tracks.det_index.tolist())) == len(tracks)
        assert (tracks.det_index >= 0).all()
        assert (tracks.det_index < len(detections)).all()
        np.testing.assert_array_equal(tracks.scores, detections.scores[tracks.det_index])
        # The reported box is the filtered one: near the detection, not equal to it.
        gap = np.abs(tracks.xyxy - detections.xyxy[tracks.det_index]).max(initial=0.0)
        assert gap < 60.0
        fresh = sorted(set(tracks.ids.tolist()) - known)
        assert all(identity > newest for identity in fresh)
        known.update(fresh)
        newest = max(newest, *fresh, 0)


@every_tracker
@given(seed=st.integers(0, 1000))
@worlds
def test_the_order_of_detections_changes_nothing_but_order(name, seed, make_world):
    world = make_world(seed)
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(len(detections)) for detections, _ in world]
    mixed = [(detections[order], []) for (detections, _), order in zip(world, orders, strict=True)]
    first, second = [], []
    for plain, other, order in zip(
        run(build(name), world), run(build(name), mixed), orders, strict=True
    ):
        of_detection = dict(zip(order[other.det_index].tolist(), other.ids.tolist(), strict=True))
        assert set(of_detection) == set(plain.det_index.tolist())
        first += plain.ids.tolist()
        second += [of_detection[index] for index in plain.det_index.tolist()]
    assert same_partition(first, second)


@every_tracker
@given(seed=st.integers(0, 1000), dx=st.integers(-500, 500), dy=st.integers(-500, 500))
@worlds
def test_moving_everything_moves_everything(name, seed, dx, dy, make_world):
    offset = np.array([dx, dy, dx, dy], float)
    world = make_world(seed)
    moved = [
        (Detections(each.xyxy + offset, each.scores, each.embeddings), []) for each, _ in world
    ]
    for plain, other in zip(run(build(name), world), run(build(name), moved), strict=True):
        np.testing.assert_array_equal(plain.ids, other.ids)
        np.testing.assert_allclose(plain.xyxy + offset, other.xyxy, atol=1e-6)


@every_tracker
def test_time_has_no_origin(name, make_world):
    world = make_world(3)
    for plain, later in zip(
        run(build(name), world), run(build(name), world, shift=1000.0), strict=True
    ):
        np.testing.assert_array_equal(plain.ids, later.ids)
        np.testing.assert_allclose(plain.xyxy, later.xyxy, atol=1e-6)


@every_tracker
def test_two_instances_share_nothing(name, make_world):
    world = make_world(5)
    alone = run(build(name), world)
    one, other = build(name), build(name)
    for index, (detections, _) in enumerate(world):
        time_s = (index + 1) / FPS
        tracks, same = one.update(detections, time_s), other.update(detections, time_s)
        np.testing.assert_array_equal(tracks.ids, alone[index].ids)
        np.testing.assert_array_equal(same.ids, alone[index].ids)


@every_tracker
def test_answers_are_not_changed_by_later_frames(name, make_world):
    world = make_world(6)
    tracker, kept = build(name), []
    for index, (detections, _) in enumerate(world):
        tracks = tracker.update(detections, (index + 1) / FPS)
        kept.append((tracks, tracks.xyxy.copy(), tracks.ids.copy(), tracks.det_index.copy()))
    for tracks, xyxy, ids, det_index in kept:
        np.testing.assert_array_equal(tracks.xyxy, xyxy)
        np.testing.assert_array_equal(tracks.ids, ids)
        np.testing.assert_array_equal(tracks.det_index, det_index)


@every_tracker
def test_detections_are_not_changed(name, make_world):
    tracker = build(name)
    for index, (detections, _) in enumerate(make_world(7)):
        before = detections.xyxy.copy(), detections.scores.copy(), detections.embeddings.copy()
        tracker.update(detections, (index + 1) / FPS)
        np.testing.assert_array_equal(detections.xyxy, before[0])
        np.testing.assert_array_equal(detections.scores, before[1])
        np.testing.assert_array_equal(detections.embeddings, before[2])


@every_tracker
def test_time_must_move_on_and_a_refused_call_changes_nothing(name, make_world):
    world = make_world(8)
    tracker, untouched = build(name), build(name)
    for index, (detections, _) in enumerate(world):
        time_s = (index + 1) / FPS
        tracks = tracker.update(detections, time_s)
        np.testing.assert_array_equal(tracks.ids, untouched.update(detections, time_s).ids)
        for wrong in (time_s, time_s - 0.01, float("nan")):
            with pytest.raises(ValueError, match="time_s: expected"):
                tracker.update(detections, wrong)


@every_tracker
def test_duplicate_detections_are_tracked_once_each(name):
    box = np.array([[100.0, 100.0, 150.0, 220.0]])
    tracker = build(name)
    for frame in range(10):
        twice = Detections(np.vstack([box, box]), np.array([0.9, 0.9]))
        tracks = tracker.update(twice, (frame + 1) / FPS)
    assert sorted(tracks.det_index.tolist()) == [0, 1]


@every_tracker
def test_boxes_without_area_do_no_harm(name):
    tracker = build(name)
    flat = np.array([[5.0, 5.0, 5.0, 5.0], [10.0, 10.0, 40.0, 10.0], [9.0, 9.0, 9.0, 90.0]])
    for frame in range(8):
        tracks = tracker.update(Detections(flat, np.full(3, 0.9)), (frame + 1) / FPS)
        assert np.isfinite(tracks.xyxy).all()


@every_tracker
def test_all_embeddings_nan_is_the_same_as_none(name, make_world):
    world = make_world(9)
    blind = [
        (Detections(each.xyxy, each.scores, np.full_like(each.embeddings, np.nan)), [])
        for each, _ in world
    ]
    none = [(Detections(each.xyxy, each.scores), []) for each, _ in world]
    for one, other in zip(run(build(name), blind), run(build(name), none), strict=True):
        np.testing.assert_array_equal(one.ids, other.ids)
        np.testing.assert_array_equal(one.det_index, other.det_index)


@every_tracker
def test_embeddings_may_come_and_go(name, make_world):
    world = make_world(10)
    changing = [
        (each if index % 3 else Detections(each.xyxy, each.scores), [])
        for index, (each, _) in enumerate(world)
    ]
    assert sum(len(tracks) for tracks in run(build(name), changing)) > 50


@every_tracker
def test_it_resumes_after_an_empty_stretch(name, make_world):
    tracker, world = build(name), make_world(11, frames=20)
    before = {int(i) for tracks in run(tracker, world) for i in tracks.ids}
    for frame in range(300):
        assert len(tracker.update(Detections.empty(), 1.0 + frame / FPS)) == 0
    again = {int(i) for tracks in run(tracker, world, shift=60.0) for i in tracks.ids}
    assert before
    assert again
    assert min(again) > max(before)


@every_tracker
def test_half_the_frame_rate_keeps_identities(name, make_world):
    world = make_world(12, people=4, frames=120, dropout=0.0, clutter=0.0)
    tracker, labels, names = build(name), [], []
    for index in range(0, len(world), 2):
        detections, who = world[index]
        sure = Detections(detections.xyxy, np.full(len(detections), 0.9), detections.embeddings)
        tracks = tracker.update(sure, (index + 1) / FPS)
        labels += tracks.ids.tolist()
        names += [who[row] for row in tracks.det_index.tolist()]
    pairs = list(zip(labels, names, strict=True))
    most_common = sum(max(pairs.count((i, n)) for n in set(names)) for i in set(labels))
    assert len(pairs) > 200
    assert most_common / len(pairs) > 0.97


@every_tracker
def test_coasting_reports_predictions_for_as_long_as_asked(name):
    config = dataclasses.replace(TRACKERS[name].config(), coast_s=0.1)
    tracker = build(name, config)
    for frame in range(20):
        box = np.array([[100.0, 100.0, 150.0, 220.0]]) + 3.0 * frame
        tracks = tracker.update(Detections(box, np.array([0.9])), (frame + 1) / FPS)
    shown = [tracker.update(Detections.empty(), (frame + 1) / FPS) for frame in range(20, 26)]
    assert [len(each) for each in shown] == [1, 1, 1, 0, 0, 0]
    assert shown[2].det_index.tolist() == [-1]
    assert shown[2].ids.tolist() == tracks.ids.tolist()
    # It went 3 pixels a frame and is expected to go on.
    np.testing.assert_allclose(shown[2].xyxy - tracks.xyxy, 9.0, atol=2.0)


def test_build_says_what_exists_and_what_belongs_together():
    known = ", ".join(TRACKERS)
    with pytest.raises(ValueError, match=rf"expected one of {known}, got 'sorted'"):
        trackers.build("sorted")
    with pytest.raises(ValueError, match="expected SortConfig, got ByteTrackConfig"):
        trackers.build("sort", TRACKERS["bytetrack"].config())


def numeric_fields(name):
    return [
        field.name
        for field in dataclasses.fields(TRACKERS[name].config)
        if not isinstance(field.default, bool)
    ]


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf")])
@pytest.mark.parametrize(
    ("name", "field"), [(name, field) for name in TRACKERS for field in numeric_fields(name)]
)
def test_every_wrong_setting_is_named(name, field, value):
    config = TRACKERS[name].config
    with pytest.raises(ValueError, match=rf"{config.__name__}\.{field}: expected .*, got"):
        config(**{field: value})


def test_scores_of_bytetrack_are_in_order():
    config = TRACKERS["bytetrack"].config
    with pytest.raises(ValueError, match=r"new_track_score: expected at least 0\.6"):
        config(high_score=0.6, new_track_score=0.5)
    with pytest.raises(ValueError, match=r"high_score: expected at least 0\.4"):
        config(low_score=0.4, high_score=0.3)


@pytest.mark.parametrize("name", ["bytetrack", "deepsort"])
def test_noise_that_no_fraction_of_a_frame_could_have_is_refused(name):
    with pytest.raises(ValueError, match=r"velocity_std: expected above 0 and at most 0\.0346"):
        TRACKERS[name].config(position_std=0.01, velocity_std=0.04)
