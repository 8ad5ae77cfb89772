"""Which detection belongs to which track: candidate pairs, then an assignment among them.

Association is sparse from the start: a person can only be matched with the few boxes nearby, so
candidates are *pairs* (track, detection), not a matrix. A cost may then be computed where it
matters, and a crowd falls apart into small groups that are assigned each on its own.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .boxes import iou_matrix, iou_of_rows
from .types import BoolArray, FloatArray, IntArray

# Up to so many combinations of tracks and detections a matrix is cheaper than a search for
# neighbours, or than a sparse graph (measured on crowds of constant density).
DENSE_OVERLAP_LIMIT = 64 * 64
DENSE_ASSIGNMENT_LIMIT = 400 * 400
# Below this part of it a search for those who do not compete costs more than it saves.
_SMALL_PART = 1 / 40
# Window borders are widened by this much, so that rounding never loses a pair.
_SLACK_PX = 1e-6


class Pairs(NamedTuple):
    """Candidates: K pairs (track, detection), each at most once, ordered by track."""

    tracks: IntArray
    detections: IntArray


class Matching(NamedTuple):
    """Row ``k`` of ``tracks`` and ``detections`` belong together; the masks say who is left.

    Attributes
    ----------
    tracks, detections : (K,) int64
        Matched rows.
    unmatched_tracks : (N,) bool
        Tracks that took part and found nothing.
    unmatched_detections : (M,) bool
        Detections that took part and were not taken.
    """

    tracks: IntArray
    detections: IntArray
    unmatched_tracks: BoolArray
    unmatched_detections: BoolArray


def pairs_in_windows(lower: FloatArray, upper: FloatArray, values: FloatArray) -> Pairs:
    """All pairs (i, j) with ``lower[i] <= values[j] <= upper[i]``, without looking at the rest."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    first = np.searchsorted(ordered, lower, side="left")
    count = np.maximum(np.searchsorted(ordered, upper, side="right") - first, 0)
    tracks = np.repeat(np.arange(len(lower)), count)
    # Position within the window of each track, counted from where its window begins.
    shift = first - np.cumsum(count) + count
    detections = order[np.arange(len(tracks)) + np.repeat(shift, count)]
    return Pairs(tracks, detections)


def pairs_by_iou(
    track_xyxy: FloatArray, detection_xyxy: FloatArray, min_iou: float
) -> tuple[Pairs, FloatArray]:
    """Pairs that overlap by at least ``min_iou`` (above 0), and their IoU (K,)."""
    if len(track_xyxy) * len(detection_xyxy) <= DENSE_OVERLAP_LIMIT:
        flat = iou_matrix(track_xyxy, detection_xyxy).ravel()
        found = (flat >= min_iou).nonzero()[0]  # several times as quick as in two dimensions
        return Pairs(*np.divmod(found, max(len(detection_xyxy), 1))), flat.take(found)
    # IoU is at most the overlap of the intervals over their union, on either axis: a sorted search
    # on x, then one comparison on y, leave few pairs of which the overlap is computed.
    lower, upper = _iou_window(track_xyxy, detection_xyxy, min_iou, axis=0)
    near = pairs_in_windows(lower, upper, detection_xyxy[:, 0])
    lower, upper = _iou_window(track_xyxy, detection_xyxy, min_iou, axis=1)
    top = detection_xyxy[:, 1].take(near.detections)
    inside = top >= lower.take(near.tracks)
    inside &= top <= upper.take(near.tracks)
    tracks, detections = near.tracks.compress(inside), near.detections.compress(inside)
    iou = iou_of_rows(track_xyxy.take(tracks, 0), detection_xyxy.take(detections, 0))
    close = iou >= min_iou
    return Pairs(tracks.compress(close), detections.compress(close)), iou.compress(close)


