"""How tall each person is: a scalar Kalman filter per track."""

from __future__ import annotations

import numpy as np

from ..types import FloatArray, IntArray
from .population import Population


def update_heights(
    people: Population, track: IntArray, height: FloatArray, sigma_m: float, limit: float
) -> None:
    """Update with the mean of what the cameras show, limited as positions are.

    Parameters
    ----------
    people : Population
    track : (M,) int64
        Whose heights are seen.
    height : (M,)
        Metres.
    sigma_m : float
        Standard deviation of one of them, metres.
    limit : float
        No mean pulls harder than one at this many standard deviations.
    """
    if not len(track):
        return
    count = np.bincount(track, minlength=len(people))
    known = np.flatnonzero(count)
    mean = np.bincount(track, height, minlength=len(people))[known] / count[known]
    noise = sigma_m**2 / count[known]
    prior = people.height_variance[known]
    difference = mean - people.height[known]
    total = prior + noise
    total = total * np.maximum(difference**2 / (total * limit**2), 1.0)
    gain = prior / total
    people.height[known] += gain * difference
    people.height_variance[known] = (1.0 - gain) * prior
