"""Can two tracklets be one person, as far as place and time go, and who is it most likely."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from mtmc.trackers.types import BoolArray

from ..types import FloatArray, IntArray
from .separate_tracklets import Tracklet, box_distance
from .travel import TravelTimes


@dataclass(frozen=True)
class PlaceConfig:
    """How people move within one camera's image; lengths in heights of their box.

    Attributes
    ----------
    reach : float
        How far a box moves in no time at all: detectors jitter.
    max_speed : float
        Nobody moves faster, heights per second.
    start_sigma : float
        Standard deviation of the place at which somebody is found again, right after being lost.
    speed_sigma : float
        And how it grows, heights per second.
    view : float
        Area over which strangers turn up, heights squared.
    limit : float
        Places count for at most so much, for or against; natural logarithm of odds.
    """

    reach: float = 0.5
    max_speed: float = 2.0
    start_sigma: float = 0.3
    speed_sigma: float = 0.4
    view: float = 20.0
    limit: float = 2.5

    def __post_init__(self) -> None:
        for name in ("max_speed", "start_sigma", "speed_sigma", "view"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: expected a value above 0, got {getattr(self, name)}")
        for name in ("reach", "limit"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name}: expected 0 or more, got {getattr(self, name)}")

    def log_ratio(self, distance: float, gap_s: float) -> float:
        """Log p(place | same person) - log p(place | anybody), limited; -inf out of reach.

        Isotropic normal around where they were lost, against uniform over the view; where the
        person could be anywhere by now, 0.
        """
        if distance > self.reach + self.max_speed * gap_s:
            return -math.inf
        variance = (self.start_sigma + self.speed_sigma * gap_s) ** 2
        spread = self.view / (2.0 * math.pi * variance)
        if spread <= 1.0:
            return 0.0
        ratio = math.log(spread) - 0.5 * distance**2 / variance
        return min(max(ratio, -self.limit), self.limit)


def pair_evidence(one: Tracklet, other: Tracklet, travel: TravelTimes, place: PlaceConfig) -> float:
    """Log odds of two tracklets being one person, from place and time; -inf where they are two."""
    first, second = (one, other) if one.first_s <= other.first_s else (other, one)
    gap_s = second.first_s - first.last_s
    evidence = travel.log_ratio(first.camera, second.camera, gap_s)
    if first.camera == second.camera and gap_s > 0:
        evidence += place.log_ratio(box_distance(first.last_xyxy, second.first_xyxy), gap_s)
    return evidence


def stay_evidence(
    one: Tracklet, stays: Sequence[Tracklet], travel: TravelTimes, place: PlaceConfig
) -> float:
    """Log odds of a tracklet and an identity, from where else that was and when.

    All stays at the same time must be in cameras that have a view in common with this one; without
    any, the way from the stay before, and to the one after, counts.
    """
    same_time = [s for s in stays if s.first_s <= one.last_s and one.first_s <= s.last_s]
    if same_time:
        shared = all(travel.may_overlap(stay.camera, one.camera) for stay in same_time)
        return 0.0 if shared else -math.inf
    before = [stay for stay in stays if stay.last_s < one.first_s]
    after = [stay for stay in stays if stay.first_s > one.last_s]
    evidence = 0.0
    if before:
        last = max(before, key=lambda stay: stay.last_s)
        evidence += pair_evidence(last, one, travel, place)
    if after:
        following = min(after, key=lambda stay: stay.first_s)
        evidence += pair_evidence(one, following, travel, place)
    return evidence


def rivals(ready: Sequence[Tracklet], travel: TravelTimes, place: PlaceConfig) -> list[Tracklet]:
    """The tracklet that began first, and others of which no two can be the same person.

    They compete for identities and are decided about together; the rest can be their continuation
    and has to wait for their names.
    """
    group: list[Tracklet] = []
    for one in sorted(ready, key=lambda one: (one.first_s, one.number)):
        if not any(math.isfinite(pair_evidence(one, other, travel, place)) for other in group):
            group.append(one)
    return group


def assign(score: FloatArray) -> IntArray:
    """The identity (column) of each tracklet (row), or -1, with the greatest total score.

    Parameters
    ----------
    score : (R, C)
        Log odds; only those above 0 count.
    """
    gain = np.minimum(-score, 0.0)
    rows, columns = linear_sum_assignment(gain)
    chosen = gain[rows, columns] < 0
    column_of = np.full(len(score), -1, np.int64)
    column_of[rows[chosen]] = columns[chosen]
    return column_of


def explain(
    one: Tracklet,
    column: int,
    identities: Sequence[int],
    distance: FloatArray,
    travel: FloatArray,
    score: FloatArray,
    threshold: FloatArray,
    told: int,
) -> dict[str, Any]:
    """What was decided about a tracklet, and why: plain values.

    Parameters
    ----------
    one : Tracklet
        With its identity.
    column : int
        Who it is of the ``identities``; -1 for somebody new.
    identities : sequence of I int
    distance, travel, score, threshold : (I,)
        Cosine distance, log odds from place and time, all evidence together, and the distance at
        which appearance says neither yes nor no.
    told : int
        How many candidates are listed.
    """
    possible: BoolArray = np.isfinite(travel)
    order = [i for i in np.argsort(-score, kind="stable").tolist() if possible[i]]
    if column >= 0:
        reason = "the most likely of those who could be here"
    elif not identities:
        reason = "nobody was seen before"
    elif not order:
        reason = "nobody who was seen before could be here now"
    elif score[order[0]] > 0:
        reason = f"{identities[order[0]]} fits, but somebody else fits it better"
    else:
        reason = "nobody who could be here is likely"
    return {
        "id": one.identity,
        "decision": "known" if column >= 0 else "new",
        "reason": reason,
        "camera": one.camera,
        "track": one.local_id,
        "from_frame": one.first_frame,
        "crops": len(one.vectors),
        "impossible": len(identities) - len(order),
        "candidates": [
            {
                "id": identities[i],
                "distance": _plain(distance[i]),
                "threshold": _plain(threshold[i]),
                "travel": _plain(travel[i]),
                "log_odds": _plain(score[i]),
            }
            for i in order[:told]
        ],
    }


def _plain(value: float) -> float | None:
    return round(float(value), 4) if math.isfinite(value) else None
