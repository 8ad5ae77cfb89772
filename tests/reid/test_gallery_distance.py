"""The gallery's distances, and who is assigned to whom."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.optimize import linear_sum_assignment

from mtmc.reid.gallery import Gallery, GalleryConfig
from mtmc.reid.gallery_assignment import assign_one_to_one
from mtmc.reid.gallery_distance import nearest_mean_distance

DIM = 32  # of the vectors of `person`


@given(
    st.lists(st.integers(1, 7), min_size=1, max_size=6),
    st.integers(1, 4),
    st.integers(1, 5),
    st.sampled_from([0.0, 0.1, 0.3, 0.5, 1.0]),
    st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_mean_of_the_nearest_equals_sorting(counts, queries, nearest, share, seed):
    rng = np.random.default_rng(seed)
    similarity = rng.uniform(-1, 1, (sum(counts), queries)).astype(np.float32)
    starts = np.concatenate([[0], np.cumsum(counts)])
    found = nearest_mean_distance(similarity, starts, nearest, share)
    for row, (start, stop) in enumerate(pairwise(starts.tolist())):
        for column in range(queries):
            expected = np.sort(1.0 - similarity[start:stop, column].astype(np.float64))
            depth = max(nearest, math.ceil(round(share * len(expected), 6)))
            assert found[row, column] == pytest.approx(expected[:depth].mean(), abs=1e-6)


def test_a_few_crops_of_somebody_else_do_not_make_one_look_like_that(person, crops):
    gallery = Gallery(DIM)
    for identity in (1, 2):
        gallery.add(identity, crops(identity, 40))
    gallery.add(1, crops(2, 5, tracklet=2, seed=5))  # after an exchange that was not noticed
    own, foreign = gallery.distances([person(2, 8, seed=8)], np.array([2, 1]))[0]
    assert own + 0.3 < foreign
    vectors = np.concatenate([person(1, 40), person(2, 5, seed=5)])
    fixed = nearest_mean_distance(vectors @ person(2, 8, seed=8).T, np.array([0, 45]), 3)
    assert fixed.mean() == pytest.approx(own, abs=0.02)  # the three nearest alone cannot tell


def test_distances_are_means_over_the_crops_of_a_query(person, filled):
    gallery = filled(3)
    query = person(2, 4, seed=9)
    each = gallery.distances([query[i : i + 1] for i in range(4)], np.array([2, 3]))
    assert gallery.distances([query], np.array([2, 3]))[0] == pytest.approx(each.mean(axis=0))


def test_few_candidates_and_all_give_the_same_distances(person, filled):
    gallery = filled(40)
    query = [person(5, 3, seed=1), person(6, 2, seed=1)]
    whole = gallery.distances(query)
    some = gallery.distances(query, np.array([6, 5]))
    assert some == pytest.approx(whole[:, [5, 4]], abs=1e-6)


def test_unknown_identities_and_queries_without_crops_have_no_distance(person, filled):
    gallery = filled(2)
    blind = np.full((3, DIM), np.nan, np.float32)
    answer = gallery.distances([blind, person(1, 2)], np.array([1, 99]))
    assert np.isnan(answer[0]).all()
    assert np.isfinite(answer[1, 0])
    assert answer[1, 1] == np.inf
    assert gallery.distances([], np.array([1])).shape == (0, 1)
    assert Gallery(DIM).distances([person(1, 2)]).shape == (1, 0)


def test_nan_crops_change_nothing(person, filled):
    gallery = filled(3)
    query = person(1, 4, seed=2)
    with_nan = np.concatenate([query, np.full((2, DIM), np.nan, np.float32)])
    assert np.array_equal(gallery.distances([query]), gallery.distances([with_nan]))


def test_prototypes_are_the_means_per_tracklet_and_camera(person, crops):
    gallery = Gallery(DIM, GalleryConfig(distance="prototypes", nearest=1))
    first, second = crops(1, 5), crops(1, 5, camera=1, seed=3)
    gallery.add(1, first)
    gallery.add(1, second)
    query = person(1, 1, seed=7)
    means = [part.embeddings.mean(axis=0) for part in (first, second)]
    expected = min(1.0 - float(query[0] @ mean / np.linalg.norm(mean)) for mean in means)
    assert gallery.distances([query])[0, 0] == pytest.approx(expected, abs=1e-6)


def test_misplaced_tracklets_are_found_by_those_that_are_certain(crops):
    gallery = Gallery(DIM)
    for identity, tracklet, who in ((1, 1, 1), (1, 2, 2), (1, 3, 1), (2, 4, 2), (2, 5, 1)):
        gallery.add(identity, crops(who, 8, tracklet=tracklet, seed=tracklet))
    assert gallery.tracklets_of(1) == [1, 2, 3]
    found = gallery.misplaced((1, 2), ([1], [4]), ([2, 3], [5]))
    assert [(one.tracklet, one.identity, one.other) for one in found] == [(2, 1, 2), (5, 2, 1)]
    assert all(one.other_distance + 0.05 < one.distance and one.crops == 8 for one in found)
    assert gallery.misplaced((1, 2), ([1], []), ([2], [])) == []  # nothing is certain of 2


@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.integers(0, 6), st.integers(0, 7)),
        elements=st.floats(-5, 5, width=32),
    )
)
@settings(max_examples=200, deadline=None)
def test_assignment_costs_as_little_as_scipys(gain):
    column = assign_one_to_one(gain)
    rows = np.flatnonzero(column >= 0)
    assert len(set(column[rows].tolist())) == len(rows)
    assert (gain[rows, column[rows]] < 0).all()
    best = linear_sum_assignment(np.minimum(gain, 0.0))
    assert gain[rows, column[rows]].sum() == pytest.approx(np.minimum(gain, 0.0)[best].sum())


def test_infinite_pairs_are_never_matched():
    assert assign_one_to_one(np.array([[np.inf, -1.0], [-2.0, np.inf]])).tolist() == [1, 0]
    assert assign_one_to_one(np.full((2, 1), np.inf)).tolist() == [-1, -1]
