"""Ways around the furniture: shortest paths on a grid, pulled straight."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from mtmc.trackers.types import BoolArray

from ..types import FloatArray, IntArray
from .lab_room import FURNITURE, ONE_DOOR, OUTSIDE_Y, ROOM_X, ROOM_Y, Door

CELL_M = 0.1
BODY_M = 0.24
"""Half the width that a walking body needs."""


class FloorPlan:
    """Where one can walk, and the shortest way from any place to any other."""

    def __init__(self, doors: Sequence[Door] = ONE_DOOR) -> None:
        self._doors = tuple(doors)
        self._origin = np.array([ROOM_X[0], OUTSIDE_Y - CELL_M])
        columns = round((ROOM_X[1] - self._origin[0]) / CELL_M) + 1
        rows = round((ROOM_Y[1] - self._origin[1]) / CELL_M) + 1
        self._shape = (columns, rows)
        x, y = np.meshgrid(np.arange(columns), np.arange(rows), indexing="ij")
        self._places = self._origin + CELL_M * np.stack([x.ravel(), y.ravel()], axis=1)
        self._free = self.walkable(self._places)
        self._graph = self._neighbours()
        self._previous: dict[int, IntArray] = {}

    def walkable(self, places: FloatArray) -> BoolArray:
        """Which of some places (N, 2) a body can be at."""
        return walkable(places, self._doors)

    def path(self, start: FloatArray, goal: FloatArray) -> list[FloatArray]:
        """Way points after ``start`` up to ``goal``, (2,) each."""
        first, last = self._cell(start), self._cell(goal)
        if last not in self._previous:
            self._previous[last] = dijkstra(self._graph, indices=last, return_predecessors=True)[1]
        cells = [first]
        while cells[-1] != last:
            following = int(self._previous[last][cells[-1]])
            if following < 0:
                break
            cells.append(following)
        points = [np.asarray(start, np.float64), *self._places[cells[1:-1]], np.asarray(goal)]
        return self._straightened(points)[1:]

    def nearest_place(self, place: FloatArray) -> FloatArray:
        """The middle of the free cell that is nearest to a place."""
        return np.asarray(self._places[self._cell(place)])

    def random_place(self, rng: np.random.Generator, clear_m: float = 0.0) -> FloatArray:
        """Somewhere inside the room, at least this far from every door."""
        while True:
            place = rng.uniform([ROOM_X[0] + 0.4, ROOM_Y[0] + 0.7], [ROOM_X[1] - 0.4, 4.0])
            gap = [np.hypot(place[0] - np.mean(door), place[1]) for door in self._doors]
            if self.walkable(place[None])[0] and min(gap) >= clear_m:
                return np.asarray(place)

    def _cell(self, place: FloatArray) -> int:
        """The free cell nearest to a place."""
        gap = ((self._places - place) ** 2).sum(axis=1)
        return int(np.where(self._free, gap, np.inf).argmin())

    def _neighbours(self) -> csr_array:
        index = np.arange(len(self._places)).reshape(self._shape)
        free = self._free.reshape(self._shape)
        columns, rows = self._shape
        edges: list[tuple[IntArray, IntArray, float]] = []
        for dx, dy in ((1, 0), (0, 1), (1, 1), (1, -1)):
            here = (slice(0, columns - dx), slice(max(0, -dy), rows - max(0, dy)))
            there = (slice(dx, columns), slice(max(0, dy), rows - max(0, -dy)))
            both = free[here] & free[there]
            edges.append((index[here][both], index[there][both], CELL_M * float(np.hypot(dx, dy))))
        start = np.concatenate([edge[0] for edge in edges])
        end = np.concatenate([edge[1] for edge in edges])
        length = np.concatenate([np.full(len(edge[0]), edge[2]) for edge in edges])
        count = len(self._places)
        one_way = csr_array((length, (start, end)), shape=(count, count))
        return csr_array(one_way + one_way.T)

    def _straightened(self, points: list[FloatArray]) -> list[FloatArray]:
        """Leave way points out while the straight line between the others is free."""
        kept, at = [points[0]], 0
        while at < len(points) - 1:
            ahead = next(
                (
                    k
                    for k in range(len(points) - 1, at + 1, -1)
                    if self._clear(points[at], points[k])
                ),
                at + 1,
            )
            kept.append(points[ahead])
            at = ahead
        return kept

    def _clear(self, start: FloatArray, end: FloatArray) -> bool:
        steps = max(2, int(np.linalg.norm(end - start) / (CELL_M / 2)))
        between = start + np.linspace(0, 1, steps)[:, None] * (end - start)
        return bool(self.walkable(between).all())


def walkable(places: FloatArray, doors: Sequence[Door] = ONE_DOOR) -> BoolArray:
    """Which of some places (N, 2) a body can be at, in the room or in a door."""
    x, y = places[:, 0], places[:, 1]
    room = (x >= ROOM_X[0] + BODY_M) & (x <= ROOM_X[1] - BODY_M)
    room &= (y >= ROOM_Y[0] + BODY_M) & (y <= ROOM_Y[1] - BODY_M)
    free = room
    for left, right in doors:
        door = (x >= left + BODY_M) & (x <= right - BODY_M)
        free = free | (door & (y < ROOM_Y[0] + BODY_M + CELL_M))
    for block in FURNITURE:
        across = np.maximum(np.maximum(block.x0 - x, x - block.x1), 0.0)
        along = np.maximum(np.maximum(block.y0 - y, y - block.y1), 0.0)
        free &= across**2 + along**2 >= BODY_M**2
    return np.asarray(free)
