"""HOTA (Luiten et al., IJCV 2021): detection and association in balance, over 19 thresholds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from ..types import FloatArray, IntArray
from .overlap import EPS, Overlaps

ALPHAS: FloatArray = np.arange(0.05, 0.99, 0.05)
"""Localisation thresholds of HOTA, (19,)."""
ALPHAS.setflags(write=False)


@dataclass(frozen=True, eq=False)
class HotaCounts:
    """What HOTA sums up, per frame and threshold; all arrays (F, 19) float64.

    Attributes
    ----------
    true_positives : matches.
    iou_sum : sum of the matches' overlaps.
    association, recall, precision : sums over the matches. Of match c, the boxes of its person and
        its identity that are matched to each other are TPA(c); A(c) is their share of all boxes of
        both, ``TPA / (TPA + FNA + FPA)``, recall that of the person's and precision that of the
        identity's.
    """

    true_positives: FloatArray
    iou_sum: FloatArray
    association: FloatArray
    recall: FloatArray
    precision: FloatArray


def count_hota(overlaps: Overlaps) -> HotaCounts:
    """Match every frame once, so that HOTA over all thresholds is greatest, and count."""
    frame, gt, result, iou = _match(overlaps)
    frames, results = len(overlaps.frames), len(overlaps.result_ids)
    gt_boxes = np.bincount(overlaps.gt, minlength=len(overlaps.gt_ids))
    result_boxes = np.bincount(overlaps.result, minlength=results)
    together, pair = np.unique(gt * max(results, 1) + result, return_inverse=True)
    of_person = gt_boxes[together // max(results, 1)].astype(np.float64)
    of_identity = result_boxes[together % max(results, 1)].astype(np.float64)
    sums = np.zeros((5, frames, len(ALPHAS)))
    for column, alpha in enumerate(ALPHAS):
        matched = iou >= alpha - EPS
        common = np.bincount(pair[matched], minlength=len(together))  # TPA of each pair
        shares = (
            np.ones(len(together)),
            None,
            common / (of_person + of_identity - common),
            common / of_person,
            common / of_identity,
        )
        for row, share in enumerate(shares):
            weights = iou[matched] if share is None else share[pair[matched]]
            sums[row, :, column] = np.bincount(frame[matched], weights, minlength=frames)
    return HotaCounts(*sums)


def _match(overlaps: Overlaps) -> tuple[IntArray, IntArray, IntArray, FloatArray]:
    """Pairs matched in each frame: frame, person, identity, overlap.

    Greatest total of overlap times how well person and identity agree globally.
    """
    scores = _global_alignment(overlaps) * overlaps.pair_iou
    chosen = np.zeros(len(scores), bool)
    for t in range(len(overlaps.frames)):
        start, stop = overlaps.pair_starts[t], overlaps.pair_starts[t + 1]
        if start == stop:
            continue
        rows, columns = linear_sum_assignment(-overlaps.matrix_of(t, scores))
        column_of = np.full(len(overlaps.gt_of(t)), -1)
        column_of[rows] = columns
        pairs = slice(start, stop)
        chosen[pairs] = column_of[overlaps.pair_row[pairs]] == overlaps.pair_column[pairs]
    return (
        overlaps.pair_frame[chosen],
        overlaps.pair_gt[chosen],
        overlaps.pair_result[chosen],
        overlaps.pair_iou[chosen],
    )


def _global_alignment(overlaps: Overlaps) -> FloatArray:
    """Jaccard index of each pair's person and identity over the whole sequence, (P,)."""
    gt_box = overlaps.gt_starts[overlaps.pair_frame] + overlaps.pair_row
    result_box = overlaps.result_starts[overlaps.pair_frame] + overlaps.pair_column
    iou = overlaps.pair_iou
    of_gt = np.bincount(gt_box, iou, minlength=len(overlaps.gt))[gt_box]
    of_result = np.bincount(result_box, iou, minlength=len(overlaps.result))[result_box]
    share = iou / (of_result + of_gt - iou)
    results = len(overlaps.result_ids)
    together, pair = np.unique(
        overlaps.pair_gt * results + overlaps.pair_result, return_inverse=True
    )
    common = np.bincount(pair, share, minlength=len(together))[pair]
    gt_boxes = np.bincount(overlaps.gt)[overlaps.pair_gt]
    result_boxes = np.bincount(overlaps.result)[overlaps.pair_result]
    return common / (gt_boxes + result_boxes - common)
