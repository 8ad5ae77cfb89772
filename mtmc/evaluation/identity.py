"""Identity metrics (Ristani et al., ECCV Workshops 2016): one identity per person, for good."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from ..types import IntArray
from .overlap import Overlaps
from .protocols import MATCH_IOU, Protocol


def count_identity_matches(overlaps: Overlaps, protocol: Protocol) -> IntArray:
    """Identity true positives (IDTP) of each frame, (F,) int64.

    Every person is assigned one identity of the results, or none, such that the number of boxes
    that agree (IoU 0.5) over the whole sequence is greatest. IDFN and IDFP are the boxes of ground
    truth and results that are left: minimising their sum is the same as maximising IDTP, so the
    people × identities matrix of agreements does, without the square matrix of both together that
    motmetrics and TrackEval build.
    """
    if protocol.matching == "motmetrics":
        agrees = 1.0 - overlaps.pair_iou <= 1.0 - MATCH_IOU
    else:
        agrees = overlaps.pair_iou >= MATCH_IOU
    gt, result = overlaps.pair_gt[agrees], overlaps.pair_result[agrees]
    # Identities that agree with nobody need no column.
    columns, column = np.unique(result, return_inverse=True)
    agreements = np.zeros((len(overlaps.gt_ids), len(columns)))
    np.add.at(agreements, (gt, column), 1)
    people, chosen = linear_sum_assignment(-agreements)
    column_of = np.full(len(overlaps.gt_ids), -1)
    column_of[people] = chosen
    frames = overlaps.pair_frame[agrees][column_of[gt] == column]
    return np.bincount(frames, minlength=len(overlaps.frames))
