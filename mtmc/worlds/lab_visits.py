"""Who comes when, and for how long: the timetable of the LAB-like world."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np

ATTEMPTS = 20_000


@dataclass(frozen=True)
class VisitStatistics:
    """What a timetable has to look like.

    Attributes
    ----------
    people : (int, int)
        Fewest and most identities.
    visits : (int, int)
        Fewest and most visits of all of them.
    longest_share : (float, float)
        Time of everybody's longest visit over the time of all visits. A tracker without
        appearance that gives every visit an identity of its own can reach no higher IDF1: of
        each person it gets one visit right.
    stay_s, absence_s : (float, float)
        Shortest, and mean of what comes on top of that, seconds.
    regulars : float
        Spread of the log of how long people stay, person by person.
    """

    people: tuple[int, int]
    visits: tuple[int, int]
    longest_share: tuple[float, float]
    stay_s: tuple[float, float]
    absence_s: tuple[float, float]
    regulars: float


@dataclass(frozen=True)
class Visit:
    """One stay of one person, as planned; seconds."""

    person: int
    start_s: float
    stay_s: float


def draw_visits(
    rng: np.random.Generator, wanted: VisitStatistics, duration_s: float, most_at_once: int
) -> list[Visit]:
    """A timetable with the wanted statistics, in order of arrival.

    Raises
    ------
    ValueError
        When none of many draws has them, as for recordings that are too short.
    """
    for _ in range(ATTEMPTS):
        people = int(rng.integers(wanted.people[0], wanted.people[1] + 1))
        visits = _draw(rng, people, wanted, duration_s, most_at_once)
        share = longest_share(visits)
        enough = wanted.visits[0] <= len(visits) <= wanted.visits[1]
        if enough and wanted.longest_share[0] <= share <= wanted.longest_share[1]:
            return visits
    raise ValueError(
        f"duration_s: no timetable of {duration_s:g} s has {wanted.visits[0]} to "
        f"{wanted.visits[1]} visits; expected a longer recording"
    )


def longest_share(visits: list[Visit]) -> float:
    """Time of everybody's longest visit over the time of all visits; 0 without visits."""
    longest: dict[int, float] = {}
    for visit in visits:
        longest[visit.person] = max(longest.get(visit.person, 0.0), visit.stay_s)
    total = sum(visit.stay_s for visit in visits)
    return sum(longest.values()) / total if total else 0.0


def _draw(
    rng: np.random.Generator,
    people: int,
    wanted: VisitStatistics,
    duration_s: float,
    most_at_once: int,
) -> list[Visit]:
    """People wait outside for a while, come in when there is room, and stay for a while."""
    patience = np.exp(rng.normal(0.0, wanted.regulars, people))
    arrivals = [(float(rng.exponential(wanted.absence_s[1] / 2)), p) for p in range(people)]
    heapq.heapify(arrivals)
    leaving: list[float] = []
    visits = []
    while arrivals:
        start, person = heapq.heappop(arrivals)
        if start > duration_s - min(wanted.stay_s[0], duration_s / 2):
            continue
        while leaving and leaving[0] <= start:
            heapq.heappop(leaving)
        if len(leaving) >= most_at_once:
            heapq.heappush(arrivals, (leaving[0] + float(rng.uniform(1.0, 6.0)), person))
            continue
        stay = wanted.stay_s[0] + float(rng.exponential(wanted.stay_s[1] * patience[person]))
        stay = min(stay, duration_s - start)
        visits.append(Visit(person, start, stay))
        heapq.heappush(leaving, start + stay)
        pause = wanted.absence_s[0] + float(rng.exponential(wanted.absence_s[1]))
        heapq.heappush(arrivals, (start + stay + pause, person))
    return visits
