"""Scoring protocols: which boxes count, and how they are matched.

``motchallenge``
    What the MOTChallenge server does today, that is TrackEval 1.3 for MOT16, MOT17 and MOT20:
    results are matched to *all* boxes of the ground truth (greatest total IoU, at IoU 0.5), those
    that fall on a distractor are dropped; scored is what is left against pedestrians that are not
    marked 0. CLEAR matches as TrackEval does.
``mot15``
    MOT15 has no classes: ground truth that is not marked 0, nothing is dropped. CLEAR matches as
    TrackEval does.
``motdt``
    The protocol of MOTDT (Long et al., ICME 2018) and of many papers around it: results are matched
    to the boxes of the ignored classes *only* (most matches, then least distance, at IoU 0.5) and
    dropped; the rest as above. CLEAR matches as motmetrics does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import motmetrics
import numpy as np
from scipy.optimize import linear_sum_assignment

from ..datasets import UNKNOWN_BENCHMARK
from ..errors import InputError
from ..mot_files import NO_CLASS, MotTable, frame_rows
from ..types import FloatArray, IntArray
from .overlap import EPS, Overlaps, compute_overlaps, iou_matrix

PEDESTRIAN = 1
LARGEST_CLASS = 13
MATCH_IOU = 0.5


@dataclass(frozen=True)
class Protocol:
    """How a sequence is scored.

    Attributes
    ----------
    name : str
        Its name on the command line and in score files.
    uses_classes : bool
        Whether only pedestrians are scored; needs ground truth with classes.
    distractors : frozenset of int
        Results on boxes of these classes are dropped.
    distractors_compete : bool
        Whether results are matched to all boxes before those on distractors are dropped
        (TrackEval), or to the distractors alone.
    matching : {"trackeval", "motmetrics"}
        Whose rules give CLEAR metrics: continuity of matches, fragments and "mostly tracked".
    summary : str
        One line for people.
    """

    name: str
    uses_classes: bool
    distractors: frozenset[int]
    distractors_compete: bool
    matching: Literal["trackeval", "motmetrics"]
    summary: str

    def distractors_in(self, benchmark: str | None) -> frozenset[int]:
        """Distractor classes in a benchmark: MOT20 adds the non-motorised vehicles (6)."""
        if self.distractors_compete and benchmark == "MOT20":
            return self.distractors | {6}
        return self.distractors


# person on vehicle, static person, distractor, reflection
_DISTRACTORS = frozenset({2, 7, 8, 12})

PROTOCOLS: dict[str, Protocol] = {
    "motchallenge": Protocol(
        name="motchallenge",
        uses_classes=True,
        distractors=_DISTRACTORS,
        distractors_compete=True,
        matching="trackeval",
        summary="as TrackEval scores MOT16, MOT17 and MOT20",
    ),
    "mot15": Protocol(
        name="mot15",
        uses_classes=False,
        distractors=frozenset(),
        distractors_compete=False,
        matching="trackeval",
        summary="MOT15: no classes, nothing is ignored",
    ),
    "motdt": Protocol(
        name="motdt",
        uses_classes=True,
        distractors=_DISTRACTORS,
        distractors_compete=False,
        matching="motmetrics",
        summary="as MOTDT and motmetrics score MOT16 and MOT17",
    ),
}

BENCHMARK_PROTOCOLS = {
    "MOT15": "mot15",
    "MOT16": "motchallenge",
    "MOT17": "motchallenge",
    "MOT20": "motchallenge",
    UNKNOWN_BENCHMARK: "motchallenge",
}
"""The protocol that published numbers of a benchmark are under; the strictest for other data."""


def find_protocol(name: str) -> Protocol:
    """Protocol of that name.

    Raises
    ------
    InputError
        For an unknown name; says which exist.
    """
    if name not in PROTOCOLS:
        raise InputError(f"protocol: expected one of {', '.join(PROTOCOLS)}, got {name!r}")
    return PROTOCOLS[name]


def default_protocol(benchmark: str) -> Protocol:
    """Protocol that published numbers of a benchmark are under.

    Raises
    ------
    InputError
        When the benchmark is not known.
    """
    if benchmark not in BENCHMARK_PROTOCOLS:
        raise InputError(
            f"protocol: expected one of {', '.join(PROTOCOLS)} to be named, "
            f"because benchmark {benchmark!r} has no default"
        )
    return PROTOCOLS[BENCHMARK_PROTOCOLS[benchmark]]


def apply_protocol(
    gt: MotTable, results: MotTable, protocol: Protocol, benchmark: str | None = None
) -> Overlaps:
    """Drop what a protocol ignores, and overlap the rest.

    Raises
    ------
    InputError
        When the protocol needs classes that the ground truth does not have.
    """
    scored = gt.confidence.astype(np.int64) != 0  # marks are integers; 0.5 counts as 0
    if protocol.uses_classes:
        _check_classes(gt, protocol)
        results = _without_distractors(gt, results, protocol, benchmark)
        scored &= gt.class_id == PEDESTRIAN
    return compute_overlaps(gt[scored], results)


def _check_classes(gt: MotTable, protocol: Protocol) -> None:
    known = (gt.class_id >= 1) & (gt.class_id <= LARGEST_CLASS)
    if known.all():
        return
    row = int(np.flatnonzero(~known)[0])
    if gt.class_id[row] == NO_CLASS:
        raise InputError(
            f"protocol {protocol.name}: expected ground truth with classes (9 columns), "
            "got some without (10 columns, as in MOT15; use protocol mot15)"
        )
    raise InputError(
        f"protocol {protocol.name}: expected classes 1 to {LARGEST_CLASS} in ground truth, "
        f"got {gt.class_id[row]} in line {gt.line[row]}"
    )


def _without_distractors(
    gt: MotTable, results: MotTable, protocol: Protocol, benchmark: str | None
) -> MotTable:
    """Results that are not matched to a distractor."""
    is_distractor = np.isin(gt.class_id, list(protocol.distractors_in(benchmark)))
    if not protocol.distractors_compete:
        gt, is_distractor = gt[is_distractor], is_distractor[is_distractor]
    match = _match_greatest_iou if protocol.distractors_compete else _match_most_boxes
    keep = np.ones(len(results), bool)
    gt_rows = frame_rows(gt)
    for frame, rows in frame_rows(results).items():
        if frame not in gt_rows:
            continue
        iou = iou_matrix(gt.tlwh[gt_rows[frame]], results.tlwh[rows])
        row, column = match(iou)
        keep[rows.start + column[is_distractor[gt_rows[frame]][row]]] = False
    return results[keep]


def _match_greatest_iou(iou: FloatArray) -> tuple[IntArray, IntArray]:
    """Pairs at IoU 0.5 with the greatest total IoU (TrackEval)."""
    scores = np.where(iou < MATCH_IOU - EPS, 0.0, iou)
    rows, columns = linear_sum_assignment(-scores)
    matched = scores[rows, columns] > 0
    return rows[matched], columns[matched]


def _match_most_boxes(iou: FloatArray) -> tuple[IntArray, IntArray]:
    """As many pairs at IoU 0.5 as possible, with the least total distance (motmetrics)."""
    return motmetrics.lap.linear_sum_assignment(gated_distance(iou))  # type: ignore[no-any-return]


def gated_distance(iou: FloatArray) -> FloatArray:
    """1 - IoU, and NaN where it exceeds 0.5: the distances that motmetrics is fed with."""
    distance = 1.0 - iou
    distance[distance > 1.0 - MATCH_IOU] = np.nan
    return distance
