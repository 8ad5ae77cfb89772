"""The last boxes of tracks, running means of looks, and widened boxes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtmc.trackers.boxes import buffered
from mtmc.trackers.gallery import SmoothedLook
from mtmc.trackers.observations import Observations


def one_box(value):
    return np.full((1, 4), float(value))


def filled(times, depth=4):
    observations = Observations(depth)
    observations.add_tracks(one_box(0), times[0])
    for k, time_s in enumerate(times[1:], start=1):
        observations.append(np.array([0]), one_box(k), time_s)
    return observations


def test_only_the_last_boxes_are_kept_in_order():
    observations = filled([0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    assert observations.xyxy[0, :, 0].tolist() == [2.0, 3.0, 4.0, 5.0]
    assert observations.time_s[0].tolist() == [2.0, 3.0, 4.0, 5.0]
    assert observations.last_xyxy.tolist() == one_box(5).tolist()


@pytest.mark.parametrize(
    ("times", "window_s", "box"),
    [
        ([0.0], 1.0, 0),  # the only one
        ([0.0, 1.0], 1.0, 0),
        ([0.0, 1.0, 2.0, 3.0], 2.0, 1),  # the oldest in the window, its end included
        ([0.0, 1.0, 2.0, 3.0], 10.0, 0),
        ([0.0, 1.0, 5.0], 2.0, 1),  # none in the window: the one before
        ([0.0, 1.0, 2.0, 3.0, 4.0], 10.0, 1),  # no older one is kept
    ],
)
def test_the_box_from_which_a_direction_is_taken(times, window_s, box):
    observations = filled(times)
    place = observations.before_newest(window_s)
    assert observations.xyxy[0, place[0], 0] == box


def test_dropping_and_adding_tracks_keeps_rows_together():
    observations = Observations(2)
    observations.add_tracks(np.arange(12.0).reshape(3, 4), 0.0)
    observations.keep(np.array([True, False, True]))
    observations.add_tracks(one_box(50), 1.0)
    assert observations.last_xyxy[:, 0].tolist() == [0.0, 8.0, 50.0]
    assert observations.time_s[:, -1].tolist() == [0.0, 0.0, 1.0]


@given(seed=st.integers(0, 1000), buffer=st.floats(0.0, 2.0))
def test_a_buffer_widens_boxes_about_their_centre(seed, buffer):
    corner = np.random.default_rng(seed).uniform(0, 100, (5, 2))
    xyxy = np.hstack([corner, corner + np.random.default_rng(seed).uniform(0, 50, (5, 2))])
    wide = buffered(xyxy, buffer)
    np.testing.assert_allclose(wide[:, :2] + wide[:, 2:], xyxy[:, :2] + xyxy[:, 2:])
    size, wide_size = xyxy[:, 2:] - xyxy[:, :2], wide[:, 2:] - wide[:, :2]
    np.testing.assert_allclose(wide_size, (1.0 + 2.0 * buffer) * size, atol=1e-9)


def unit(*values):
    vector = np.array([values], np.float32)
    return vector / np.linalg.norm(vector)


def test_a_look_is_the_running_mean_of_what_was_seen():
    looks = SmoothedLook(0.9)
    looks.add_tracks(2)
    assert looks.known.tolist() == [False, False]
    looks.append(np.array([1]), unit(1, 0))
    looks.append(np.array([1]), unit(0, 1))
    assert looks.known.tolist() == [False, True]
    rows, asked = np.array([0, 1, 1]), np.vstack([unit(1, 0), unit(1, 0), unit(9, 1)])
    distance = looks.cosine_distance(rows, asked)
    assert distance[0] == np.inf
    np.testing.assert_allclose(distance[1:], [1 - 0.9 / np.hypot(0.9, 0.1), 0.0], atol=1e-6)


def test_boxes_without_a_look_change_no_look():
    looks = SmoothedLook(0.5)
    looks.add_tracks(1)
    looks.append(np.array([0]), unit(3, 4))
    looks.append(np.array([0]), np.full((1, 2), np.nan, np.float32))
    np.testing.assert_allclose(looks.cosine_distance(np.array([0]), unit(3, 4)), [0.0], atol=1e-6)
    nothing = np.full((1, 2), np.nan, np.float32)
    assert looks.cosine_distance(np.array([0]), nothing).tolist() == [np.inf]


def test_opposite_looks_leave_the_newer_one():
    looks = SmoothedLook(0.5)
    looks.add_tracks(1)
    looks.append(np.array([0]), unit(1, 0))
    looks.append(np.array([0]), unit(-1, 0))
    np.testing.assert_allclose(looks.cosine_distance(np.array([0]), unit(-1, 0)), [0.0], atol=1e-6)


def test_looks_of_another_length_are_refused():
    looks = SmoothedLook(0.9)
    looks.add_tracks(1)
    looks.append(np.array([0]), unit(1, 0))
    with pytest.raises(ValueError, match="embeddings: expected 2 columns, got 3"):
        looks.append(np.array([0]), unit(1, 0, 0))
