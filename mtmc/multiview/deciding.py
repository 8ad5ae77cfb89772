"""Who is who, decided late: paths of identities over tracks, over a short window.

In a crowd tracks lose people, and take those of their neighbours. So tracks are one thing and
identities are another: an identity can go over ("hop") from one track to one close by, can be lost,
and can be taken up by a new track; each at a cost, twice a negative log likelihood. Of every
identity the cheapest way to be on each track is kept (Viterbi, "Error bounds for convolutional
codes", 1967), and who is on which track now is the assignment with the least total cost. Who *was*
on it a while ago is where the ways of those lead back to: with a lag, what came later decides.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linear_sum_assignment

from mtmc.trackers.types import BoolArray

from ..sites.area import Area
from ..types import FloatArray, IntArray
from .appearance import DistanceScale
from .identities import Roll
from .identity import IdentityConfig, likeness_cost, place_cost
from .population import Population

IMPOSSIBLE = 1e6
"""Stands for infinity in assignments."""


@dataclass(frozen=True, eq=False)
class _Origin:
    """How identities came to a new track: from which moment and row, -1 for none."""

    born_s: float
    moment: IntArray
    row: IntArray


@dataclass(frozen=True, eq=False)
class _Moment:
    """Costs of identities (A) being on tracks (T) at one moment, and where they came from.

    Attributes
    ----------
    number : int
        Counts moments.
    time_s : float
    serial : (T,), xy : (T, 2), seen : (T,) bool
        The tracks.
    identity : (A,)
        Rising numbers.
    cost : (T, A)
        Infinite where impossible.
    back : (T, A)
        Row of the moment before; -1 where the track is new.
    origin : dict of int to _Origin
        By row, of the new tracks.
    holder : dict of int to int
        Identity of every track, by serial number, as it was decided then.
    """

    number: int
    time_s: float
    serial: IntArray
    xy: FloatArray
    seen: BoolArray
    identity: IntArray
    cost: FloatArray
    back: IntArray
    origin: dict[int, _Origin]
    holder: dict[int, int] = field(default_factory=dict)


class Decider:
    """Decides who is on which track, up to a lag later.

    Parameters
    ----------
    config : IdentityConfig
    scale : DistanceScale
        What distances of appearance mean.
    lag_s : float
        How far back decisions reach, seconds.
    cameras : int
    bounds : Area or None
        Where people can be; new people come in over the edge.
    """

    def __init__(
        self,
        config: IdentityConfig,
        scale: DistanceScale,
        lag_s: float,
        cameras: int,
        bounds: Area | None = None,
    ) -> None:
        self._config, self._scale, self._lag_s = config, scale, lag_s
        self._bounds = bounds
        self._moments: deque[_Moment] = deque()
        self._roll = Roll(config)
        self._ended = Population.empty(cameras)
        self._count = 0

    def end(self, people: Population) -> None:
        """Tracks that counted and are not followed any more; they may come back."""
        self._ended.with_embedding_dim(people.gallery.shape[2])
        self._ended.extend(people)

    def look(self, people: Population, time_s: float) -> None:
        """Take all tracks that count, at a moment later than the one before."""
        roll, config = self._roll, self._config
        before = self._moments[-1] if self._moments else None
        self._end_trials(people, before)
        count = len(roll)
        cost, back = np.full((len(people), count), np.inf), np.full((len(people), count), -1)
        previous = _rows_of(people.serial, before)
        old, new = np.flatnonzero(previous >= 0), np.flatnonzero(previous < 0)
        if before is not None and len(old) and count:
            kept = before.cost[:, np.isin(before.identity, roll.identity)]
            cost[old], back[old] = _hop(people.xy[old], previous[old], before.xy, kept, config)
        origin: dict[int, _Origin] = {}
        if len(new):
            cost, back, origin = self._begin(people, new, cost, back, time_s)
        moment = _Moment(
            self._count, time_s, people.serial.copy(), people.xy.copy(),
            people.seen_s == time_s, roll.identity.copy(), cost, back, origin,
        )  # fmt: skip
        self._count += 1
        self._moments.append(moment)
        roll.lose(cost, moment.number)
        rows, columns = _assign(cost - roll.lost_cost)
        roll.hold(columns, time_s)
        serials, held = people.serial[rows].tolist(), roll.identity[columns].tolist()
        moment.holder.update(zip(serials, held, strict=True))
        roll.settle(cost, time_s, self._lag_s)
        self._forget(time_s)

    @property
    def holders(self) -> dict[int, int]:
        """Identity of every track (serial number) now."""
        return dict(self._moments[-1].holder)

    def names(self, time_s: float) -> dict[int, int]:
        """Identity of every track (serial number) at an earlier moment, as it seems now."""
        target = next(moment for moment in self._moments if moment.time_s == time_s)
        last = self._moments[-1]
        if target is last:
            return self.holders
        row_of = {serial: row for row, serial in enumerate(last.serial.tolist())}
        ways = {who: (last.number, row_of[serial]) for serial, who in last.holder.items()}
        found: dict[int, int] = {}
        for who, (number, row) in [*ways.items(), *self._roll.lost_ways(ways)]:
            if number < self._moments[0].number:
                continue
            serial = self._trace(who, number, row, target)
            if serial is not None:
                found.setdefault(serial, who)
        taken = set(found.values())
        for serial, who in target.holder.items():
            if serial not in found and who not in taken:
                found[serial] = who
        return found

    def _end_trials(self, people: Population, before: _Moment | None) -> None:
        """Whoever held a track that has ended."""
        if before is None:
            return
        known = set(self._roll.identity.tolist())
        for row in np.flatnonzero(~np.isin(before.serial, people.serial)).tolist():
            who = before.holder[int(before.serial[row])]
            if who in known:
                column = int(np.searchsorted(before.identity, who))
                self._roll.end(who, float(before.cost[row, column]), before.number, row)

    def _begin(
        self, people: Population, new: IntArray, cost: FloatArray, back: IntArray, time_s: float
    ) -> tuple[FloatArray, IntArray, dict[int, _Origin]]:
        """Ways to new tracks (rows): from older ones, and as somebody new."""
        config, roll = self._config, self._roll
        comers, size, count = people.take(new), len(new), len(roll)
        known = people.take(np.setdiff1d(np.arange(len(people)), new))
        known.extend(self._ended)
        cost[new], moments, rows = self._take_up(comers, known)
        cost = np.hstack([cost, np.full((len(people), size), np.inf)])
        back = np.hstack([back, np.full((len(people), size), -1)])
        nobody = np.full((size, size), -1)
        moments, rows = np.hstack([moments, nobody]), np.hstack([rows, nobody])
        share = self._inside(comers.born_xy) if self._moments else 0.0
        cost[new, count + np.arange(size)] = config.new_cost * share
        roll.extend(size, time_s)
        origin = {
            row: _Origin(float(comers.born_s[i]), moments[i], rows[i])
            for i, row in enumerate(new.tolist())
        }
        return cost, back, origin

    def _take_up(
        self, comers: Population, known: Population
    ) -> tuple[FloatArray, IntArray, IntArray]:
        """Cheapest ways of identities to new tracks (N): costs, moments and rows, (N, A)."""
        config, roll = self._config, self._roll
        likeness = likeness_cost(comers, known, self._scale, config)
        column_of = {serial: column for column, serial in enumerate(known.serial.tolist())}
        best = np.full((len(comers), len(roll)), np.inf)
        moments, rows = np.full(best.shape, -1), np.full(best.shape, -1)
        for moment in self._moments:
            gap = comers.born_s - moment.time_s
            column = np.array([column_of.get(name, -1) for name in moment.serial.tolist()], int)
            source = np.flatnonzero((column >= 0) & moment.seen)
            near = np.flatnonzero((gap > 0) & (gap <= config.max_gap_s))
            if not len(source) or not len(near) or not len(roll):
                continue
            squared = ((comers.born_xy[near, None] - moment.xy[source]) ** 2).sum(axis=2)
            jump = place_cost(gap[near, None], squared, config)
            jump += likeness[np.ix_(near, column[source])]
            total = jump[:, :, None] + roll.columns(moment.identity, moment.cost[source])[None]
            choice = total.argmin(axis=1)
            least = np.take_along_axis(total, choice[:, None], axis=1)[:, 0]
            better = least < best[near]
            best[near] = np.where(better, least, best[near])
            moments[near] = np.where(better, moment.number, moments[near])
            rows[near] = np.where(better, source[choice], rows[near])
        return best, moments, rows

    def _inside(self, xy: FloatArray) -> FloatArray:
        """How far inside the bounds, from 0 at the edge to 1: (N,)."""
        if self._bounds is None:
            return np.ones(len(xy))
        return np.asarray(np.minimum(distance_to_edge(xy, self._bounds) / self._config.edge_m, 1.0))

    def _trace(self, who: int, number: int, row: int, target: _Moment) -> int | None:
        """Follow the way of an identity back: the track that it was on; None for none."""
        first = self._moments[0].number
        while number > target.number:
            moment = self._moments[number - first]
            column = int(np.searchsorted(moment.identity, who))
            origin = moment.origin.get(row)
            if origin is None:
                number, row = number - 1, int(moment.back[row, column])
                continue
            if target.time_s >= origin.born_s:
                return int(moment.serial[row])
            number, row = int(origin.moment[column]), int(origin.row[column])
            if number < first:
                return None
        return int(target.serial[row]) if number == target.number else None

    def _forget(self, time_s: float) -> None:
        reach = max(self._config.max_gap_s, self._lag_s)
        self._roll.forget(time_s - reach)
        while self._moments[0].time_s < time_s - reach - self._lag_s:
            self._moments.popleft()
        self._ended.keep(self._ended.seen_s >= time_s - reach - self._lag_s)


def _rows_of(serial: IntArray, before: _Moment | None) -> IntArray:
    """Rows of tracks in an earlier moment, or -1: (T,)."""
    rows = {} if before is None else {name: row for row, name in enumerate(before.serial.tolist())}
    return np.array([rows.get(name, -1) for name in serial.tolist()], np.int64)


def _hop(
    xy: FloatArray, own: IntArray, xy_before: FloatArray, cost: FloatArray, config: IdentityConfig
) -> tuple[FloatArray, IntArray]:
    """Cheapest ways from the tracks before (S) to those that go on (T): costs and rows, (T, A).

    Parameters
    ----------
    xy : (T, 2)
        Places now.
    own : (T,)
        Row of the same track before.
    xy_before : (S, 2)
    cost : (S, A)
    config : IdentityConfig
    """
    places = xy_before.copy()
    places[own] = xy
    squared = ((xy[:, None] - places[None]) ** 2).sum(axis=2)
    hop = config.hop_cost + squared / config.hop_sigma_m**2
    hop[np.arange(len(xy)), own] = 0.0
    total = hop[:, :, None] + cost[None]
    back = total.argmin(axis=1)
    return np.take_along_axis(total, back[:, None], axis=1)[:, 0], back


def _assign(gain: FloatArray) -> tuple[IntArray, IntArray]:
    """Tracks (rows) and who is on them (columns), with the least total."""
    bounded = np.where(np.isfinite(gain), gain, IMPOSSIBLE)
    rows, columns = linear_sum_assignment(bounded)
    return rows, columns


def distance_to_edge(xy: FloatArray, area: Area) -> FloatArray:
    """Metres from places (N, 2) to the nearest edge of an area, inside or outside: (N,)."""
    corners = np.array(area.corners, np.float64)
    along = np.roll(corners, -1, axis=0) - corners
    offset = xy[:, None] - corners
    share = (offset * along).sum(axis=2) / np.maximum((along**2).sum(axis=1), 1e-12)
    gap = offset - np.clip(share, 0.0, 1.0)[..., None] * along
    return np.asarray(np.sqrt((gap**2).sum(axis=2)).min(axis=1))
