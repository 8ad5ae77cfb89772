"""Who was that? What speaks for a new track being somebody who was followed before.

In a crowd a track is lost when nobody sees the person for a moment, and a new one begins a step
away. Place, time, height and appearance are compared; costs are twice negative log likelihoods.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from ..types import FloatArray, IntArray
from .appearance import DistanceScale
from .population import Population


@dataclass(frozen=True)
class IdentityConfig:
    """When a new track is somebody who was lost.

    Attributes
    ----------
    max_gap_s : float
        Nobody who was lost longer ago is taken up again, seconds; 0 turns it off.
    start_sigma_m : float
        Standard deviation of the place, right after somebody is lost, metres.
    speed_sigma : float
        And how it grows, m/s: people in crowds turn.
    new_cost, lost_cost : float
        Cost of somebody being new, and of somebody being lost: a new track that costs as much as
        both with everybody is somebody new.
    height_weight, appearance_weight : float
        Weights of the squared normalised differences of heights, and of appearance.
    hop_cost : float
        Cost of an identity going over to a neighbouring track: tracks exchange people in crowds.
    hop_sigma_m : float
        Standard deviation of the distance at which they do, metres.
    edge_m : float
        People come in over the edge of the bounds: there nothing speaks against somebody new, and
        ``new_cost`` is reached this far inside, metres.
    """

    max_gap_s: float = 4.0
    start_sigma_m: float = 0.3
    speed_sigma: float = 0.7
    new_cost: float = 5.0
    lost_cost: float = 3.0
    height_weight: float = 1.0
    appearance_weight: float = 1.0
    hop_cost: float = 6.0
    hop_sigma_m: float = 0.25
    edge_m: float = 2.0

    def __post_init__(self) -> None:
        for name in ("start_sigma_m", "speed_sigma", "hop_sigma_m", "edge_m"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: expected a value above 0, got {getattr(self, name)}")
        for name in (
            *("max_gap_s", "new_cost", "lost_cost", "hop_cost"),
            *("height_weight", "appearance_weight"),
        ):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name}: expected 0 or more, got {getattr(self, name)}")


def place_cost(
    gap_s: FloatArray | float, squared_distance: FloatArray, config: IdentityConfig
) -> FloatArray:
    """Cost of somebody being seen again some seconds later, so far away.

    d²/σ² + 4 log σ/σ₀ with σ² = σ₀² + (s gap)².
    """
    variance = config.start_sigma_m**2 + (config.speed_sigma * np.maximum(gap_s, 0.0)) ** 2
    return np.asarray(
        squared_distance / variance + 2.0 * np.log(variance / config.start_sigma_m**2)
    )


def likeness_cost(
    new: Population, known: Population, scale: DistanceScale, config: IdentityConfig
) -> FloatArray:
    """Cost of new tracks being known ones, by height and appearance: (N, K)."""
    height = (new.height[:, None] - known.height[None]) ** 2
    cost = config.height_weight * height / (new.height_variance[:, None] + known.height_variance)
    looks = _distances(new, known)
    if looks is not None:
        cost += config.appearance_weight * scale.cost(looks)
    return np.asarray(cost)


def link(
    new: Population, lost: Population, scale: DistanceScale, config: IdentityConfig
) -> tuple[IntArray, IntArray]:
    """Match new tracks with lost ones, with the least total cost: rows of both.

    Where a new track began is compared with where a lost one was seen last.
    """
    nothing = np.zeros(0, np.int64)
    if not len(new) or not len(lost) or config.max_gap_s == 0:
        return nothing, nothing
    gap = new.born_s[:, None] - lost.seen_s[None]
    squared = ((new.born_xy[:, None] - lost.seen_xy[None]) ** 2).sum(axis=2)
    cost = place_cost(gap, squared, config) + likeness_cost(new, lost, scale, config)
    possible = (gap > 0) & (gap <= config.max_gap_s)  # nobody is in two places at once
    limit = config.new_cost + config.lost_cost
    gain = np.where(possible, np.minimum(cost - limit, 0.0), 0.0)
    rows, columns = linear_sum_assignment(gain)
    chosen = gain[rows, columns] < 0
    return rows[chosen], columns[chosen]


def _distances(new: Population, lost: Population) -> FloatArray | None:
    """Mean cosine distance of galleries in the cameras that know both: (N, L); NaN for none."""
    if not new.gallery.shape[2] or not lost.gallery.shape[2]:
        return None
    both = new.has_gallery[:, None] & lost.has_gallery[None]
    cosine = np.einsum("nce,lce->nlc", new.gallery, lost.gallery)
    total = (np.where(both, 1.0 - cosine, 0.0)).sum(axis=2)
    count = both.sum(axis=2)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
