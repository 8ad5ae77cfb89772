"""Selecting candidates: how far to trust a track's prediction, and the best box of each place.

Long et al., "Real-time multiple people tracking with deeply learned candidate selection and person
re-identification", ICME 2018, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .association import pairs_by_iou
from .types import BoolArray, Float32Array, FloatArray, IntArray

CONDITIONS = ("updates", "detections")
_DECAY = 0.05
_LEAST_UPDATES, _LEAST_DETECTIONS = 3, 2


class Candidates(NamedTuple):
    """What competes for the tracks of a frame: K boxes, detections before predictions.

    Attributes
    ----------
    xyxy : (K, 4) float64
    scores : (K,) float64
    det_index : (K,) int64
        Row of the detection, or -1 for a predicted box.
    embeddings : (K, D) float32
        NaN rows where there is no vector; predicted boxes have none.
    """

    xyxy: FloatArray
    scores: FloatArray
    det_index: IntArray
    embeddings: Float32Array

    @property
    def detected(self) -> BoolArray:
        """Candidates that are detections (K,)."""
        return self.det_index >= 0


@dataclass(eq=False)
class Tracklets:
    """Counters of each track since it was begun or found again, rows in step with a `TrackTable`.

    Attributes
    ----------
    predicted : (N,) int64
        n, consecutive updates by the track's own prediction since the last detection.
    updates : (N,) int64
        L, updates of either kind; the detection that began the tracklet is not one.
    detections : (N,) int64
        Detections, the one that began the tracklet among them.
    """

    predicted: IntArray
    updates: IntArray
    detections: IntArray

    @staticmethod
    def empty() -> Tracklets:
        """Counters of no tracks."""
        none = np.zeros(0, np.int64)
        return Tracklets(none, none, none)

    def update(self, rows: IntArray, detected: BoolArray) -> None:
        """Count an update of the tracks ``rows`` (K,), by a detection or a prediction (K,)."""
        self.predicted[rows] = np.where(detected, 0, self.predicted[rows] + 1)
        self.updates[rows] += 1
        self.detections[rows] += detected

    def restart(self, rows: IntArray) -> None:
        """Begin anew for tracks that a detection found again."""
        self.predicted[rows] = 0
        self.updates[rows] = 0
        self.detections[rows] = 1

    def keep(self, rows: BoolArray) -> None:
        """Drop the tracks whose entry in the mask (N,) is False."""
        self.predicted, self.updates = self.predicted[rows], self.updates[rows]
        self.detections = self.detections[rows]

    def add(self, count: int) -> None:
        """Begin ``count`` tracks behind the others."""
        none = np.zeros(count, np.int64)
        self.predicted = np.concatenate([self.predicted, none])
        self.updates = np.concatenate([self.updates, none])
        self.detections = np.concatenate([self.detections, none + 1])

    def confidence(self, condition: str) -> FloatArray:
        """Trust (N,), 0 to 1, in the predicted boxes: ``max(0, 1 - ln(1 + 0.05 n)) [condition]``.

        It falls with every update by the track's own prediction, eq. 1. The condition keeps tracks
        out that were hardly detected; paper and published code differ in it:

        * ``"detections"``, the paper: the tracklet has 2 detections or more;
        * ``"updates"``, the code: L - n is 3 or more. A detection resets n but not L, so that L - n
          also counts the predictions of gaps before it.
        """
        if condition == "detections":
            reliable = self.detections >= _LEAST_DETECTIONS
        else:
            reliable = self.updates - self.predicted >= _LEAST_UPDATES
        trust: FloatArray = np.maximum(0.0, 1.0 - np.log1p(_DECAY * self.predicted))
        trust *= reliable
        return trust


def suppress(xyxy: FloatArray, scores: FloatArray, max_iou: float) -> BoolArray:
    """Non-maximum suppression: which of N boxes stay (N,).

    From the best score downwards a box stays unless it overlaps one that stays by more than
    ``max_iou``; of equal scores the earlier box comes first.
    """
    order = np.argsort(-scores, kind="stable")
    pairs, iou = pairs_by_iou(xyxy[order], xyxy[order], max_iou)
    # Only a better box suppresses, and only where the overlap is above the bound.
    later = (pairs.detections > pairs.tracks) & (iou > max_iou)
    better, worse = pairs.tracks[later].tolist(), pairs.detections[later].tolist()
    stays = [True] * len(order)
    for first, second in zip(better, worse, strict=True):  # ordered by the better one
        if stays[first]:
            stays[second] = False
    keep = np.zeros(len(order), dtype=bool)
    keep[order] = stays
    return keep


def probabilities(scores: FloatArray, count: int) -> FloatArray:
    """What a scorer answered for ``count`` boxes; it may be anybody's code.

    Raises
    ------
    ValueError
        When these are not ``count`` numbers from 0 to 1.
    """
    scores = np.asarray(scores, dtype=np.float64)
    # Written so that NaN fails, too.
    if scores.shape != (count,) or not ((scores >= 0.0) & (scores <= 1.0)).all():
        raise ValueError(
            f"look.score: expected {count} numbers from 0 to 1, got an array of shape "
            f"{scores.shape}" + (f" from {scores.min()} to {scores.max()}" if scores.size else "")
        )
    return scores
