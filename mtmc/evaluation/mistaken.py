"""How much of what is shown stands under a wrong identity: at first, and after late decisions.

IDF1 scores final files. Who watches a screen sees the identities as they come out, some of them
tentative and some wrong until a late decision puts the files right; this is what that costs.

Right here is the identity that covers most of a person's time in the final files, whoever had it
first, and the share is of all the time in which people were there; ``benchmarks/table5.py`` tells
it. That of `visits.score_visits`, which ``mtmc demo`` tells, goes by who had an identity first, and
is of the time in which people were shown.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from ..sites import GroundTruth
from ..types import FloatArray, IntArray
from .ground import THRESHOLD_M

FAR = 1e3
"""More than any distance that matches, metres."""


def match_people(
    truth: GroundTruth, frame: IntArray, xy: FloatArray, threshold_m: float = THRESHOLD_M
) -> IntArray:
    """Whom each of N reported places shows: row of ``np.unique(truth.id)``, or -1.

    Frame by frame, one-to-one with as many matches within the threshold as can be, and of these
    with the least total distance.

    Parameters
    ----------
    truth : GroundTruth
    frame : (N,) int64
    xy : (N, 2) float64
        Metres.
    threshold_m : float
    """
    _, column = np.unique(truth.id, return_inverse=True)
    person = np.full(len(frame), -1, np.int64)
    order = np.argsort(frame, kind="stable")
    starts = np.searchsorted(frame[order], truth.frames)
    ends = np.searchsorted(frame[order], truth.frames, side="right")
    for now, start, end in zip(truth.frames.tolist(), starts, ends, strict=True):
        rows, there = order[start:end], np.flatnonzero(truth.frame == now)
        distance = np.linalg.norm(xy[rows][:, None] - truth.xy[there][None], axis=2)
        cost = np.where(distance <= threshold_m, distance, FAR)
        for one, other in zip(*linear_sum_assignment(cost), strict=True):
            if cost[one, other] < FAR:
                person[rows[one]] = column[there[other]]
    return person


def mistaken_share(person: IntArray, shown: IntArray, final: IntArray, person_frames: int) -> float:
    """Share of person-frames that are shown under a wrong identity.

    A person-frame is one annotated person in one frame. The right identity of a person is the one
    that covers most of that person's matched frames after all late decisions, every identity given
    to one person at most (assignment with the largest total). Wrong are matched person-frames that
    are shown under any other identity, a tentative one too; what is not matched is in the
    denominator only.

    Parameters
    ----------
    person : (N,) int64
        Whom each place shows; see `match_people`.
    shown : (N,) int64
        Identities that are judged: as first shown, or the final ones.
    final : (N,) int64
        Identities after all late decisions.
    person_frames : int
        Number of all of them, matched or not.
    """
    matched = person >= 0
    if not matched.any():
        return 0.0
    who, column = np.unique(final[matched], return_inverse=True)
    frames = np.zeros((int(person.max()) + 1, len(who)))
    np.add.at(frames, (person[matched], column), 1)
    right = np.full(len(frames), -1, np.int64)
    rows, columns = linear_sum_assignment(-frames)
    right[rows] = who[columns]
    wrong = shown[matched] != right[person[matched]]
    return float(np.count_nonzero(wrong) / person_frames)
