"""One step of people who walk: towards a way point, away from others, along obstacles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..types import FloatArray
from .lab_paths import FloorPlan
from .lab_person import Person

RELAXATION_S = 0.45
REPULSION = 2.6
"""Acceleration between two bodies that touch, m/s²."""
REPULSION_RANGE_M = 0.32
BODY_GAP_M = 0.5
TOUCH_M = 0.36
"""Bodies come no nearer than this, centre to centre."""


def move(person: Person, people: Sequence[Person], plan: FloorPlan, step_s: float) -> None:
    """One time step of one person, among all who are there."""
    if person.seated > 0 or (person.seat is not None and not person.way):
        person.velocity = np.zeros(2)
        _turn(person, step_s)
        return
    goal = person.way[0] - person.at if person.way else np.zeros(2)
    gap = float(np.linalg.norm(goal))
    wish = goal / gap * person.speed if gap > 1e-9 else np.zeros(2)
    force = (wish - person.velocity) / RELAXATION_S + _push(person, people)
    person.velocity = person.velocity + step_s * force
    speed = float(np.linalg.norm(person.velocity))
    if speed > 1.3 * person.speed:
        person.velocity *= 1.3 * person.speed / speed
    step = _slide(person.at, step_s * person.velocity, plan)
    person.at = person.at + step
    person.walked += float(np.linalg.norm(step))
    slow = bool(person.way) and np.linalg.norm(step) < 0.15 * step_s
    person.slow_s = person.slow_s + step_s if slow else 0.0
    _turn(person, step_s)


def _push(person: Person, people: Sequence[Person]) -> FloatArray:
    total = np.zeros(2)
    for other in people:
        if other is person:
            continue
        away = person.at - other.at
        gap = max(float(np.linalg.norm(away)), 1e-6)
        if gap > 1.5:
            continue
        away = away / gap
        # a little to the right, so that two who meet do not stand still face to face
        side = np.array([away[1], -away[0]])
        strength = REPULSION * np.exp((BODY_GAP_M - gap) / REPULSION_RANGE_M)
        total += strength * (away + 0.35 * side)
    return np.asarray(np.clip(total, -6.0, 6.0))


def _slide(at: FloatArray, step: FloatArray, plan: FloorPlan) -> FloatArray:
    """The step, or what of it leads along an obstacle; nothing when that does not either."""
    if not plan.walkable(at[None])[0]:
        return _back(at, step, plan)
    for attempt in (step, step * [1.0, 0.0], step * [0.0, 1.0]):
        if plan.walkable((at + attempt)[None])[0]:
            return np.asarray(attempt)
    return np.zeros(2)


def _back(at: FloatArray, step: FloatArray, plan: FloorPlan) -> FloatArray:
    """From where a body does not fit, as after sitting at a table: towards where it does."""
    free = plan.nearest_place(at) - at
    gap = float(np.linalg.norm(free))
    return np.asarray(free / gap * min(gap, float(np.linalg.norm(step)) + 0.01))


def keep_apart(people: Sequence[Person], plan: FloorPlan) -> None:
    """Bodies do not pass through each other."""
    walking = [person for person in people if person.seat is None]
    for first in range(len(walking)):
        for second in range(first + 1, len(walking)):
            a, b = walking[first], walking[second]
            away = a.at - b.at
            gap = float(np.linalg.norm(away))
            if 1e-6 < gap < TOUCH_M:
                shift = away / gap * (TOUCH_M - gap) / 2
                for person, own in ((a, shift), (b, -shift)):
                    if plan.walkable((person.at + own)[None])[0]:
                        person.at = person.at + own


def _turn(person: Person, step_s: float) -> None:
    speed = float(np.linalg.norm(person.velocity))
    if speed > 0.25:
        wanted = float(np.arctan2(person.velocity[1], person.velocity[0]))
    elif person.wanted_heading is not None:
        wanted = person.wanted_heading
    else:
        return
    turn = (wanted - person.heading + np.pi) % (2 * np.pi) - np.pi
    limit = 4.0 * step_s
    person.heading += float(np.clip(turn, -limit, limit))
