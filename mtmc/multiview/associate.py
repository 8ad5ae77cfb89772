"""Which detection is whom: costs are twice negative log likelihoods, assigned per camera."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.optimize import linear_sum_assignment

from ..types import FloatArray, IntArray
from . import gaussian
from .fusion import Estimate
from .observe import Observations


@dataclass(frozen=True)
class AssociateConfig:
    """How detections and tracks are matched.

    Attributes
    ----------
    gate : float
        Squared Mahalanobis distance up to which a pair is possible; 9.2 holds 99 % in the plane.
    miss_cost : float
        What it costs to leave a detection to nobody; pairs that cost more are not matched.
    height_weight : float
        Weight of the squared, normalised difference of heights; 0 leaves them out.
    height_limit : float
        Differences of heights count for at most this many squared standard deviations.
    appearance_weight : float
        Weight of appearance; 0 leaves it out.
    hidden_weight : float
        Weight of -2 log(visible share): how much a match is doubted where the camera should not
        see the person.
    hidden_floor : float
        Least visible share in that term.
    """

    gate: float = 9.2
    miss_cost: float = 8.0
    height_weight: float = 0.3
    height_limit: float = 6.0
    appearance_weight: float = 0.75
    hidden_weight: float = 0.5
    hidden_floor: float = 0.1

    def __post_init__(self) -> None:
        for name in ("gate", "height_limit"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: expected a value above 0, got {getattr(self, name)}")
        for name in ("height_weight", "appearance_weight", "hidden_weight"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name}: expected 0 or more, got {getattr(self, name)}")
        if not 0 < self.hidden_floor <= 1:
            raise ValueError(f"hidden_floor: expected 0 to 1, got {self.hidden_floor}")


def position_cost(
    observations: Observations, velocity: FloatArray, expected: Estimate, gate: float
) -> FloatArray:
    """d² + ½ log|S| of every detection and track, (D, T); infinite outside the gate.

    Parameters
    ----------
    observations : Observations
    velocity : (T, 2)
        Metres per second; moves the tracks to the time of each frame.
    expected : Estimate
        (T,), or (C, T) where every camera has its own.
    gate : float
    """
    if expected.xy.ndim == 3:
        xy, covariance = expected.xy[observations.camera], expected.covariance[observations.camera]
    else:
        xy, covariance = expected.xy[None], expected.covariance[None]
    difference = observations.xy[:, None] - xy
    if observations.lead_s.any():
        difference = difference - observations.lead_s[:, None, None] * velocity
    total = observations.covariance[:, None] + covariance
    squared, determinant = gaussian.squared_mahalanobis(difference, total)
    return np.where(squared <= gate, squared + 0.5 * np.log(determinant), np.inf)


def height_cost(
    observations: Observations,
    sigma_m: float,
    xy: FloatArray,
    height: FloatArray,
    variance: FloatArray,
    config: AssociateConfig,
) -> FloatArray:
    """Weighted squared differences of heights: (D, T); 0 where one is unknown.

    Parameters
    ----------
    observations : Observations
    sigma_m : float
        Standard deviation of what one detection shows, metres.
    xy : (T, 2)
        Where the tracks are, metres.
    height, variance : (T,)
        How tall they are, metres.
    config : AssociateConfig
    """
    moved = (observations.height_slope[:, None] * (xy - observations.xy[:, None])).sum(axis=2)
    difference = observations.height[:, None] + moved - height
    squared = difference**2 / (sigma_m**2 + variance)
    limited = np.minimum(np.nan_to_num(squared, nan=0.0), config.height_limit)
    return np.asarray(config.height_weight * limited)


def hidden_cost(visible: FloatArray, config: AssociateConfig) -> FloatArray:
    """-2 log of the visible shares (C, T), weighted."""
    return np.asarray(
        -2.0 * config.hidden_weight * np.log(np.maximum(visible, config.hidden_floor))
    )


def assign(cost: FloatArray, starts: IntArray, miss_cost: float) -> IntArray:
    """Match detections and tracks camera by camera, with the least total cost.

    Parameters
    ----------
    cost : (D, T)
        Infinite where a pair is impossible.
    starts : (C + 1,) int64
        Where each camera's rows begin.
    miss_cost : float
        Pairs that cost as much or more are not matched.

    Returns
    -------
    track : (D,) int64
        Column of the track, or -1.
    """
    track = np.full(len(cost), -1, np.int64)
    gain = np.minimum(cost - miss_cost, 0.0)
    bounds = starts.tolist()
    for start, stop in pairwise(bounds):
        if start == stop:
            continue
        part = gain[start:stop]
        rows, columns = linear_sum_assignment(part)
        matched = part[rows, columns] < 0.0
        track[start + rows[matched]] = columns[matched]
    return track
