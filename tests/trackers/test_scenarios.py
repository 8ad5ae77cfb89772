"""Little scenes with a known right answer."""

import dataclasses

import numpy as np
import pytest

from mtmc.trackers import TRACKERS, build
from mtmc.trackers.types import Detections

FPS = 30.0
SIZE = np.array([50.0, 120.0])


def box(x, y=100.0):
    centre = np.array([x, y])
    return np.concatenate([centre - SIZE / 2, centre + SIZE / 2])


def frame(*boxes, scores=None, looks=None):
    xyxy = np.array(boxes).reshape(-1, 4)
    scores = np.full(len(xyxy), 0.9) if scores is None else np.array(scores)
    embeddings = None if looks is None else np.eye(8, dtype=np.float32)[list(looks)]
    return Detections(xyxy, scores, embeddings)


def feed(tracker, frames, first=0):
    return [tracker.update(each, (first + k + 1) / FPS) for k, each in enumerate(frames)]


def id_of(tracks, row):
    (found,) = tracks.ids[tracks.det_index == row].tolist()
    return found


every_tracker = pytest.mark.parametrize("name", list(TRACKERS))


@every_tracker
def test_people_who_cross_keep_their_identities(name):
    # Two rows of a pavement, 25 px apart: boxes overlap for a second while they pass.
    scene = [frame(box(100 + 4 * k, 100), box(500 - 4 * k, 125)) for k in range(100)]
    results = feed(build(name), scene)
    first, last = results[5], results[-1]
    assert id_of(first, 0) != id_of(first, 1)
    assert [id_of(last, 0), id_of(last, 1)] == [id_of(first, 0), id_of(first, 1)]


def occluded(name, hidden_frames):
    """Identity before and after a stretch without detections; walks on at 2 px a frame."""
    tracker = build(name, dataclasses.replace(TRACKERS[name].config(), max_lost_s=0.5))
    looks = [0]
    walk = [frame(box(100 + 2 * k), looks=looks) for k in range(30)]
    hidden = [frame(looks=[])] * hidden_frames
    back = [frame(box(100 + 2 * (30 + hidden_frames + k)), looks=looks) for k in range(10)]
    results = feed(tracker, walk + hidden + back)
    return id_of(results[29], 0), id_of(results[-1], 0)


@every_tracker
def test_an_occlusion_within_the_limit_keeps_the_identity(name):
    before, after = occluded(name, hidden_frames=12)
    assert before == after


@every_tracker
def test_an_occlusion_beyond_the_limit_loses_it(name):
    before, after = occluded(name, hidden_frames=18)
    assert before != after


@every_tracker
def test_a_false_alarm_of_one_frame_is_never_reported(name):
    results = feed(build(name), [frame(box(100)), frame(), frame(), frame(box(600)), frame()])
    assert sum(len(tracks) for tracks in results) == 0


@every_tracker
def test_boxes_below_every_threshold_are_ignored(name):
    results = feed(build(name), [frame(box(100), scores=[0.01])] * 20)
    assert sum(len(tracks) for tracks in results) == 0


def dimmed(name):
    """A person whose score falls for ten frames, as in a partial occlusion."""
    scores = [0.9] * 10 + [0.3] * 10 + [0.9] * 10
    scene = [frame(box(100 + 2 * k), scores=[score]) for k, score in enumerate(scores)]
    return feed(build(name), scene)


def test_bytetrack_keeps_a_person_through_uncertain_boxes():
    results = dimmed("bytetrack")
    assert all(len(tracks) == 1 for tracks in results[5:])
    assert len({int(tracks.ids[0]) for tracks in results[5:]}) == 1


def test_sort_has_no_use_for_uncertain_boxes():
    assert all(len(tracks) == 0 for tracks in dimmed("sort")[10:20])


def test_bytetrack_begins_no_track_with_uncertain_boxes():
    results = feed(build("bytetrack"), [frame(box(100), scores=[0.45])] * 10)
    assert sum(len(tracks) for tracks in results) == 0


def test_bytetrack_gives_a_lost_track_no_uncertain_box():
    scene = [frame(box(100))] * 10 + [frame()] * 3 + [frame(box(100), scores=[0.3])] * 5
    results = feed(build("bytetrack"), scene)
    assert sum(len(tracks) for tracks in results[10:]) == 0


def stopped(looks):
    """Somebody walks, disappears for 15 frames, and reappears where they had stopped at once."""
    walk = [frame(box(100 + 5 * k), looks=looks and [0]) for k in range(30)]
    hidden = [frame(looks=looks and [])] * 15
    back = [frame(box(100 + 5 * 30), looks=looks and [0])] * 8
    return walk + hidden + back


def test_deepsort_finds_by_appearance_what_overlap_cannot():
    with_looks = feed(build("deepsort"), stopped(looks=True))
    without = feed(build("deepsort"), stopped(looks=None))
    assert id_of(with_looks[-1], 0) == id_of(with_looks[29], 0)
    assert id_of(without[-1], 0) != id_of(without[29], 0)


def test_deepsort_does_not_confuse_people_who_swap_behind_an_obstacle():
    # Both vanish and reappear at each other's place, which overlap alone believes.
    start = [frame(box(100), box(170), looks=[0, 1])] * 20
    end = [frame(box(170), box(100), looks=[0, 1])] * 10
    results = feed(build("deepsort"), start + [frame(looks=[])] * 8 + end)
    assert id_of(results[-1], 0) == id_of(results[19], 0)
    assert id_of(results[-1], 1) == id_of(results[19], 1)