def _iou_window(
    track_xyxy: FloatArray, detection_xyxy: FloatArray, min_iou: float, axis: int
) -> tuple[FloatArray, FloatArray]:
    """Where a detection's left (axis 0) or top (axis 1) must lie to overlap each track enough.

    For a track of width w that is from w (1/t - 1) before to w (1 - t) behind its own; it is no
    more before than the widest detection is wide.
    """
    begin, width = track_xyxy[:, axis], track_xyxy[:, 2 + axis] - track_xyxy[:, axis]
    widest = (detection_xyxy[:, 2 + axis] - detection_xyxy[:, axis]).max()
    before = np.minimum(width * (1.0 / min_iou - 1.0), widest) + _SLACK_PX
    return begin - before, begin + (width * (1.0 - min_iou) + _SLACK_PX)


def assign(
    pairs: Pairs,
    cost: FloatArray,
    max_cost: float,
    tracks: BoolArray,
    detections: BoolArray,
) -> Matching:
    """Match tracks with detections, each at most once.

    Among all matchings that use only pairs of cost up to ``max_cost`` it finds one that minimises
    the sum of ``cost - max_cost``: leaving a track and a detection alone costs as much as the worst
    admissible pair, so that one good pair is never given up for two poor ones that cost more.

    Parameters
    ----------
    pairs : Pairs
        Candidates.
    cost : (K,) float64
        Cost of each.
    max_cost : float
        Gate: pairs above it are not matched.
    tracks, detections : (N,), (M,) bool
        Who takes part.

    Raises
    ------
    ValueError
        When a cost is NaN (an assignment solver may accept it and answer anything).
    """
    if not (len(cost) and np.count_nonzero(tracks) and np.count_nonzero(detections)):
        nobody = pairs.tracks[:0]
        return Matching(nobody, nobody, tracks, detections)
    if np.count_nonzero(np.isnan(cost)):
        row = int(np.flatnonzero(np.isnan(cost))[0])
        raise ValueError(
            f"cost: expected numbers, got NaN for track row {int(pairs.tracks[row])} and "
            f"detection row {int(pairs.detections[row])}"
        )
    allowed = cost <= max_cost
    allowed &= tracks.take(pairs.tracks)
    allowed &= detections.take(pairs.detections)
    rows, columns = pairs.tracks.compress(allowed), pairs.detections.compress(allowed)
    if len(rows) == 0:
        return Matching(rows, columns, tracks, detections)
    shape = (len(tracks), len(detections))
    solve = (
        _solve_matrix
        if shape[0] * shape[1] <= _SMALL_PART * DENSE_ASSIGNMENT_LIMIT
        else _solve_graph
    )
    rows, columns = solve(rows, columns, cost.compress(allowed), max_cost, shape)
    unmatched_tracks, unmatched_detections = tracks.copy(), detections.copy()
    unmatched_tracks[rows] = False
    unmatched_detections[columns] = False
    return Matching(rows, columns, unmatched_tracks, unmatched_detections)


def _solve_matrix(
    rows: IntArray, columns: IntArray, cost: FloatArray, max_cost: float, shape: tuple[int, int]
) -> tuple[IntArray, IntArray]:
    """Rows and columns of the best matching among admissible pairs, through a dense matrix."""
    if len(set(rows.tolist())) == len(rows) == len(set(columns.tolist())):
        return rows, columns  # nobody competes: nothing to decide
    matrix = np.empty(shape)
    # Everything inadmissible costs a hair more than the gate: at equal sums a match is preferred.
    matrix.fill(math.nextafter(max_cost, math.inf))
    matrix[rows, columns] = cost
    matched_rows, matched_columns = linear_sum_assignment(matrix)
    good = matrix[matched_rows, matched_columns] <= max_cost
    return matched_rows.compress(good), matched_columns.compress(good)


