"""Assignment against brute force and scipy; sparse and dense ways agree."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from mtmc.trackers import association
from mtmc.trackers.association import Pairs, assign, pairs_by_iou, pairs_in_windows
from mtmc.trackers.boxes import iou_matrix


def everyone(count):
    return np.ones(count, dtype=bool)


def all_pairs(cost):
    return Pairs(*np.nonzero(np.isfinite(cost))), cost[np.isfinite(cost)]


def gain(cost, match, max_cost):
    return (max_cost - cost[match.tracks, match.detections]).sum()


def best_gain(cost, max_cost):
    """By trying every way to match."""
    rows, columns = cost.shape
    best = 0.0
    padded = [*range(columns), *[None] * rows]
    for choice in set(itertools.permutations(padded, rows)):
        costs = [cost[row, column] for row, column in enumerate(choice) if column is not None]
        if all(value <= max_cost for value in costs):
            best = max(best, sum(max_cost - value for value in costs))
    return best


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 10_000), st.floats(0.2, 0.9))
def test_it_is_the_best_of_all_matchings(rows, columns, seed, max_cost):
    cost = np.random.default_rng(seed).uniform(0, 1, (rows, columns))
    match = assign(*all_pairs(cost), max_cost, everyone(rows), everyone(columns))
    assert gain(cost, match, max_cost) == pytest.approx(best_gain(cost, max_cost))
    assert (cost[match.tracks, match.detections] <= max_cost).all()


@pytest.mark.parametrize("seed", range(10))
def test_sparse_and_dense_find_equally_good_matchings(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    cost = rng.uniform(0, 1, (40, 50))
    cost[rng.random(cost.shape) < 0.93] = np.inf  # many small components
    tracks, detections = rng.random(40) < 0.9, rng.random(50) < 0.9
    matches = []
    for limit in (10_000_000, 0):
        monkeypatch.setattr(association, "DENSE_ASSIGNMENT_LIMIT", limit)
        matches.append(assign(*all_pairs(cost), 0.8, tracks, detections))
    dense, sparse = matches
    assert gain(cost, sparse, 0.8) == pytest.approx(gain(cost, dense, 0.8))
    allowed = cost.copy()
    allowed[~tracks], allowed[:, ~detections] = np.inf, np.inf
    full = np.minimum(allowed, 0.8)
    rows, columns = linear_sum_assignment(full)
    assert gain(cost, dense, 0.8) == pytest.approx((0.8 - full[rows, columns]).sum())
    for match in matches:
        assert_sound(match, tracks, detections)


@pytest.mark.parametrize("seed", range(20))
def test_small_components_are_solved_as_the_whole(seed, monkeypatch):
    """Pairs, stars and squares, of which many are not worth their cost."""
    rng = np.random.default_rng(seed)
    cost = np.full((60, 60), np.inf)
    row = column = 0
    while max(row, column) < 56:
        height, width = rng.integers(1, 4, 2)
        cost[row : row + height, column : column + width] = rng.uniform(0, 1, (height, width))
        row, column = row + height, column + width
    shuffled = cost[rng.permutation(60)][:, rng.permutation(60)]
    matches = []
    for limit in (10_000_000, 0):  # one matrix, or components
        monkeypatch.setattr(association, "DENSE_ASSIGNMENT_LIMIT", limit)
        matches.append(assign(*all_pairs(shuffled), 0.7, everyone(60), everyone(60)))
    dense, sparse = (
        sorted(zip(match.tracks.tolist(), match.detections.tolist(), strict=True))
        for match in matches
    )
    assert dense == sparse
    assert len(dense) > 20
    assert_sound(matches[1], everyone(60), everyone(60))


@pytest.mark.parametrize("limit", [0, 400, 4_000, 40_000, 10_000_000])
def test_every_way_to_solve_is_as_good_as_scipy(limit, monkeypatch):
    monkeypatch.setattr(association, "DENSE_ASSIGNMENT_LIMIT", limit)
    rng = np.random.default_rng(limit)
    for density in (0.01, 0.03, 0.2):
        cost = rng.uniform(0, 1, (45, 40))
        cost[rng.random(cost.shape) > density] = np.inf
        match = assign(*all_pairs(cost), 0.6, everyone(45), everyone(40))
        full = np.minimum(cost, 0.6)
        rows, columns = linear_sum_assignment(full)
        assert gain(cost, match, 0.6) == pytest.approx((0.6 - full[rows, columns]).sum())
        assert_sound(match, everyone(45), everyone(40))


def assert_sound(match, tracks, detections):
    """Everybody who takes part is either matched once or left, nobody else appears."""
    for matched, left, members in (
        (match.tracks, match.unmatched_tracks, tracks),
        (match.detections, match.unmatched_detections, detections),
    ):
        assert len(np.unique(matched)) == len(matched)
        together = left.copy()
        assert not together[matched].any()
        together[matched] = True
        np.testing.assert_array_equal(together, members)


def test_two_fair_pairs_beat_one_good_pair():
    cost = np.array([[0.0, 0.4], [0.4, np.inf]])
    match = assign(*all_pairs(cost), 0.9, everyone(2), everyone(2))
    assert sorted(zip(match.tracks.tolist(), match.detections.tolist(), strict=True)) == [
        (0, 1),
        (1, 0),
    ]


def test_one_good_pair_beats_two_poor_ones():
    cost = np.array([[0.0, 0.8], [0.8, np.inf]])
    match = assign(*all_pairs(cost), 0.9, everyone(2), everyone(2))
    assert (match.tracks.tolist(), match.detections.tolist()) == ([0], [0])
    assert match.unmatched_tracks.tolist() == [False, True]


def test_the_gate_is_inclusive():
    cost = np.array([[0.7, 0.7], [0.7, 0.7]])
    assert len(assign(*all_pairs(cost), 0.7, everyone(2), everyone(2)).tracks) == 2
    assert len(assign(*all_pairs(cost), 0.69, everyone(2), everyone(2)).tracks) == 0


@pytest.mark.parametrize("limit", [0, 10_000])
def test_nan_is_an_error_that_names_the_pair(limit, monkeypatch):
    monkeypatch.setattr(association, "DENSE_ASSIGNMENT_LIMIT", limit)
    pairs = Pairs(np.array([0, 1]), np.array([0, 2]))
    with pytest.raises(ValueError, match="NaN for track row 1 and detection row 2"):
        assign(pairs, np.array([0.1, np.nan]), 0.5, everyone(2), everyone(3))


def test_infinite_costs_are_never_matched():
    pairs = Pairs(np.array([0]), np.array([0]))
    match = assign(pairs, np.array([np.inf]), 0.5, everyone(1), everyone(1))
    assert len(match.tracks) == 0


@pytest.mark.parametrize(("tracks", "detections"), [(0, 0), (3, 0), (0, 3), (3, 3)])
def test_nothing_to_match(tracks, detections):
    none = np.zeros(0, np.int64)
    match = assign(Pairs(none, none), np.zeros(0), 0.5, everyone(tracks), everyone(detections))
    assert_sound(match, everyone(tracks), everyone(detections))


@given(st.integers(0, 10_000), st.floats(0.05, 1.0))
@settings(deadline=None)
def test_window_search_misses_no_overlap(seed, min_iou):
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 400, (70, 2))
    tracks = np.hstack([corner, corner + rng.uniform(0, 120, (70, 2))])
    detections = tracks[rng.permutation(70)] + rng.normal(0, 4, (70, 4))
    detections[:, 2:] = np.maximum(detections[:, 2:], detections[:, :2])
    assert len(tracks) * len(detections) > association.DENSE_OVERLAP_LIMIT
    pairs, iou = pairs_by_iou(tracks, detections, min_iou)
    expected = iou_matrix(tracks, detections)
    assert set(zip(*map(np.ndarray.tolist, pairs), strict=True)) == set(
        zip(*map(np.ndarray.tolist, np.nonzero(expected >= min_iou)), strict=True)
    )
    np.testing.assert_allclose(iou, expected[pairs])
    assert (np.diff(pairs.tracks) >= 0).all()


def test_windows_are_inclusive_and_may_be_empty_or_inverted():
    pairs = pairs_in_windows(
        np.array([0.0, 5.0, 9.0]), np.array([2.0, 4.0, 9.0]), np.array([9.0, 2.0, 0.0, 1.0])
    )
    assert sorted(zip(*map(np.ndarray.tolist, pairs), strict=True)) == [
        (0, 1),
        (0, 2),
        (0, 3),
        (2, 0),
    ]
