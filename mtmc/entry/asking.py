"""Who can be asked about, what is asked, and when an answer is sure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .config import EntryConfig
from .judge import Answer, Question
from .memory import Memory
from .people import Absent, Present
from .places import Places


def ready(person: Present, time_s: float, config: EntryConfig) -> bool:
    """Whether somebody can be asked about: nobody is close, and there is enough to see."""
    enough = len(person.stretch.buffer) >= config.min_crops
    return not person.close and (enough or over(person, time_s, config))


def over(person: Present, time_s: float, config: EntryConfig) -> bool:
    """Whether the time to wait is over."""
    began = person.stretch.buffer.first_s
    return time_s - (began if began is not None else person.seen_s) >= config.max_wait_s


def sure(person: Present, answer: Answer, row: int, places: Places, config: EntryConfig) -> bool:
    """Whether nothing is gained by waiting for more crops."""
    if answer.column[row] < 0 and places.mid_room(person.stretch.xy):
        return False  # nobody new begins in mid-room: somebody may yet be found to be lost
    return bool(answer.lead[row] >= config.doubtful)


def question_of(
    asked: Sequence[Present],
    absent: Mapping[int, Absent],
    places: Places,
    memory: Memory,
    config: EntryConfig,
) -> tuple[list[int], Question]:
    """Identities that some people can have, and their distances and priors.

    Parameters
    ----------
    asked : sequence of Present
    absent : mapping of int to Absent
        By identity.
    places : Places
    memory : Memory
    config : EntryConfig
    """
    identities = list(absent)
    identities += [p.identity for p in asked if p.identity not in identities]
    column = {who: number for number, who in enumerate(identities)}
    prior = np.full((len(asked), len(identities)), np.inf)
    own = np.full(len(asked), -1, np.int64)
    for row, person in enumerate(asked):
        for who, one in absent.items():
            prior[row, column[who]] = places.prior(person.stretch, one)
        for other in asked:
            if other.key in person.stretch.partners and not other.stretch.born:
                prior[row, column[other.identity]] = 0.0
        if not person.stretch.born:
            own[row] = column[person.identity]
            prior[row, own[row]] = -config.keep
    distance = memory.distances(asked, identities)
    threshold = np.array([memory.threshold(int(n)) for n in np.isfinite(prior).sum(axis=1)])
    # of whom nothing is seen clearly, place alone says who was lost there
    blind = np.isnan(distance) & (prior < 0)
    distance = np.where(blind, threshold[:, None], distance)
    return identities, Question(distance, prior, own, threshold, memory.unknown)
