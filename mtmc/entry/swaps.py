"""Who is who after some people were too close to be told apart."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.optimize import linear_sum_assignment

from ..types import FloatArray, IntArray
from .people import Present


def groups(present: Mapping[int, Present]) -> list[list[int]]:
    """Keys of those in doubt, together with all whom they can have been mixed up with."""
    open_keys = [key for key, person in present.items() if person.doubt_s is not None]
    found, seen = [], set()
    for start in open_keys:
        if start in seen:
            continue
        group, stack = [], [start]
        seen.add(start)
        while stack:
            key = stack.pop()
            group.append(key)
            for other in present[key].partners:
                if other in present and other not in seen and not present[other].waiting:
                    seen.add(other)
                    stack.append(other)
        found.append(sorted(group))
    return found


def best_exchange(distance: FloatArray, margin: float, unknown: float) -> IntArray:
    """Which identity each person has, one-to-one, with the least total distance.

    Parameters
    ----------
    distance : (P, I) float64
        Cosine distances; identity ``p`` is the one that person ``p`` had. Infinite where an
        identity has no crops, NaN where a person has none.
    margin : float
        What another identity than one's own has to gain.
    unknown : float
        Distance that stands in where there is none.

    Returns
    -------
    (P,) int64
        Columns.
    """
    cost = np.where(np.isfinite(distance), distance, unknown)
    people = len(cost)
    cost[np.arange(people), np.arange(people)] -= margin
    rows, columns = linear_sum_assignment(cost)
    chosen = np.arange(people)
    chosen[rows] = columns
    return chosen
