"""Who was that? New tracks take up the identities of tracks that were lost shortly before.

In a crowd a track is lost when nobody sees the person for a moment, and a new one begins a step
away. A new track is compared with those that ended, or are not seen any more, by place, time,
height and appearance; one-to-one, with the least total cost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from mtmc.trackers.types import BoolArray

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
    max_cost : float
        New tracks that cost as much with everybody are new people.
    height_weight, appearance_weight : float
        Weights of the squared normalised differences of heights, and of appearance.
    """

    max_gap_s: float = 4.0
    start_sigma_m: float = 0.3
    speed_sigma: float = 0.7
    max_cost: float = 9.0
    height_weight: float = 1.0
    appearance_weight: float = 1.0

    def __post_init__(self) -> None:
        if not (self.start_sigma_m > 0 and self.speed_sigma > 0):
            raise ValueError("start_sigma_m, speed_sigma: expected values above 0")
        for name in ("max_gap_s", "max_cost", "height_weight", "appearance_weight"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name}: expected 0 or more, got {getattr(self, name)}")


class Lost:
    """Tracks that ended and may come back: a population of their own."""

    def __init__(self, cameras: int, config: IdentityConfig) -> None:
        self._config = config
        self._people = Population.empty(cameras)

    @property
    def people(self) -> Population:
        """Their states when they ended."""
        return self._people

    def add(self, people: Population, time_s: float) -> None:
        """Take tracks in, and forget those that are gone too long."""
        self._people.with_embedding_dim(people.gallery.shape[2])
        self._people.extend(people)
        self._people.keep(time_s - self._people.seen_s <= self._config.max_gap_s)

    def remove(self, rows: IntArray) -> None:
        """Those who came back."""
        keep: BoolArray = np.ones(len(self._people), np.bool_)
        keep[rows] = False
        self._people.keep(keep)


class Identities:
    """Gives identities to tracks that begin to count, and keeps those of the lost.

    Parameters
    ----------
    cameras : int
    confirmed : float
        Log odds from which on a track counts.
    scale : DistanceScale
    config : IdentityConfig
    """

    def __init__(
        self, cameras: int, confirmed: float, scale: DistanceScale, config: IdentityConfig
    ) -> None:
        self._confirmed, self._scale, self._config = confirmed, scale, config
        self._lost = Lost(cameras, config)
        self._next_id = 1

    def end(self, people: Population, alive: BoolArray, time_s: float) -> None:
        """Drop tracks (rows) that are not alive; those who counted may come back."""
        self._lost.add(people.take(~alive & (people.id > 0)), time_s)
        people.keep(alive)

    def name(self, people: Population, time_s: float) -> None:
        """Give identities to those who are now sure enough, new ones or those they had before."""
        sure = (people.id == 0) & (people.log_odds >= self._confirmed)
        if not sure.any():
            return
        new, rows = people.take(sure), np.flatnonzero(sure)
        coasting = np.flatnonzero((people.id > 0) & (people.seen_s < time_s))
        lost = people.take(coasting)
        lost.extend(self._lost.people)
        mine, theirs = link(new, lost, self._scale, self._config)
        people.id[rows[mine]] = lost.id[theirs]
        back = theirs >= len(coasting)
        self._lost.remove(theirs[back] - len(coasting))
        strangers = np.setdiff1d(rows, rows[mine])
        people.id[strangers] = np.arange(self._next_id, self._next_id + len(strangers))
        self._next_id += len(strangers)
        alive = np.ones(len(people), np.bool_)
        alive[coasting[theirs[~back]]] = False
        people.keep(alive)


def link(
    new: Population, lost: Population, scale: DistanceScale, config: IdentityConfig
) -> tuple[IntArray, IntArray]:
    """Match new tracks with lost ones: rows of both that belong together.

    Where a new track began is compared with where a lost one was seen last; twice the negative
    log likelihood is d²/σ² + 4 log σ/σ₀ with σ² = σ₀² + (s gap)².
    """
    nothing = np.zeros(0, np.int64)
    if not len(new) or not len(lost) or config.max_gap_s == 0:
        return nothing, nothing
    gap = new.born_s[:, None] - lost.seen_s[None]
    variance = config.start_sigma_m**2 + (config.speed_sigma * np.maximum(gap, 0.0)) ** 2
    squared = ((new.born_xy[:, None] - lost.seen_xy[None]) ** 2).sum(axis=2)
    cost = squared / variance + 2.0 * np.log(variance / config.start_sigma_m**2)
    height = (new.height[:, None] - lost.height[None]) ** 2
    cost += config.height_weight * height / (new.height_variance[:, None] + lost.height_variance)
    looks = _distances(new, lost)
    if looks is not None:
        cost += config.appearance_weight * scale.cost(looks)
    possible = (gap > 0) & (gap <= config.max_gap_s)  # nobody is in two places at once
    gain = np.where(possible, np.minimum(cost - config.max_cost, 0.0), 0.0)
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
