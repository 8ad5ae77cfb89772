"""Statistics of distances against all pairs taken one by one."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtmc.reid import distances as module
from mtmc.reid.distances import BINS, RANGE, DistanceStatistics, measure_distances
from mtmc.reid.image_sets import unit_rows

WIDTH = RANGE / BINS


@pytest.fixture
def labelled():
    rng = np.random.default_rng(0)
    people = rng.integers(0, 9, 200)  # 0: distractors
    centres = rng.normal(size=(9, 16))
    vectors = centres[people] + 0.7 * rng.normal(size=(200, 16))
    return unit_rows(vectors.astype(np.float32)), people, rng.integers(1, 4, 200)


def pairs_of(vectors, people, cameras, cross_camera):
    same, different = [], []
    for a in range(len(people)):
        for b in range(a + 1, len(people)):
            if cross_camera and cameras[a] == cameras[b]:
                continue
            if people[a] == 0 and people[b] == 0:
                continue
            value = 1 - float(vectors[a] @ vectors[b])
            (same if people[a] == people[b] else different).append(value)
    return np.array(same), np.array(different)


@pytest.mark.parametrize("pairs", ["cross_camera", "all"])
@pytest.mark.parametrize("block", [7, 512])
def test_equals_all_pairs_one_by_one(labelled, pairs, block, monkeypatch):
    monkeypatch.setattr(module, "BLOCK_ROWS", block)
    ours = measure_distances(*labelled, "here", pairs=pairs)
    same, different = pairs_of(*labelled, pairs == "cross_camera")
    assert ours.same.sum() == len(same)
    assert ours.different.sum() == len(different)
    for rate in (0.01, 0.1, 0.5):
        assert ours.threshold(rate) == pytest.approx(np.quantile(different, rate), abs=3 * WIDTH)
        assert ours.same_quantile(rate) == pytest.approx(np.quantile(same, rate), abs=5 * WIDTH)
    for threshold in (0.2, 0.5, 1.0):
        assert ours.false_match_rate(threshold) == pytest.approx(
            (different < threshold).mean(), abs=0.01
        )
        assert ours.miss_rate(threshold) == pytest.approx((same >= threshold).mean(), abs=0.01)


@settings(max_examples=100, deadline=None)
@given(
    counts=st.lists(st.integers(0, 5), min_size=3, max_size=30).filter(any),
    start=st.integers(0, BINS - 30),
    rate=st.floats(1e-6, 1 - 1e-6),
)
def test_threshold_and_false_match_rate_are_inverse(counts, start, rate):
    histogram = np.zeros(BINS, np.int64)
    histogram[start : start + len(counts)] = counts
    ours = DistanceStatistics(histogram, histogram, "here")
    threshold = ours.threshold(rate)
    assert 0 <= threshold <= RANGE
    assert ours.false_match_rate(threshold) == pytest.approx(rate, abs=1e-6)


def test_thresholds_rise_with_the_rate(labelled):
    ours = measure_distances(*labelled, "here")
    thresholds = [ours.threshold(rate) for rate in np.linspace(0.001, 0.999, 50)]
    assert (np.diff(thresholds) >= 0).all()


def test_survives_json(labelled):
    ours = measure_distances(*labelled, "there, test part", pairs="all")
    again = DistanceStatistics.from_dict(json.loads(json.dumps(ours.to_dict())))
    assert (again.same == ours.same).all()
    assert (again.different == ours.different).all()
    assert (again.measured_on, again.pairs) == ("there, test part", "all")


def test_outside_of_the_range():
    # equal rows may come out a rounding error below 0, opposite ones above 2
    vectors = np.array([[1, 0], [1, 0], [-1, 0]], np.float32) * np.float32(1.0001)
    ours = measure_distances(vectors, np.array([1, 1, 2]), np.array([1, 2, 3]), "here")
    assert ours.same[0] == 1
    assert ours.different[-1] == 2


def test_missing_kinds_of_pairs_are_errors(labelled):
    vectors, people, cameras = labelled
    with pytest.raises(ValueError, match=r"distances\.different: expected at least one pair"):
        measure_distances(vectors, np.ones_like(people), cameras, "here")
    with pytest.raises(ValueError, match=r"distances\.same: expected at least one pair"):
        measure_distances(vectors, people, np.ones_like(cameras), "here")


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1, float("nan")])
def test_rates_must_be_shares(labelled, rate):
    with pytest.raises(ValueError, match="false_match_rate: expected a share between 0 and 1"):
        measure_distances(*labelled, "here").threshold(rate)


@pytest.mark.parametrize(
    "change",
    [
        {"distance": "euclidean"},
        {"bins": 10},
        {"same": {}},
        {"same": {"bin": [10**6], "count": [1]}},
    ],
)
def test_malformed_statistics_are_named(labelled, change):
    document = measure_distances(*labelled, "here").to_dict() | change
    with pytest.raises(ValueError, match=r"^card\.json: "):
        DistanceStatistics.from_dict(document, "card.json")


def test_construction_is_checked():
    ones = np.ones(BINS, np.int64)
    with pytest.raises(ValueError, match="expected 4000 counts"):
        DistanceStatistics(ones[:5], ones, "here")
    with pytest.raises(ValueError, match="expected 'cross_camera' or 'all'"):
        DistanceStatistics(ones, ones, "here", "some")  # type: ignore[arg-type]