def _solve_graph(
    rows: IntArray, columns: IntArray, cost: FloatArray, max_cost: float, shape: tuple[int, int]
) -> tuple[IntArray, IntArray]:
    """The same for many: only those who compete are solved, by matrix or by component."""
    # Who has one candidate, which has no other either, is matched with it at once.
    alone = np.bincount(rows, minlength=shape[0])[rows] == 1
    alone &= np.bincount(columns, minlength=shape[1])[columns] == 1
    shared = ~alone
    row, of_row = _renumber(rows.compress(shared), shape[0])
    column, of_column = _renumber(columns.compress(shared), shape[1])
    rest = (len(of_row), len(of_column))
    solve = _solve_matrix if rest[0] * rest[1] <= DENSE_ASSIGNMENT_LIMIT else _solve_components
    row, column = solve(row, column, cost.compress(shared), max_cost, rest)
    return (
        np.concatenate([rows.compress(alone), of_row.take(row)]),
        np.concatenate([columns.compress(alone), of_column.take(column)]),
    )


def _renumber(values: IntArray, count: int) -> tuple[IntArray, IntArray]:
    """Numbers without gaps in place of ``values``, all below ``count``, and which these were."""
    used = np.zeros(count, dtype=bool)
    used[values] = True
    numbers = np.cumsum(used) - 1
    return numbers.take(values), used.nonzero()[0]


def _solve_components(
    rows: IntArray, columns: IntArray, cost: FloatArray, max_cost: float, shape: tuple[int, int]
) -> tuple[IntArray, IntArray]:
    """Solve each connected component of the graph on its own."""
    total = shape[0] + shape[1]
    edges = (np.ones(len(cost), np.int8), (rows, shape[0] + columns))
    graph = coo_array(edges, shape=(total, total))
    count, label = connected_components(graph, directed=False)
    row_order, row_starts, row_place = _blocks(label[: shape[0]], count)
    column_order, column_starts, column_place = _blocks(label[shape[0] :], count)
    # In these orders every component is one block of rows, one of columns and one of pairs.
    of_pair = label[rows]
    place_in_rows = row_place[rows] - row_starts[of_pair]
    place_in_columns = column_place[columns] - column_starts[of_pair]
    widest = np.maximum(np.diff(row_starts), np.diff(column_starts))
    small = widest[of_pair] <= 2
    matched_rows, matched_columns = [rows[:0]], [columns[:0]]
    if small.any():
        found = _solve_small(
            of_pair[small], place_in_rows[small], place_in_columns[small], cost[small], max_cost
        )
        matched_rows.append(rows[small][found])
        matched_columns.append(columns[small][found])
    large = ~small
    pairs = large.nonzero()[0]
    order, pair_starts, _ = _blocks(of_pair[pairs], count)
    pairs = pairs[order]
    pair_rows, pair_columns, pair_cost = place_in_rows[pairs], place_in_columns[pairs], cost[pairs]
    starts = pair_starts.tolist()
    for component in np.flatnonzero(np.diff(pair_starts)).tolist():
        part = slice(starts[component], starts[component + 1])
        row, row_end = row_starts[component], row_starts[component + 1]
        column, column_end = column_starts[component], column_starts[component + 1]
        block_rows, block_columns = _solve_matrix(
            pair_rows[part],
            pair_columns[part],
            pair_cost[part],
            max_cost,
            (row_end - row, column_end - column),
        )
        matched_rows.append(row_order[row + block_rows])
        matched_columns.append(column_order[column + block_columns])
    return np.concatenate(matched_rows), np.concatenate(matched_columns)


def _solve_small(
    label: IntArray, rows: IntArray, columns: IntArray, cost: FloatArray, max_cost: float
) -> BoolArray:
    """Which pairs (K,) are matched in components of up to two rows and columns, all at once.

    There are two ways to match two with two, straight or crossed.
    """
    component, which = np.unique(label, return_inverse=True)
    matrix = np.full((len(component), 2, 2), math.nextafter(max_cost, math.inf))
    matrix[which, rows, columns] = cost
    straight = matrix[:, 0, 0] + matrix[:, 1, 1]
    crossed = matrix[:, 0, 1] + matrix[:, 1, 0]
    matched: BoolArray = (rows != columns) == (crossed < straight)[which]
    return matched


def _blocks(label: IntArray, count: int) -> tuple[IntArray, IntArray, IntArray]:
    """Order that sorts ``label``, where each of ``count`` labels starts in it, and its inverse."""
    order = np.argsort(label, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(label, minlength=count))])
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return order, starts, place
