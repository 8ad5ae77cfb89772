"""How the boxes of ground truth and results overlap, frame by frame: what every metric works on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..mot_files import MotTable
from ..types import FloatArray, IntArray

EPS = float(np.finfo(np.float64).eps)


def iou_matrix(tlwh: FloatArray, other_tlwh: FloatArray) -> FloatArray:
    """Intersection over union of (N, 4) and (M, 4) boxes: (N, M) in 0 to 1.

    Boxes without area overlap nothing. The order of operations is that of TrackEval, so that boxes
    exactly at a threshold fall on the same side of it.
    """
    top_left, other_top_left = tlwh[:, :2], other_tlwh[:, :2]
    bottom_right = top_left + tlwh[:, 2:]
    other_bottom_right = other_top_left + other_tlwh[:, 2:]
    sides = np.minimum(bottom_right[:, None], other_bottom_right[None])
    sides -= np.maximum(top_left[:, None], other_top_left[None])
    intersection = np.maximum(sides, 0).prod(axis=2)
    area = (bottom_right - top_left).prod(axis=1)
    other_area = (other_bottom_right - other_top_left).prod(axis=1)
    union = area[:, None] + other_area[None] - intersection
    ok = (area > EPS)[:, None] & (other_area > EPS)[None] & (union > EPS)
    iou: FloatArray = np.divide(intersection, union, out=np.zeros_like(union), where=ok)
    return iou


@dataclass(frozen=True, eq=False)
class Overlaps:
    """Ground truth against results of one sequence, after a protocol has removed what it ignores.

    Identities are replaced by their position in ``gt_ids`` and ``result_ids``. The boxes of frame
    ``t`` (a position in ``frames``) are rows ``gt_starts[t]`` to ``gt_starts[t + 1]`` of ``gt``, in
    the order of the file, and likewise for ``result``. Only pairs of boxes that overlap at all are
    kept; they are sorted by frame.

    Attributes
    ----------
    frames : (F,) int64
        Frame numbers in which there is anything, ascending.
    gt_ids, result_ids : (I,), (J,) int64
        The identities that occur, ascending.
    gt, result : (G,), (R,) int64
        Identity of each box, as a position in ``gt_ids`` or ``result_ids``.
    gt_starts, result_starts, pair_starts : (F + 1,) int64
        Where the rows of each frame begin.
    pair_row, pair_column : (P,) int64
        Which box of the frame it is, in ground truth and results.
    pair_iou : (P,) float64
        Overlap, above 0.
    """

    frames: IntArray
    gt_ids: IntArray
    result_ids: IntArray
    gt: IntArray
    result: IntArray
    gt_starts: IntArray
    result_starts: IntArray
    pair_row: IntArray
    pair_column: IntArray
    pair_iou: FloatArray
    pair_starts: IntArray

    @property
    def gt_per_frame(self) -> IntArray:
        """Boxes of ground truth in each frame, (F,)."""
        counts: IntArray = self.gt_starts[1:] - self.gt_starts[:-1]
        return counts

    @property
    def results_per_frame(self) -> IntArray:
        """Boxes of the results in each frame, (F,)."""
        counts: IntArray = self.result_starts[1:] - self.result_starts[:-1]
        return counts

    @property
    def pair_frame(self) -> IntArray:
        """Frame of each pair, as a position in ``frames``, (P,)."""
        return np.repeat(np.arange(len(self.frames)), np.diff(self.pair_starts))

    @property
    def pair_gt(self) -> IntArray:
        """Identity of each pair's ground truth, as a position in ``gt_ids``, (P,)."""
        rows: IntArray = self.gt_starts[self.pair_frame] + self.pair_row
        return self.gt[rows]

    @property
    def pair_result(self) -> IntArray:
        """Identity of each pair's result, as a position in ``result_ids``, (P,)."""
        rows: IntArray = self.result_starts[self.pair_frame] + self.pair_column
        return self.result[rows]

    def gt_of(self, t: int) -> IntArray:
        """Ground truth identities (positions in ``gt_ids``) in frame ``t``."""
        return self.gt[self.gt_starts[t] : self.gt_starts[t + 1]]

    def result_of(self, t: int) -> IntArray:
        """Result identities (positions in ``result_ids``) in frame ``t``."""
        return self.result[self.result_starts[t] : self.result_starts[t + 1]]

    def matrix_of(self, t: int, values: FloatArray) -> FloatArray:
        """Spread one value per pair into the (N, M) matrix of frame ``t``; 0 where no pair is."""
        matrix = np.zeros((len(self.gt_of(t)), len(self.result_of(t))))
        pairs = slice(self.pair_starts[t], self.pair_starts[t + 1])
        matrix[self.pair_row[pairs], self.pair_column[pairs]] = values[pairs]
        return matrix


def compute_overlaps(gt: MotTable, results: MotTable) -> Overlaps:
    """Overlaps of two tables, in which every identity occurs at most once per frame."""
    return gather_overlaps(
        (gt.frame, gt.id),
        (results.frame, results.id),
        lambda rows, result_rows: iou_matrix(gt.tlwh[rows], results.tlwh[result_rows]),
    )


def gather_overlaps(
    gt: tuple[IntArray, IntArray],
    results: tuple[IntArray, IntArray],
    similarity: Callable[[slice, slice], FloatArray],
) -> Overlaps:
    """Overlaps by any measure.

    Parameters
    ----------
    gt, results : (frame (N,), id (N,))
        Sorted by frame; every identity at most once per frame.
    similarity : callable
        Rows of both in one frame, as slices -> (n, m) in 0 to 1, with 0 for none at all. Pairs
        match from 0.5 on.
    """
    (gt_frame, gt_id), (result_frame, result_id) = gt, results
    frames = np.union1d(gt_frame, result_frame)
    gt_ids, gt_index = np.unique(gt_id, return_inverse=True)
    result_ids, result_index = np.unique(result_id, return_inverse=True)
    gt_starts = np.append(np.searchsorted(gt_frame, frames), len(gt_frame))
    result_starts = np.append(np.searchsorted(result_frame, frames), len(result_frame))
    rows: list[IntArray] = []
    columns: list[IntArray] = []
    values: list[FloatArray] = []
    counts = np.zeros(len(frames), np.int64)
    for t in np.flatnonzero(np.diff(gt_starts) * np.diff(result_starts)).tolist():
        found = similarity(
            slice(gt_starts[t], gt_starts[t + 1]), slice(result_starts[t], result_starts[t + 1])
        )
        row, column = np.nonzero(found)
        rows.append(row)
        columns.append(column)
        values.append(found[row, column])
        counts[t] = len(row)
    nothing = np.zeros(0, np.int64)
    return Overlaps(
        frames=frames,
        gt_ids=gt_ids,
        result_ids=result_ids,
        gt=gt_index,
        result=result_index,
        gt_starts=gt_starts,
        result_starts=result_starts,
        pair_row=np.concatenate([nothing, *rows]),
        pair_column=np.concatenate([nothing, *columns]),
        pair_iou=np.concatenate([np.zeros(0), *values]),
        pair_starts=np.concatenate([[0], np.cumsum(counts)]),
    )
