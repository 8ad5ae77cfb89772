"""Everybody who is known at present: who is on trial, and where and when others were lost."""

from __future__ import annotations

from collections.abc import Container

import numpy as np

from mtmc.trackers.types import BoolArray

from ..types import FloatArray, IntArray
from .identity import IdentityConfig


class Roll:
    """Identities as parallel arrays, by rising number.

    Parameters
    ----------
    config : IdentityConfig
    """

    def __init__(self, config: IdentityConfig) -> None:
        self._config = config
        self._next = 1
        self.identity: IntArray = np.zeros(0, np.int64)
        """(A,) numbers from 1."""
        self.lost_cost: FloatArray = np.zeros(0)
        """(A,) what it costs that somebody is on no track now; 0 while on trial."""
        self._lost_moment: IntArray = np.zeros(0, np.int64)
        self._lost_row: IntArray = np.zeros(0, np.int64)
        self._began_s: FloatArray = np.zeros(0)
        self._trial: BoolArray = np.zeros(0, np.bool_)
        self._held_s: FloatArray = np.zeros(0)

    def __len__(self) -> int:
        return len(self.identity)

    def extend(self, count: int, time_s: float) -> None:
        """Somebody new, on trial: they may turn out to be somebody known."""
        number = np.arange(self._next, self._next + count)
        self._next += count
        self.identity = np.append(self.identity, number)
        self.lost_cost = np.append(self.lost_cost, np.zeros(count))
        self._lost_moment = np.append(self._lost_moment, np.full(count, -1))
        self._lost_row = np.append(self._lost_row, np.full(count, -1))
        self._began_s = np.append(self._began_s, np.full(count, time_s))
        self._trial = np.append(self._trial, np.ones(count, np.bool_))
        self._held_s = np.append(self._held_s, np.full(count, -np.inf))

    def columns(self, identity: IntArray, cost: FloatArray) -> FloatArray:
        """Costs (S, B) of other identities (B,), as (S, A) of those that are known now."""
        found = np.full((len(cost), len(self)), np.inf)
        both = np.isin(identity, self.identity)
        found[:, np.searchsorted(self.identity, identity[both])] = cost[:, both]
        return found

    def lose(self, cost: FloatArray, moment: int) -> None:
        """Keep for everybody the cheapest way (T, A) of having been lost, the last one of those."""
        if not len(cost):
            return
        row = cost.argmin(axis=0)
        now = cost.min(axis=0) + self._config.lost_cost
        now[self._trial] = np.inf
        better = now <= self.lost_cost
        self.lost_cost = np.where(better, now, self.lost_cost)
        self._lost_moment = np.where(better, moment, self._lost_moment)
        self._lost_row = np.where(better, row, self._lost_row)

    def lost_ways(self, without: Container[int]) -> list[tuple[int, tuple[int, int]]]:
        """Where everybody else was lost: identity, and number of the moment and row."""
        columns = [self.identity.tolist(), self._lost_moment.tolist(), self._lost_row.tolist()]
        return [
            (who, (moment, row))
            for who, moment, row in zip(*columns, strict=True)
            if who not in without and moment >= 0
        ]

    def hold(self, columns: IntArray, time_s: float) -> None:
        """These are on tracks now."""
        self._held_s[columns] = time_s

    def end(self, who: int, cost: float, moment: int, row: int) -> None:
        """The track of somebody on trial has ended: they are lost, and somebody."""
        column = int(np.searchsorted(self.identity, who))
        if not self._trial[column]:
            return
        self._trial[column] = False
        self.lost_cost[column] = cost + self._config.lost_cost
        self._lost_moment[column], self._lost_row[column] = moment, row

    def settle(self, cost: FloatArray, time_s: float, lag_s: float) -> None:
        """End the trial of those who began a lag ago: they are somebody, or never were."""
        due = self._trial & (time_s - self._began_s >= lag_s)
        if not due.any():
            return
        self._trial &= ~due
        held = self._held_s == time_s
        least = cost.min(axis=0, initial=np.inf) + self._config.lost_cost
        self.lost_cost = np.where(due & held, least, self.lost_cost)
        self._keep(~due | held)

    def forget(self, time_s: float) -> None:
        """Drop everybody who was on no track since then, but for those on trial."""
        self._keep(self._trial | (self._held_s >= time_s))

    def _keep(self, rows: BoolArray) -> None:
        if rows.all():
            return
        for name in (
            *("identity", "lost_cost", "_lost_moment", "_lost_row", "_began_s", "_trial"),
            "_held_s",
        ):
            setattr(self, name, getattr(self, name)[rows])
