"""What is written down of a decision about an identity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mtmc.reid.gallery_tracklets import Misplaced

from .judge import Answer, Question
from .memory import Double
from .people import Present

TOLD = 5
"""Candidates that are listed."""


def evidence(
    person: Present, row: int, identity: int, identities: Sequence[int],
    question: Question, answer: Answer,
) -> dict[str, Any]:  # fmt: skip
    """Plain values that tell what was decided about a person, and why.

    ``answer`` is ``"known"`` or ``"new"`` of a newcomer, ``"kept"`` or ``"exchanged"`` of somebody
    about whom there was a doubt. ``candidates`` are the cheapest first, with the cosine distance of
    looks (None where nothing was seen) and what place and time added.

    Parameters
    ----------
    person : Present
        As before the decision.
    row : int
        Of the question.
    identity : int
        What was decided.
    identities : sequence of int
        Columns of the question.
    question : Question
    answer : Answer
    """
    order = np.argsort(answer.cost[row], kind="stable")
    order = order[np.isfinite(answer.cost[row, order])][:TOLD]
    kind = "known"
    if answer.column[row] < 0:
        kind = "new"
    elif not person.stretch.born:
        kind = "kept" if identity == person.identity else "exchanged"
    return {
        "answer": kind,
        "track": person.identity,
        "identity": identity,
        "since_frame": person.stretch.since_frame,
        "crops": len(person.stretch.buffer),
        "threshold": round(float(question.threshold[row]), 4),
        "candidates": [
            {
                "identity": identities[column],
                "distance": _round(question.distance[row, column]),
                "prior": _round(question.prior[row, column]),
            }
            for column in order.tolist()
        ],
    }


def evidence_of_double(
    older: int, younger: int, since_frame: int, double: Double
) -> dict[str, Any]:
    """The same of two identities that turned out to be one; the answer is ``"merged"``."""
    return {
        "answer": "merged",
        "track": younger,
        "identity": older,
        "since_frame": since_frame,
        "crops": double.crops,
        "threshold": round(double.threshold, 4),
        "candidates": [{"identity": older, "distance": _round(double.distance), "prior": 0.0}],
    }


def evidence_of_misplaced(found: Misplaced, since_frame: int) -> dict[str, Any]:
    """The same of a stretch that was somebody else's; the answer is ``"corrected"``."""
    return {
        "answer": "corrected",
        "track": found.identity,
        "identity": found.other,
        "since_frame": since_frame,
        "crops": found.crops,
        "threshold": round(found.distance, 4),
        "candidates": [
            {"identity": found.other, "distance": _round(found.other_distance), "prior": 0.0},
            {"identity": found.identity, "distance": _round(found.distance), "prior": 0.0},
        ],
    }


def _round(value: float) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None
