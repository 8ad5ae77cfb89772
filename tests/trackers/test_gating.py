"""Gating against all pairs."""

import numpy as np
import pytest

from mtmc.trackers.gating import plausible_pairs
from mtmc.trackers.kalman import HeightNoise, initiate, predict

GATE = 9.4877


@pytest.mark.parametrize("seed", range(8))
def test_it_equals_a_look_at_all_pairs(seed):
    rng = np.random.default_rng(seed)
    noise = HeightNoise(0.05, 0.00625)
    values = np.stack(
        [*rng.uniform(0, 400, (2, 30)), rng.uniform(0.3, 0.5, 30), rng.uniform(50, 150, 30)], axis=1
    )
    mean, cov = initiate(values, noise)
    mean, cov = predict(mean, cov, 2.0, noise.process(values))
    measured = values[rng.integers(0, 30, 50)] + rng.normal(0, [12, 12, 0.1, 12], (50, 4))
    variance = noise.measurement(mean[..., 0])
    pairs = plausible_pairs(mean, cov, measured, variance, GATE)
    off = measured[None] - mean[:, None, :, 0]
    squared = (off**2 / (cov[:, None, :, 0] + variance[:, None])).sum(axis=2)
    expected = set(zip(*map(np.ndarray.tolist, np.nonzero(squared <= GATE)), strict=True))
    assert set(zip(*map(np.ndarray.tolist, pairs), strict=True)) == expected
    assert len(expected) > 20
    assert (np.diff(pairs.tracks) >= 0).all()


def test_nobody():
    mean, cov = initiate(np.zeros((0, 4)), HeightNoise(0.05, 0.00625))
    pairs = plausible_pairs(mean, cov, np.ones((3, 4)), np.zeros((0, 4)), GATE)
    assert len(pairs.tracks) == len(pairs.detections) == 0
