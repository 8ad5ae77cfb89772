"""How people move in the LAB-like world: errands one after the other, and keeping clear of others.

Every person walks towards the next way point, is pushed away by those who are near (the social
force of Helbing and Molnar, Phys. Rev. E 1995, with one exponential term), and slides along
furniture and walls. What they do in the room is drawn at random: stand somewhere, stand with
somebody, sit, queue at the counter, cross to the far side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ..types import FloatArray
from .lab_habits import Habits
from .lab_paths import FloorPlan
from .lab_person import Person
from .lab_room import ONE_DOOR, OUTSIDE_Y, QUEUE, ROOM_Y, SEATS, Door
from .lab_steps import keep_apart, move
from .lab_visits import Visit
from .lab_world import LabWorld

ARRIVED_M = 0.2
SIT_DOWN_S = 1.3
STUCK_S = 4.0
DOORWAY_M = 1.0
"""Nobody comes in while somebody else is so near to the door."""


class Room:
    """Everybody who is in the room, moved on step by step."""

    def __init__(
        self, visits: list[Visit], seed: int, step_s: float, most: int,
        doors: Sequence[Door] = ONE_DOOR, habits: Habits | None = None,
    ) -> None:  # fmt: skip
        self._most = most
        self._habits = habits or Habits()
        self._door_x = [float(np.mean(door)) for door in doors]
        self._plan = FloorPlan(doors)
        self._waiting = sorted(enumerate(visits, 1), key=lambda pair: pair[1].start_s)
        self._seed, self._step_s = seed, step_s
        self._left_s: dict[int, float] = {}
        self.people: list[Person] = []
        self.time_s = 0.0

    def advance(self) -> None:
        """One time step."""
        self._let_in()
        for person in self.people:
            self._decide(person)
        for person in self.people:
            move(person, self.people, self._plan, self._step_s)
        keep_apart(self.people, self._plan)
        self._left_s |= {person.column: self.time_s for person in self.people if person.gone}
        self.people = [person for person in self.people if not person.gone]
        self.time_s += self._step_s

    def _let_in(self) -> None:
        habits = self._habits
        for number, visit in list(self._waiting):
            if visit.start_s > self.time_s or len(self.people) >= self._most:
                return  # the room can be full: somebody takes longer to leave than planned
            doors = self._free_doors()
            if not doors:
                return
            if not self._is_ready(visit.person):
                continue
            self._waiting.remove((number, visit))
            rng = np.random.default_rng([self._seed, number])
            door_x = self._one_door(rng, doors)
            start = np.array([door_x, OUTSIDE_Y]) + [rng.uniform(-0.15, 0.15), 0.0]
            leave = (self.time_s if habits.full_stay else visit.start_s) + visit.stay_s
            leave -= habits.leave_early_s
            speed = float(np.clip(rng.normal(habits.speed, 0.15), 0.7, 1.4))
            person = Person(visit.person, number, leave, speed, start, door_x, rng)
            person.errand = self._errands(person)
            self.people.append(person)

    def _is_ready(self, person: int) -> bool:
        """Whether a person has been outside for long enough."""
        if any(other.column == person for other in self.people):
            return False  # still on the way out from the visit before
        out_s = self.time_s - self._left_s.get(person, -np.inf)
        return out_s >= self._habits.least_absence_s

    def _free_doors(self) -> list[float]:
        """Doors in which nobody is."""
        return [
            x for x in self._door_x
            if all(np.linalg.norm(other.at - (x, OUTSIDE_Y)) >= DOORWAY_M for other in self.people)
        ]  # fmt: skip

    def _one_door(self, rng: np.random.Generator, doors: Sequence[float]) -> float:
        """One of some doors; nothing is drawn in a room that has but one."""
        return float(rng.choice(doors)) if len(self._door_x) > 1 else doors[0]

    def _decide(self, person: Person) -> None:
        if person.errand is not None and next(person.errand, StopIteration) is StopIteration:
            person.gone = True

    def _errands(self, person: Person) -> Iterator[None]:
        """What a person does between coming and going, one step per item."""
        choices: list[Callable[[Person], Iterator[None]]] = [
            self._stand, self._sit, self._queue, self._join, self._cross,
        ]  # fmt: skip
        weights = np.array(self._habits.weights) / sum(self._habits.weights)
        yield from self._walk(person, np.array([person.door_x, 0.9]))
        while self.time_s < person.leave_s:
            errand = choices[int(person.rng.choice(len(choices), p=weights))]
            hurried = person.leave_s - self.time_s < self._habits.linger_s
            if hurried and errand in (self._sit, self._queue):
                errand = self._cross
            yield from errand(person)
        person.leaving = True
        door_x = self._one_door(person.rng, self._door_x)
        yield from self._walk(person, np.array([door_x, 0.5]))
        yield from self._walk(person, np.array([door_x, OUTSIDE_Y]))

    def _walk(self, person: Person, goal: FloatArray) -> Iterator[None]:
        person.way = self._plan.path(person.at, goal)
        person.wanted_heading, person.slow_s = None, 0.0
        while person.way:
            yield
            if person.slow_s > STUCK_S:
                person.way, person.slow_s = self._plan.path(person.at, goal), 0.0
                if not person.leaving and person.rng.random() < 0.5:
                    person.way = []
            while person.way and np.linalg.norm(person.way[0] - person.at) < ARRIVED_M:
                person.way.pop(0)

    def _stay(self, person: Person, seconds: float) -> Iterator[None]:
        until = self.time_s + seconds
        while self.time_s < min(until, person.leave_s):
            yield

    def _stand(self, person: Person) -> Iterator[None]:
        yield from self._walk(person, self._some_place(person))
        person.wanted_heading = float(person.rng.uniform(-np.pi, np.pi))
        yield from self._stay(person, float(person.rng.uniform(2.0, 12.0)))

    def _some_place(self, person: Person) -> FloatArray:
        return self._plan.random_place(person.rng, self._habits.keep_clear_m)

    def _cross(self, person: Person) -> Iterator[None]:
        for _ in range(2):
            yield from self._walk(person, self._some_place(person))

    def _join(self, person: Person) -> Iterator[None]:
        others = [o for o in self.people if o is not person and o.seat is None and not o.leaving]
        if not others:
            yield from self._stand(person)
            return
        other = others[int(person.rng.integers(len(others)))]
        angle = person.rng.uniform(-np.pi, np.pi)
        place = other.at + 0.8 * np.array([np.cos(angle), np.sin(angle)])
        if not self._plan.walkable(place[None])[0] or place[1] < ROOM_Y[0] + 0.6:
            place = self._some_place(person)
        yield from self._walk(person, place)
        offset = other.at - person.at
        person.wanted_heading = float(np.arctan2(offset[1], offset[0]))
        yield from self._stay(person, float(person.rng.uniform(4.0, 15.0)))

    def _sit(self, person: Person) -> Iterator[None]:
        taken = {other.seat for other in self.people}
        free = [number for number in range(len(SEATS)) if number not in taken]
        if not free:
            yield from self._stand(person)
            return
        person.seat = free[int(person.rng.integers(len(free)))]
        seat = SEATS[person.seat]
        approach, place = np.array(seat.approach), np.array(seat.xy)
        yield from self._walk(person, approach)
        if np.linalg.norm(person.at - approach) < 2 * ARRIVED_M:
            person.wanted_heading = seat.heading
            start = person.at.copy()
            yield from self._shift(person, start, place, 1.0)
            yield from self._stay(person, float(person.rng.uniform(8.0, 40.0)))
            yield from self._shift(person, place, approach, 0.0)
        person.seat = None

    def _shift(
        self, person: Person, start: FloatArray, end: FloatArray, seated: float
    ) -> Iterator[None]:
        """Sit down, or stand up: between two places, in a moment."""
        begin, before = self.time_s, person.seated
        while (share := (self.time_s - begin) / SIT_DOWN_S) < 1.0:
            smooth = share * share * (3 - 2 * share)
            person.at = start + smooth * (end - start)
            person.seated = before + smooth * (seated - before)
            yield
        person.at, person.seated = end.copy(), seated

    def _queue(self, person: Person) -> Iterator[None]:
        taken = {other.place_in_line for other in self.people}
        if len(QUEUE) - 1 in taken:
            yield from self._stand(person)
            return
        person.place_in_line = len(QUEUE) - 1
        patience = self.time_s + 60.0
        while person.place_in_line is not None and self.time_s < min(patience, person.leave_s):
            yield from self._walk(person, np.array(QUEUE[person.place_in_line]))
            person.wanted_heading = 0.0 if person.place_in_line else np.pi / 2
            served = float(person.rng.uniform(3.0, 9.0)) if person.place_in_line == 0 else 1.0
            yield from self._stay(person, served)
            if person.place_in_line == 0:
                break
            ahead = person.place_in_line - 1
            if all(other.place_in_line != ahead for other in self.people):
                person.place_in_line = ahead
        person.place_in_line = None


def walk_through(
    visits: list[Visit],
    height_m: FloatArray,
    frames: int,
    frame_rate: float,
    seed: int,
    most_at_once: int,
    doors: tuple[Door, ...] = ONE_DOOR,
    habits: Habits | None = None,
    before_s: float = 0.0,
    on_frame: Callable[[], None] = lambda: None,
) -> LabWorld:
    """Let everybody come, move about and go.

    Parameters
    ----------
    visits : list of Visit
    height_m : (P,) float64
    frames : int
    frame_rate : float
    seed : int
    most_at_once : int
        Others wait outside.
    doors : tuple of Door
    habits : Habits or None
    before_s : float
        Goes by before the first frame, seconds; visits count from then.
    on_frame : callable
        Called after every frame.
    """
    count = len(height_m)
    world = LabWorld(
        time_s=np.arange(frames) / frame_rate,
        xy=np.full((frames, count, 2), np.nan),
        heading=np.full((frames, count), np.nan),
        walked_m=np.zeros((frames, count)),
        seated=np.zeros((frames, count)),
        visit=np.zeros((frames, count), np.int64),
        height_m=height_m,
        doors=doors,
    )
    room = Room(visits, seed, 1.0 / frame_rate, most_at_once, doors, habits)
    for _ in range(round(before_s * frame_rate)):
        room.advance()
    for frame in range(frames):
        room.advance()
        for person in room.people:
            here = frame, person.column
            world.xy[here], world.heading[here] = person.at, person.heading
            world.walked_m[here], world.seated[here] = person.walked, person.seated
            world.visit[here] = person.visit
        on_frame()
    return world
