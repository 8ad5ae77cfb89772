"""How tall each person is: a scalar Kalman filter per track, of a height that wanders.

People sit while they wait, and stand up; a track passes from one to another. A filter of a constant
height is soon sure of the first that it saw, and then tells people apart by heights that they do
not have.
"""

from __future__ import annotations

import numpy as np

from ..types import FloatArray, IntArray
from .population import Population


def predict_heights(people: Population, step_s: float, drift: float) -> None:
    """Let heights become less certain: a random walk of ``drift`` m/√s."""
    people.height_variance += drift**2 * step_s


def update_heights(
    people: Population, track: IntArray, height: FloatArray, sigma_m: float, limit: float
) -> None:
    """Update with the mean of what the cameras show, limited as positions are; and note the mean.

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
    people.shown_height[:] = np.nan
    if not len(track):
        return
    count = np.bincount(track, minlength=len(people))
    known = np.flatnonzero(count)
    mean = np.bincount(track, height, minlength=len(people))[known] / count[known]
    people.shown_height[known] = mean
    noise = sigma_m**2 / count[known]
    prior = people.height_variance[known]
    difference = mean - people.height[known]
    total = prior + noise
    total = total * np.maximum(difference**2 / (total * limit**2), 1.0)
    gain = prior / total
    people.height[known] += gain * difference
    people.height_variance[known] = (1.0 - gain) * prior
