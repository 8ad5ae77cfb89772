"""What Evidence is for: returns after seconds, looks of two people, double boxes."""

import numpy as np
import pytest

from mtmc.trackers import Evidence, EvidenceConfig
from mtmc.trackers.types import Detections

FPS = 30.0
HEIGHT = 120.0


def box(x, y=100.0, height=HEIGHT):
    half = np.array([25.0 * height / HEIGHT, height / 2])
    return np.concatenate([np.array([x, y]) - half, np.array([x, y]) + half])


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


def returns(hidden_frames, to, looks, height=HEIGHT):
    """Whether somebody who stood, and comes back elsewhere, is the same afterwards."""
    tracker = Evidence()
    seen = None if looks is None else [looks[0]]
    again = None if looks is None else [looks[1]]
    empty = frame(looks=None if looks is None else [])
    before = feed(tracker, [frame(box(300), looks=seen)] * 20)
    feed(tracker, [empty] * hidden_frames, first=20)
    back = [frame(box(300 + to, height=height), looks=again)] * 5
    after = feed(tracker, back, first=20 + hidden_frames)
    return id_of(after[-1], 0) == id_of(before[-1], 0)


@pytest.mark.parametrize(
    ("hidden_frames", "to", "looks", "height", "same"),
    [
        (15, 150, (0, 0), HEIGHT, True),  # within a second and a height and a half
        (15, 150, None, HEIGHT, False),  # nobody would know
        (15, 150, (0, 1), HEIGHT, False),  # somebody else
        (15, 250, (0, 0), HEIGHT, False),  # farther than a pedestrian goes
        (60, 250, (0, 0), HEIGHT, True),  # but not in two seconds
        (15, 100, (0, 0), 1.5 * HEIGHT, False),  # nobody grows like this
        (120, 0, (0, 0), HEIGHT, True),  # four seconds later at the same place
        (120, 0, None, HEIGHT, False),  # which means nothing without a look
        (160, 0, (0, 0), HEIGHT, False),  # forgotten
        (5, 0, (0, 1), HEIGHT, False),  # a look can also speak against what overlaps
    ],
)
def test_who_comes_back(hidden_frames, to, looks, height, same):
    assert returns(hidden_frames, to, looks, height) is same


def test_looks_of_two_people_in_one_box_are_not_remembered():
    # While the first stands behind the second, the crop of the first shows the second.
    apart = [frame(box(100), box(300), looks=[0, 1])] * 10
    behind = [frame(box(100), box(120), looks=[1, 1])] * 10
    tracker = Evidence()
    results = feed(tracker, apart)
    first, second = id_of(results[-1], 0), id_of(results[-1], 1)
    feed(tracker, behind, first=10)
    feed(tracker, [frame(looks=[])] * 20, first=20)
    # Only the second comes back, beside where both stood: it must not be taken for the first.
    (*_, last) = feed(tracker, [frame(box(180), looks=[1])] * 5, first=40)
    assert last.ids.tolist() == [second] != [first]


def test_a_box_on_somebody_who_is_tracked_begins_no_track():
    shifted = frame(box(100), box(112))  # a detector that sees everybody twice
    results = feed(Evidence(), [frame(box(100))] * 10 + [shifted] * 20)
    assert [len(tracks) for tracks in results[5:]] == [1] * 25
    permissive = Evidence(EvidenceConfig(max_birth_iou=1.0))
    results = feed(permissive, [frame(box(100))] * 10 + [shifted] * 20)
    assert len(results[-1]) == 2


def test_uncertain_boxes_extend_tracks_but_begin_none():
    weak = [frame(box(100), scores=[0.3])]
    assert sum(len(tracks) for tracks in feed(Evidence(), weak * 20)) == 0
    tracker = Evidence(EvidenceConfig(coast_s=0.0))
    results = feed(tracker, [frame(box(100))] * 10 + [frame()] * 10 + weak * 10)
    assert [len(tracks) for tracks in results[-10:]] == [1] * 10
    assert id_of(results[-1], 0) == id_of(results[9], 0)


@pytest.mark.parametrize(("seen_frames", "found"), [(3, False), (4, True)])
def test_uncertain_boxes_and_looks_find_only_what_was_seen_for_a_while(seen_frames, found):
    seen = [frame(box(100), looks=[0])] * seen_frames
    hidden = [frame(looks=[])] * 10
    for back in (frame(box(100), scores=[0.3], looks=[0]), frame(box(220), looks=[0])):
        tracker = Evidence(EvidenceConfig(coast_s=0.0))
        results = feed(tracker, seen + hidden + [back])
        assert (results[-1].ids.tolist() == [1]) is found


def test_a_track_just_seen_is_preferred_to_one_lost_for_long():
    # The lost one fits the detection better in place, but it fits everything by now.
    both = [frame(box(100), box(160))] * 20
    one = [frame(box(160))] * 20
    tracker = Evidence(EvidenceConfig(coast_s=0.0))
    results = feed(tracker, both + one)
    (*_, last) = feed(tracker, [frame(box(140))], first=40)
    assert last.ids.tolist() == [id_of(results[-1], 0)]


def test_of_two_equally_near_boxes_the_surer_one_is_taken():
    tracker = Evidence(EvidenceConfig(coast_s=0.0))
    feed(tracker, [frame(box(100))] * 20)
    (last,) = feed(tracker, [frame(box(95), box(105), scores=[0.65, 0.95])], first=20)
    assert last.det_index.tolist() == [1]


def test_predictions_are_reported_for_a_moment():
    results = feed(Evidence(), [frame(box(100 + k)) for k in range(20)] + [frame()] * 8)
    assert [len(tracks) for tracks in results[20:]] == [1, 1, 1, 1, 0, 0, 0, 0]
    assert results[20].det_index.tolist() == [-1]


def test_embeddings_of_another_length_are_refused_and_change_nothing():
    tracker = Evidence()
    feed(tracker, [frame(box(100), looks=[0])] * 3)
    other = Detections(box(100)[None], np.array([0.9]), np.ones((1, 5), np.float32))
    with pytest.raises(ValueError, match="embeddings: expected 8 columns, got 5"):
        tracker.update(other, 1.0)
    (tracks,) = feed(tracker, [frame(box(100), looks=[0])], first=3)
    assert tracks.ids.tolist() == [1]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"new_track_score": 0.5}, r"new_track_score: expected at least 0\.6"),
        ({"high_score": 0.05}, r"high_score: expected at least 0\.1"),
        ({"max_height_ratio": 0.9}, "max_height_ratio: expected at least 1"),
    ],
)
def test_settings_that_contradict_each_other_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        EvidenceConfig(**settings)
