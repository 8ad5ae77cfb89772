"""One-to-one assignment with the least total cost, in NumPy alone."""

from __future__ import annotations

import numpy as np

from .gallery_crops import FloatArray, IntArray


def assign_one_to_one(gain: FloatArray) -> IntArray:
    """For each row the column it is matched with, or -1, with the least total.

    Shortest augmenting paths with potentials (Jonker and Volgenant, Computing 38, 1987), on a
    matrix that is widened by a free column of cost 0 per row: a row is left alone rather than
    matched at a cost above 0.

    Parameters
    ----------
    gain : (R, C) float64
        Cost of each pair; what is not below 0 is never matched, so infinity forbids a pair.

    Returns
    -------
    (R,) int64
    """
    rows, columns = gain.shape
    width = columns + rows
    cost = np.zeros((rows, width))
    cost[:, :columns] = np.minimum(gain, 0.0)
    row_of = np.full(width, -1, np.int64)
    u, v = np.zeros(rows), np.zeros(width)
    for start in range(rows):
        row, shortest = start, np.full(width, np.inf)
        previous, done = np.full(width, -1, np.int64), np.zeros(width, np.bool_)
        reached, level = -1, 0.0
        visited = []
        while reached < 0 or row_of[reached] >= 0:
            if reached >= 0:
                row = int(row_of[reached])
            visited.append(row)
            path = level + cost[row] - u[row] - v
            better = ~done & (path < shortest)
            shortest[better], previous[better] = path[better], row
            reached = int(np.where(done, np.inf, shortest).argmin())
            level = float(shortest[reached])
            if row_of[reached] >= 0:
                done[reached] = True
        u[start] += level
        for other in visited[1:]:
            own = int(np.flatnonzero(row_of == other)[0])
            u[other] += level - shortest[own]
        v[done] += shortest[done] - level
        while True:
            row = int(previous[reached])
            earlier = np.flatnonzero(row_of == row)
            row_of[reached] = row
            if row == start:
                break
            reached = int(earlier[0])
    column_of = np.full(rows, -1, np.int64)
    taken = np.flatnonzero(row_of[:columns] >= 0)
    column_of[row_of[taken]] = taken
    for row in np.flatnonzero(column_of >= 0).tolist():
        if not gain[row, column_of[row]] < 0:  # free of cost is as good as nobody
            column_of[row] = -1
    return column_of