def test_deepsort_prefers_the_track_seen_last():
    # Similar looks: the one lost for longer must not win a detection, even if it fits it better.
    first, second = np.eye(8)[0], np.array([0.95, np.sqrt(1 - 0.95**2), 0, 0, 0, 0, 0, 0])

    def seen(*who):
        xyxy = np.array([box(100 if person is first else 130) for person in who])
        return Detections(xyxy, np.full(len(who), 0.9), np.array(who, np.float32))

    tracker = build("deepsort")
    results = feed(tracker, [seen(first, second)] * 10 + [seen(second)] * 5)
    lost, kept = id_of(results[9], 0), id_of(results[9], 1)
    assert id_of(results[-1], 0) == kept
    changed = Detections(box(130)[None], np.array([0.9]), first[None].astype(np.float32))
    (tracks,) = feed(tracker, [changed], first=15)
    assert tracks.ids.tolist() == [kept] != [lost]


def test_deepsort_gates_appearance_by_motion():
    # The same look far away within a frame is another person.
    tracker = build("deepsort")
    results = feed(tracker, [frame(box(100), looks=[0])] * 10 + [frame(box(900), looks=[0])] * 10)
    assert id_of(results[-1], 0) != id_of(results[9], 0)


def test_deepsort_falls_back_to_overlap_for_boxes_without_looks():
    tracker = build("deepsort")
    seen = [frame(box(100 + k), looks=[0]) for k in range(10)]
    results = feed(tracker, seen)
    before = id_of(results[-1], 0)
    blind = Detections(box(112)[None], np.array([0.9]), np.full((1, 8), np.nan, np.float32))
    # Hidden for two frames: overlap alone would not reach a track that is known by its look.
    feed(tracker, [frame(looks=[]), frame(looks=[])], first=10)
    (after,) = feed(tracker, [blind], first=12)
    assert id_of(after, 0) == before


def test_deepsort_rejects_embeddings_of_another_length():
    tracker = build("deepsort")
    feed(tracker, [frame(box(100), looks=[0])] * 3)
    other = Detections(box(100)[None], np.array([0.9]), np.ones((1, 5), np.float32))
    with pytest.raises(ValueError, match="embeddings: expected 8 columns, got 5"):
        tracker.update(other, 1.0)
    # The refused call has changed nothing, not even the time.
    (tracks,) = feed(tracker, [frame(box(100), looks=[0])], first=3)
    assert tracks.ids.tolist() == [1]


class Jumping:
    """A camera that jerks by 60 pixels in every frame."""

    def camera_motion(self):
        return np.array([[1.0, 0.0, 60.0], [0.0, 1.0, 0.0]])


@pytest.mark.parametrize(("camera_motion", "kept"), [(True, True), (False, False)])
def test_botsort_moves_along_with_the_camera(camera_motion, kept):
    config = dataclasses.replace(TRACKERS["botsort"].config(), camera_motion=camera_motion)
    tracker, look = build("botsort", config), Jumping()
    results = [
        tracker.update(frame(box(100 + 60 * k)), (k + 1) / FPS, look if k else None)
        for k in range(10)
    ]
    assert (results[-1].ids.tolist() == [1]) is kept


def test_botsort_tells_people_in_an_overlap_apart_by_their_looks():
    # They stand close and swap places within a frame, which overlap alone believes.
    apart = [frame(box(100), box(112), looks=[0, 1])] * 10
    swapped = [frame(box(112), box(100), looks=[0, 1])] * 3
    results = feed(build("botsort"), apart + swapped)
    assert id_of(results[-1], 0) == id_of(results[9], 0)
    blind = [Detections(each.xyxy, each.scores) for each in apart + swapped]
    results = feed(build("botsort"), blind)
    assert id_of(results[-1], 0) == id_of(results[9], 1)


def test_cbiou_follows_jerks_that_leave_little_overlap():
    # Every eight frames a jump by most of the width of a box.
    scene = [frame(box(100 + 38 * (k // 8 % 2))) for k in range(40)]

    def identities(name):
        return {each for tracks in feed(build(name), scene) for each in tracks.ids.tolist()}

    assert identities("cbiou") == {1}
    assert len(identities("sort")) > 1


def test_ocsort_finds_who_stopped_while_hidden_by_the_last_box():
    # The filter walks on; the last box that was seen is still there.
    def scene():
        walk = [frame(box(100 + 4 * k)) for k in range(20)]
        return walk + [frame()] * 12 + [frame(box(100 + 4 * 19))] * 3

    results = feed(build("ocsort"), scene())
    assert id_of(results[-1], 0) == id_of(results[19], 0)
    results = feed(build("sort"), scene())
    assert id_of(results[-1], 0) != id_of(results[19], 0)


def test_ocsort_runs_the_filter_anew_when_a_track_is_found():
    # Somebody turned round while hidden: the filter learns it from the line between both boxes.
    tracker = build("ocsort", TRACKERS["ocsort"].config(coast_s=1.0))
    walk = [frame(box(100 + 2 * k)) for k in range(20)]
    feed(tracker, walk + [frame()] * 11 + [frame(box(138 - 12))])
    one, two = feed(tracker, [frame(), frame()], first=32)
    assert one.ids.tolist() == [1]
    # It went 2 pixels a frame before; one box alone would hardly change that.
    assert two.xyxy[0, 0] - one.xyxy[0, 0] < 0.2


def test_ocsort_prefers_who_goes_on_to_who_turns_back():
    # Two boxes at the same distance from where it was last seen, one ahead and one behind.
    walk = [frame(box(100 + 3 * k)) for k in range(20)]
    tracker = build("ocsort", TRACKERS["ocsort"].config(direction_weight=1.0))
    feed(tracker, walk)
    (last,) = feed(tracker, [frame(box(157 - 5), box(157 + 13))], first=20)
    assert last.det_index[last.ids == 1].tolist() == [1]
