"""CLEAR MOT (Bernardin and Stiefelhagen, 2008): matches, misses, false positives, switches.

Two sets of rules are in use, and published numbers follow one or the other:

============== ==================================== ==================================
               TrackEval (MOTChallenge)             motmetrics
============== ==================================== ==================================
continuity     a match is kept from the frame       a match is kept as long as it is
               before only                          not contradicted, over any gap
new matches    greatest total IoU                   most matches, then least distance
fragments      interruptions in consecutive         interruptions among the frames in
               frames that hold anything            which the person is annotated
mostly tracked more than 80 %                       80 % or more
============== ==================================== ==================================

Both count a switch whenever a person is matched to another identity than the last time.
"""

from __future__ import annotations

from dataclasses import dataclass

import motmetrics
import numpy as np
from scipy.optimize import linear_sum_assignment

from mtmc.trackers.types import BoolArray

from ..types import FloatArray, IntArray
from .overlap import EPS, Overlaps
from .protocols import MATCH_IOU, Protocol, gated_distance

CONTINUITY_BONUS = 1000.0  # outweighs any sum of overlaps
MOSTLY_TRACKED, MOSTLY_LOST = 0.8, 0.2  # shares of a person's frames


@dataclass(frozen=True, eq=False)
class ClearMatches:
    """The true positives of CLEAR, in the order of frames; all arrays (M,).

    Attributes
    ----------
    frame : int64
        Position in ``Overlaps.frames``.
    gt, result : int64
        Positions in ``Overlaps.gt_ids`` and ``Overlaps.result_ids``.
    iou : float64
        Overlap of the two boxes.
    """

    frame: IntArray
    gt: IntArray
    result: IntArray
    iou: FloatArray

    def __len__(self) -> int:
        return len(self.frame)

    def previous(self) -> IntArray:
        """For each match, the row of the same person's match before it, or -1."""
        order = np.lexsort((self.frame, self.gt))
        previous = np.full(len(self), -1, np.int64)
        same = self.gt[order[1:]] == self.gt[order[:-1]]
        previous[order[1:][same]] = order[:-1][same]
        return previous

    def is_switch(self) -> BoolArray:
        """Whether a person is matched to another identity than the last time."""
        previous = self.previous()
        switched: BoolArray = (previous >= 0) & (self.result != self.result[previous])
        return switched


@dataclass(frozen=True)
class TrackCounts:
    """People of the ground truth by how much of them was tracked.

    Attributes
    ----------
    mostly_tracked, partially_tracked, mostly_lost : int
        People tracked in more than 80 %, in between, and in less than 20 % of their frames.
    fragments : int
        How often somebody's track was interrupted and taken up again.
    """

    mostly_tracked: int
    partially_tracked: int
    mostly_lost: int
    fragments: int


def match_clear(overlaps: Overlaps, protocol: Protocol) -> ClearMatches:
    """Match boxes over time by the rules of a protocol."""
    if protocol.matching == "motmetrics":
        return _match_as_motmetrics(overlaps)
    return _match_as_trackeval(overlaps)


def count_tracks(overlaps: Overlaps, matches: ClearMatches, protocol: Protocol) -> TrackCounts:
    """Mostly tracked, partially tracked, mostly lost and fragments."""
    people = len(overlaps.gt_ids)
    frames = np.bincount(overlaps.gt, minlength=people)
    tracked = np.bincount(matches.gt, minlength=people) / frames
    if protocol.matching == "motmetrics":
        mostly = int((tracked >= MOSTLY_TRACKED).sum())
        step = _steps_of_presence(overlaps, matches)
    else:
        mostly = int((tracked > MOSTLY_TRACKED).sum())
        step = _steps_of_activity(overlaps, matches)
    lost = int((tracked < MOSTLY_LOST).sum())
    previous = matches.previous()
    interrupted = (previous >= 0) & (step != step[previous] + 1)
    return TrackCounts(mostly, people - mostly - lost, lost, int(interrupted.sum()))


def _steps_of_activity(overlaps: Overlaps, matches: ClearMatches) -> IntArray:
    """Number the frames in which there are both people and results."""
    active = (overlaps.gt_per_frame > 0) & (overlaps.results_per_frame > 0)
    steps: IntArray = np.cumsum(active, dtype=np.int64)
    return steps[matches.frame]


def _steps_of_presence(overlaps: Overlaps, matches: ClearMatches) -> IntArray:
    """Number, for each person, the frames in which that person is annotated."""
    frame = np.repeat(np.arange(len(overlaps.frames)), overlaps.gt_per_frame)
    # One sorted key per box: person first, frame second.
    keys = np.sort(overlaps.gt * len(overlaps.frames) + frame)
    steps: IntArray = np.searchsorted(keys, matches.gt * len(overlaps.frames) + matches.frame)
    return steps


def _match_as_trackeval(overlaps: Overlaps) -> ClearMatches:
    last = np.full(len(overlaps.gt_ids), -1, np.int64)  # identity in the frame before, or -1
    found = _Collector()
    for t in range(len(overlaps.frames)):
        gt, result = overlaps.gt_of(t), overlaps.result_of(t)
        if not len(gt) or not len(result):
            continue  # as TrackEval: such a frame does not end the continuity
        iou = overlaps.matrix_of(t, overlaps.pair_iou)
        scores = CONTINUITY_BONUS * (result[None] == last[gt][:, None]) + iou
        scores[iou < MATCH_IOU - EPS] = 0
        rows, columns = linear_sum_assignment(-scores)
        matched = scores[rows, columns] > EPS
        rows, columns = rows[matched], columns[matched]
        last[:] = -1
        last[gt[rows]] = result[columns]
        found.add(t, gt[rows], result[columns], iou[rows, columns])
    return found.matches()


def _match_as_motmetrics(overlaps: Overlaps) -> ClearMatches:
    accumulator = motmetrics.MOTAccumulator()
    for t in range(len(overlaps.frames)):
        iou = overlaps.matrix_of(t, overlaps.pair_iou)
        accumulator.update(overlaps.gt_of(t), overlaps.result_of(t), gated_distance(iou), frameid=t)
    events = accumulator.mot_events
    matched = events[events.Type.isin(["MATCH", "SWITCH"])]
    return ClearMatches(
        frame=matched.index.get_level_values("FrameId").to_numpy(np.int64),
        gt=matched.OId.to_numpy(np.int64),
        result=matched.HId.to_numpy(np.int64),
        iou=1.0 - matched.D.to_numpy(np.float64),
    )


class _Collector:
    """Matches of frame after frame."""

    def __init__(self) -> None:
        self._parts: list[tuple[IntArray, IntArray, IntArray, FloatArray]] = []

    def add(self, t: int, gt: IntArray, result: IntArray, iou: FloatArray) -> None:
        self._parts.append((np.full(len(gt), t), gt, result, iou))

    def matches(self) -> ClearMatches:
        nothing = np.zeros(0, np.int64)
        parts = [(nothing, nothing, nothing, np.zeros(0)), *self._parts]
        frame, gt, result, iou = (np.concatenate(column) for column in zip(*parts, strict=True))
        return ClearMatches(frame, gt, result, iou)
