"""Who came out of an encounter? Heights before and after it tell whether two people were exchanged.

Two people who meet within an arm's length look like one for a moment, and motion alone does not
tell who went where. Both were measured before, though, and both are measured after. With heights a
and b before, c and d after, of independent errors, twice the log likelihood ratio of an exchange is
((x - y)² - (x + y)²) / v, with x = a - b, y = c - d and v the sum of the four variances: people who
meet stand at one place, so that what the calibration gets wrong there is common to both, and only
differences count. Either term is limited: of somebody who sits down nothing is learnt.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from ..types import FloatArray, IntArray


@dataclass(frozen=True)
class ExchangeConfig:
    """When two people are taken to have been exchanged.

    Attributes
    ----------
    reach_m : float
        They came at least this close, metres; 0 turns exchanges off.
    reach_sigma_m : float
        Standard deviation of how close people come who are exchanged, metres.
    apart_m : float
        An encounter lasts while they are closer than this, metres.
    before_s, after_s : float
        How long they must have been seen before it, at most, and how long it is waited after it,
        seconds.
    height_sigma_m : float
        Standard deviation of the height that all cameras together show at a moment, metres.
    memory_s : float
        How long errors of heights last, seconds: moments closer than this tell less than one look
        each, in proportion.
    limit : float
        Squared normalised differences count up to this: what fits neither says nothing.
    threshold : float
        Twice the log likelihood ratio from which on an exchange is believed.
    forget_s : float
        What was seen longer ago does not count, seconds.
    """

    reach_m: float = 0.35
    reach_sigma_m: float = 0.2
    apart_m: float = 0.7
    before_s: float = 5.0
    after_s: float = 2.0
    height_sigma_m: float = 0.032
    memory_s: float = 0.7
    limit: float = 16.0
    threshold: float = 4.0
    forget_s: float = 60.0

    def __post_init__(self) -> None:
        for name in ("reach_m", "threshold"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name}: expected 0 or more, got {getattr(self, name)}")
        for name in (
            *("reach_sigma_m", "before_s", "after_s", "height_sigma_m", "memory_s", "limit"),
            "forget_s",
        ):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: expected a value above 0, got {getattr(self, name)}")
        if not self.apart_m >= self.reach_m:
            raise ValueError(f"apart_m: expected at least reach_m, got {self.apart_m}")


@dataclass(frozen=True)
class _Look:
    """A height that somebody showed; ``weight`` in looks."""

    time_s: float
    height_m: float
    weight: float


@dataclass(eq=False)
class _Encounter:
    """When two people were close, and when and how close they were at the closest."""

    start_s: float
    last_s: float
    closest_s: float
    least_m: float


def exchange_ratio(
    before: tuple[FloatArray, FloatArray], after: tuple[FloatArray, FloatArray], limit: float
) -> float:
    """Twice the log likelihood ratio of two people having been exchanged.

    Parameters
    ----------
    before, after : pair of (2,)
        Heights of both, metres, and the variances of those.
    limit : float
        Greatest squared normalised difference that counts.
    """
    x, y = (float(height[0] - height[1]) for height, _ in (before, after))
    variance = float(before[1].sum() + after[1].sum())
    return min((x - y) ** 2 / variance, limit) - min((x + y) ** 2 / variance, limit)


class Exchanges:
    """Watches who meets whom, and corrects identities after encounters.

    Parameters
    ----------
    config : ExchangeConfig
    """

    def __init__(self, config: ExchangeConfig) -> None:
        self._config = config
        self._looks: dict[int, deque[_Look]] = {}
        self._encounters: dict[tuple[int, int], _Encounter] = {}
        self._due: list[tuple[float, tuple[int, int]]] = []
        self._name: dict[int, int] = {}
        self._time_s: float | None = None

    def look(self, identity: IntArray, xy: FloatArray, height: FloatArray, time_s: float) -> None:
        """Take who is seen at a moment, where, and how tall they look (NaN for unknown): (N,)."""
        config = self._config
        if not config.reach_m:
            return
        step_s = config.memory_s if self._time_s is None else time_s - self._time_s
        self._time_s = time_s
        weight = min(1.0, step_s / config.memory_s)
        for row in np.flatnonzero(np.isfinite(height)).tolist():
            looks = self._looks.setdefault(int(identity[row]), deque())
            looks.append(_Look(time_s, float(height[row]), weight))
        self._meet(identity, xy, time_s)
        while (pair := self._ended(time_s)) is not None:
            encounter = self._encounters.pop(pair)
            if self._is_exchanged(pair, encounter):
                self._exchange(pair, encounter.closest_s)
        self._forget(time_s)

    def rename(self, names: Mapping[int, int], time_s: float) -> dict[int, int]:
        """Who tracks are at a moment, after all exchanges up to it; moments in their order."""
        while self._due and self._due[0][0] <= time_s:
            _, (first, second) = self._due.pop(0)
            name = self._name
            name[first], name[second] = name.get(second, second), name.get(first, first)
        return {track: self._name.get(who, who) for track, who in names.items()}

    def _meet(self, identity: IntArray, xy: FloatArray, time_s: float) -> None:
        squared = ((xy[:, None] - xy[None]) ** 2).sum(axis=2)
        for i, j in np.argwhere(np.triu(squared < self._config.apart_m**2, 1)).tolist():
            pair = _ordered(int(identity[i]), int(identity[j]))
            distance = float(np.sqrt(squared[i, j]))
            met = self._encounters.setdefault(pair, _Encounter(time_s, time_s, time_s, np.inf))
            met.last_s = time_s
            if distance <= met.least_m:
                met.least_m, met.closest_s = distance, time_s

    def _ended(self, time_s: float) -> tuple[int, int] | None:
        """An encounter that was over long enough ago; None for none."""
        latest = time_s - self._config.after_s
        return next((pair for pair, met in self._encounters.items() if met.last_s <= latest), None)

    def _is_exchanged(self, pair: tuple[int, int], met: _Encounter) -> bool:
        config = self._config
        if met.least_m > config.reach_m:
            return False
        before, after = [], []
        for who in pair:
            looks = self._looks.get(who, ())
            before.append(_latest([a for a in looks if a.time_s < met.start_s], config))
            after.append([a for a in looks if a.time_s > met.last_s])
        if not (all(before) and all(after)):
            return False
        ratio = exchange_ratio(_heights(before, config), _heights(after, config), config.limit)
        return ratio - (met.least_m / config.reach_sigma_m) ** 2 > config.threshold

    def _exchange(self, pair: tuple[int, int], time_s: float) -> None:
        """From that time on these two are each other; so is what was seen of them before."""
        first, second = pair
        insort(self._due, (time_s, pair))
        one, other = self._looks[first], self._looks[second]
        self._looks[first] = _joined(other, one, time_s)
        self._looks[second] = _joined(one, other, time_s)
        now = {first: second, second: first}
        self._encounters = {
            pair if met.start_s > time_s else _ordered(*(now.get(who, who) for who in pair)): met
            for pair, met in self._encounters.items()
        }

    def _forget(self, time_s: float) -> None:
        oldest = time_s - self._config.forget_s
        for who, looks in list(self._looks.items()):
            while looks and looks[0].time_s < oldest:
                looks.popleft()
            if not looks:
                del self._looks[who]


def _ordered(first: int, second: int) -> tuple[int, int]:
    return (first, second) if first < second else (second, first)


def _joined(before: Iterable[_Look], after: Iterable[_Look], time_s: float) -> deque[_Look]:
    looks = [look for look in before if look.time_s < time_s]
    return deque(looks + [look for look in after if look.time_s >= time_s])


def _latest(looks: list[_Look], config: ExchangeConfig) -> list[_Look]:
    """The last ones, as many as count."""
    enough = config.before_s / config.memory_s
    total, first = 0.0, len(looks)
    while first and total < enough:
        first -= 1
        total += looks[first].weight
    return looks[first:]


def _heights(looks: list[list[_Look]], config: ExchangeConfig) -> tuple[FloatArray, FloatArray]:
    """Medians of what was seen of each, and their variances as of means of so many looks: (N,)."""
    height = [np.median([look.height_m for look in part]) for part in looks]
    count = [max(1.0, sum(look.weight for look in part)) for part in looks]
    return np.array(height), config.height_sigma_m**2 / np.array(count)
