"""Who somebody is, from distances of looks and what place and time say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from ..types import FloatArray, IntArray

FORBIDDEN = 1e3


@dataclass(frozen=True, eq=False)
class Question:
    """Several people who are asked about at once.

    Attributes
    ----------
    distance : (P, I) float64
        Cosine distances of looks to identities; infinite or NaN where nothing is known.
    prior : (P, I) float64
        What place and time add; infinite forbids a pair.
    own : (P,) int64
        Column of the identity that a person goes on with; -1 for those who are new.
    threshold : (P,) float64
        Distance above which a newcomer is nobody known.
    unknown : float
        Distance that stands in for one that is not known, of the identity one goes on with.
    """

    distance: FloatArray
    prior: FloatArray
    own: IntArray
    threshold: FloatArray
    unknown: float


@dataclass(frozen=True, eq=False)
class Answer:
    """Of every person asked about.

    Attributes
    ----------
    column : (P,) int64
        Identity; -1 is somebody new.
    lead : (P,) float64
        How much more the best other choice would cost; infinite where there is none.
    cost : (P, I) float64
        Distances with priors.
    """

    column: IntArray
    lead: FloatArray
    cost: FloatArray


def judge(question: Question) -> Answer:
    """One-to-one with the least total cost; being nobody known costs the threshold."""
    people, count = question.distance.shape
    cost = np.where(np.isfinite(question.distance), question.distance, np.inf)
    rows = np.flatnonzero(question.own >= 0)
    own = cost[rows, question.own[rows]]
    cost[rows, question.own[rows]] = np.where(np.isfinite(own), own, question.unknown)
    cost = cost + question.prior
    alone = np.full((people, people), FORBIDDEN)
    alone[np.arange(people), np.arange(people)] = np.where(
        question.own >= 0, FORBIDDEN / 2, question.threshold
    )
    whole = np.concatenate([np.where(np.isfinite(cost), cost, FORBIDDEN), alone], axis=1)
    _, chosen = linear_sum_assignment(whole)
    others = whole.copy()
    others[np.arange(people), chosen] = np.inf
    # what others took is no choice any more
    for person in range(people):
        others[person, np.delete(chosen, person)] = np.inf
    best_other = others.min(axis=1)
    lead = np.where(
        best_other < FORBIDDEN / 2, best_other - whole[np.arange(people), chosen], np.inf
    )
    column = np.where(chosen < count, chosen, -1)
    taken = whole[np.arange(people), chosen] >= FORBIDDEN / 2
    return Answer(np.where(taken, question.own, column), lead, cost)
