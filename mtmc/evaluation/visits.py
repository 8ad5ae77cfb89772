"""Visits of people who leave a site and come back: who is known again, and who is taken for whom.

IDF1 tells how much of everybody's time one identity holds; it does not tell whether somebody who
comes back is recognised. Here every person owns an identity: that under which most of their first
visit was shown, for a second at least, unless somebody else had it before; then that of the next
visit. A return is recognised when most of it is shown under the identity that the person owned
before, and time under any other identity than one's own is time under a wrong one.

So the wrong share of `VisitScores` goes by who had an identity first, and is of the time in which
people were shown; ``mtmc demo`` tells it. `mistaken.mistaken_share`, which ``benchmarks/table5.py``
tells, goes by whose the final files make an identity, and is of all the time in which people were
there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..sites import GroundTruth
from ..types import IntArray
from .evaluate import SequenceEvaluation

LEAST_ABSENCE_S = 2.5
"""Somebody who was away for longer comes back: the ground tracker follows nobody unseen for more
than this (``ExistenceConfig.max_unseen_s``)."""
LEAST_VISIT_S = 1.0
"""Shorter visits, as at the end of a recording, are no returns that could be recognised; and who
was shown for less time under an identity does not own it."""


@dataclass(frozen=True)
class Span:
    """A stretch of frames, both included, in which a person was shown under one identity.

    ``identity`` is None while the person was missed.
    """

    first_frame: int
    last_frame: int
    identity: int | None


@dataclass(frozen=True)
class PersonVisit:
    """One stay of one person.

    Attributes
    ----------
    person : int
        Of the ground truth.
    spans : tuple of Span
        Of the whole stay, in order.
    identity : int or None
        Under which it was shown longest.
    own : int or None
        The identity that the person owns by then.
    first : bool
        Whether it is this visit that gave the person that identity.
    counts : bool
        Whether it is a return that should be recognised.
    """

    person: int
    spans: tuple[Span, ...]
    identity: int | None
    own: int | None
    first: bool
    counts: bool

    @property
    def recognised(self) -> bool:
        """Whether most of the visit was shown under the identity owned before."""
        return self.identity is not None and self.identity == self.own and not self.first


@dataclass(frozen=True)
class VisitScores:
    """All visits of a recording, in order of arrival, and what they add up to.

    Attributes
    ----------
    visits : tuple of PersonVisit
    wrong_share : float
        Time under a wrong identity over the time in which people were shown, 0 to 1.
    """

    visits: tuple[PersonVisit, ...]
    wrong_share: float

    @property
    def returns(self) -> int:
        """How many visits are returns."""
        return sum(visit.counts for visit in self.visits)

    @property
    def recognised(self) -> int:
        """How many of them were recognised."""
        return sum(visit.counts and visit.recognised for visit in self.visits)


def score_visits(truth: GroundTruth, evaluation: SequenceEvaluation, rate: float) -> VisitScores:
    """Tell who was known again.

    Parameters
    ----------
    truth : GroundTruth
    evaluation : SequenceEvaluation
        Of results against that truth: matches of the CLEAR metrics.
    rate : float
        Frames per second.
    """
    shown = _shown(evaluation)
    stays = []
    for person in np.unique(truth.id).tolist():
        frames = np.sort(truth.frame[truth.id == person])
        gaps = np.flatnonzero(np.diff(frames) > LEAST_ABSENCE_S * rate) + 1
        stays += [(person, part) for part in np.split(frames, gaps)]
    stays.sort(key=lambda stay: (int(stay[1][0]), stay[0]))
    owned: dict[int, int] = {}
    seen: set[int] = set()
    visits, right, total = [], 0, 0
    for person, frames in stays:
        under = [shown.get((person, frame)) for frame in frames.tolist()]
        identity = _longest(under)
        first = (
            identity is not None
            and person not in owned
            and identity not in owned.values()
            and under.count(identity) >= LEAST_VISIT_S * rate
        )
        if identity is not None and first:
            owned[person] = identity
        lasts = len(frames) >= LEAST_VISIT_S * rate
        own = owned.get(person)
        counts = person in seen and lasts
        visits.append(PersonVisit(person, _spans(frames, under), identity, own, first, counts))
        right += sum(one == own for one in under if one is not None)
        total += sum(one is not None for one in under)
        if lasts:
            seen.add(person)
    return VisitScores(tuple(visits), 1.0 - right / total if total else 0.0)


def _shown(evaluation: SequenceEvaluation) -> dict[tuple[int, int], int]:
    """Identity by person and frame."""
    overlaps, matches = evaluation.overlaps, evaluation.matches
    people = overlaps.gt_ids[matches.gt].tolist()
    frames = overlaps.frames[matches.frame].tolist()
    identities = overlaps.result_ids[matches.result].tolist()
    return dict(zip(zip(people, frames, strict=True), identities, strict=True))


def _longest(under: list[int | None]) -> int | None:
    known = [one for one in under if one is not None]
    if not known:
        return None
    identities, first, counts = np.unique(known, return_index=True, return_counts=True)
    order = np.lexsort((first, -counts))
    return int(identities[order[0]])


def _spans(frames: IntArray, under: list[int | None]) -> tuple[Span, ...]:
    spans: list[Span] = []
    for frame, identity in zip(frames.tolist(), under, strict=True):
        if spans and spans[-1].identity == identity and frame == spans[-1].last_frame + 1:
            spans[-1] = Span(spans[-1].first_frame, frame, identity)
        else:
            spans.append(Span(frame, frame, identity))
    return tuple(spans)
