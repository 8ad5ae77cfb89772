"""Thresholds: from the statistics of a network, and from what is learnt of a site."""

from __future__ import annotations

import numpy as np
import pytest

from mtmc.reid.distances import BINS, DistanceStatistics
from mtmc.reid.gallery import ScaleConfig
from mtmc.reid.gallery_scale import DistanceScale


def statistics() -> DistanceStatistics:
    middle = (np.arange(BINS) + 0.5) * 2.0 / BINS
    same = 1e5 * np.exp(-0.5 * ((middle - 0.2) / 0.06) ** 2)
    different = 1e5 * np.exp(-0.5 * ((middle - 0.7) / 0.1) ** 2)
    return DistanceStatistics(same.astype(np.int64), different.astype(np.int64), "test")


def test_the_threshold_is_that_of_the_statistics():
    scale = DistanceScale(ScaleConfig(), statistics())
    for rate in (0.001, 0.01, 0.3):
        assert scale.threshold(1, rate) == pytest.approx(statistics().threshold(rate), abs=1e-3)


def test_more_candidates_mean_a_stricter_threshold():
    scale = DistanceScale(ScaleConfig(false_match_rate=0.1), statistics())
    each = 1 - (1 - 0.1) ** (1 / 20)
    assert scale.threshold(20) == pytest.approx(statistics().threshold(each), abs=1e-3)


def test_the_site_moves_the_threshold():
    rng = np.random.default_rng(0)
    scale = DistanceScale(ScaleConfig(), statistics())
    scale.learn_different(rng.normal(0.5, 0.05, 20_000))
    # the same tail at the moments of the site: mean 0.5, half the deviation
    expected = 0.5 + (statistics().threshold(0.01) - 0.7) * 0.5
    assert scale.threshold(1, 0.01) == pytest.approx(expected, abs=5e-3)
    before = scale.to_dict()
    scale.learn_different(np.array([np.nan]))
    assert scale.to_dict() == before


def test_a_network_that_tells_people_apart_badly_still_knows_them():
    rng = np.random.default_rng(0)
    scale = DistanceScale(ScaleConfig(different_sigma=0.13))
    assert np.isnan(scale.equal_error)  # nothing is known of the site yet
    assert scale.balanced_threshold(10) == scale.threshold(10)
    own, others = rng.normal(0.32, 0.06, 2000), rng.normal(0.7, 0.13, 2000)
    scale.learn_own(own)
    assert np.isnan(scale.equal_error)
    scale.learn_different(others)
    missed, taken = (own > scale.equal_error).mean(), (others < scale.equal_error).mean()
    assert missed == pytest.approx(taken, abs=0.01)
    assert (own > scale.threshold(10)).mean() > 5 * missed
    assert scale.balanced_threshold(10) == scale.equal_error
    again = DistanceScale(ScaleConfig(different_sigma=0.13))
    again.restore(scale.to_dict())
    assert again.equal_error == scale.equal_error


def test_a_network_that_tells_people_apart_well_keeps_its_false_match_rate():
    scale = DistanceScale()
    scale.learn_own(np.full(50, 0.1))
    scale.learn_different(np.random.default_rng(0).normal(0.5, 0.05, 200))
    assert scale.equal_error < scale.threshold(1) == scale.balanced_threshold(1)


def test_log_ratio_never_rises_and_is_neutral_for_unknown_distances():
    scale = DistanceScale(ScaleConfig(), statistics())
    ratio = scale.log_ratio(np.linspace(-0.1, 2.0, 500))
    assert (np.diff(ratio) <= 1e-12).all()
    assert ratio[0] > 0 > ratio[-1]
    assert scale.log_ratio(np.array([np.nan])).tolist() == [0.0]


def test_refining_learns_who_is_apart_and_who_is_one(person, filled):
    gallery = filled(2)
    different, same = gallery.scale.different.mean, gallery.scale.same.mean
    for _ in range(300):
        gallery.refine(apart=[(1, 2)], whole=[(1, 1)])
    distance = gallery.distances([person(1, 6)], np.array([2]))[0, 0]
    assert gallery.scale.different.mean != different
    assert gallery.scale.different.mean == pytest.approx(distance, abs=0.06)
    assert gallery.scale.same.mean < same
    gallery.refine(apart=[(1, 99), (99, 1)], whole=[(99, 1), (1, 7)])  # nobody there: nothing
