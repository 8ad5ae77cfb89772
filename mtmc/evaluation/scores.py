"""Scores: counts that can be added up over frames and sequences, and the ratios made of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ..types import FloatArray, IntArray
from .clear import TrackCounts
from .hota import HotaCounts

PERCENT = 100.0


@dataclass(frozen=True, eq=False)
class Counts:
    """Everything that is counted box by box, and therefore adds up.

    All fields share leading axes, for example (F,) for frames, or none for a total; the fields of
    HOTA have the 19 thresholds as their last axis.

    Attributes
    ----------
    gt_boxes, result_boxes : boxes that are scored.
    true_positives, iou_sum, switches : CLEAR matches, the sum of their overlaps, identity switches.
    identity_matches : identity true positives (IDTP).
    hota : (..., 19) counts of HOTA, named as in :class:`~mtmc.evaluation.hota.HotaCounts`.
    """

    gt_boxes: FloatArray
    result_boxes: FloatArray
    true_positives: FloatArray
    iou_sum: FloatArray
    switches: FloatArray
    identity_matches: FloatArray
    hota_true_positives: FloatArray
    hota_iou_sum: FloatArray
    hota_association: FloatArray
    hota_recall: FloatArray
    hota_precision: FloatArray

    def total(self) -> Counts:
        """Sum over the first axis."""
        return Counts(*(getattr(self, field.name).sum(axis=0) for field in fields(self)))

    def weighted(self, weights: FloatArray) -> Counts:
        """Weighted sums over the first axis, one for each row of ``weights`` (R, F)."""
        return Counts(*(weights @ getattr(self, field.name) for field in fields(self)))

    @staticmethod
    def stack(parts: Iterable[Counts]) -> Counts:
        """Totals of several sequences, along a new first axis."""
        parts = list(parts)
        return Counts(
            *(np.stack([getattr(part, field.name) for part in parts]) for field in fields(Counts))
        )

    def ratios(self) -> dict[str, FloatArray]:
        """All ratios in percent, by their usual names; shapes are those of the leading axes.

        A ratio without anything to divide by is 0 (LocA: 100), as in TrackEval.
        """
        missed = self.gt_boxes - self.true_positives
        false = self.result_boxes - self.true_positives
        errors = missed + false + self.switches
        # MOTAL takes the logarithm of the switches; as the devkit (TrackEval leaves out the + 1).
        few_errors = missed + false + np.log10(self.switches + 1)
        boxes = self.gt_boxes + self.result_boxes
        ratios = self._hota() | {
            "MOTA": _where_gt(self, _ratio(self.gt_boxes - errors, self.gt_boxes)),
            "MOTP": _ratio(self.iou_sum, self.true_positives),
            "MOTAL": _where_gt(self, _ratio(self.gt_boxes - few_errors, self.gt_boxes)),
            "IDF1": _ratio(2 * self.identity_matches, boxes),
            "IDP": _ratio(self.identity_matches, self.result_boxes),
            "IDR": _ratio(self.identity_matches, self.gt_boxes),
            "Rcll": _ratio(self.true_positives, self.gt_boxes),
            "Prcn": _ratio(self.true_positives, self.result_boxes),
        }
        return {name: PERCENT * np.asarray(value) for name, value in ratios.items()}

    def _hota(self) -> dict[str, FloatArray]:
        """Means over the thresholds; at each, HOTA is the geometric mean of DetA and AssA."""
        tp = self.hota_true_positives
        gt, results = self.gt_boxes[..., None], self.result_boxes[..., None]
        detection = _ratio(tp, gt + results - tp)
        association = _ratio(self.hota_association, tp)
        per_threshold = {
            "HOTA": np.sqrt(detection * association),
            "DetA": detection,
            "AssA": association,
            "DetRe": _ratio(tp, gt),
            "DetPr": _ratio(tp, results),
            "AssRe": _ratio(self.hota_recall, tp),
            "AssPr": _ratio(self.hota_precision, tp),
            "LocA": np.where(tp > 0, _ratio(self.hota_iou_sum, tp), 1.0),
        }
        return {name: values.mean(axis=-1) for name, values in per_threshold.items()}


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    return np.asarray(part / np.maximum(whole, 1.0))


def _where_gt(counts: Counts, values: FloatArray) -> FloatArray:
    """Accuracy without ground truth says nothing: 0 instead of minus the number of boxes."""
    return np.where(counts.gt_boxes > 0, values, 0.0)


@dataclass(frozen=True, eq=False)
class SequenceScores:
    """Scores of one sequence, or of several together.

    Attributes
    ----------
    counts : Counts
        Totals.
    tracks : TrackCounts
        People by how much of them was tracked.
    people, identities : int
        Different identities in ground truth and results.
    length : int
        Number of frames, for false alarms per frame.
    """

    counts: Counts
    tracks: TrackCounts
    people: int
    identities: int
    length: int

    @property
    def metrics(self) -> dict[str, float | int]:
        """All metrics by their usual names: ratios as 0 to 100, counts as integers.

        ``IDs`` are identity switches, ``GT`` people (trajectories of the ground truth), ``GT_Dets``
        and ``Dets`` boxes of ground truth and results, ``Trajectories`` identities of the results,
        ``FAR`` false positives per frame.
        """
        counts, tracks = self.counts, self.tracks
        false = int(counts.result_boxes - counts.true_positives)
        return {name: float(value) for name, value in counts.ratios().items()} | {
            "IDs": int(counts.switches),
            "FP": false,
            "FN": int(counts.gt_boxes - counts.true_positives),
            "TP": int(counts.true_positives),
            "MT": tracks.mostly_tracked,
            "PT": tracks.partially_tracked,
            "ML": tracks.mostly_lost,
            "Frag": tracks.fragments,
            "FAR": false / max(self.length, 1),
            "IDTP": int(counts.identity_matches),
            "IDFP": int(counts.result_boxes - counts.identity_matches),
            "IDFN": int(counts.gt_boxes - counts.identity_matches),
            "GT": self.people,
            "GT_Dets": int(counts.gt_boxes),
            "Dets": int(counts.result_boxes),
            "Trajectories": self.identities,
            "Frames": self.length,
        }

    @staticmethod
    def pool(parts: Iterable[SequenceScores]) -> SequenceScores:
        """Scores of several sequences together: counts are added up, then divided."""
        parts = list(parts)
        tracks = np.sum(
            [[getattr(part.tracks, field.name) for field in fields(TrackCounts)] for part in parts],
            axis=0,
        )
        return SequenceScores(
            counts=Counts.stack(part.counts for part in parts).total(),
            tracks=TrackCounts(*tracks.tolist()),
            people=sum(part.people for part in parts),
            identities=sum(part.identities for part in parts),
            length=sum(part.length for part in parts),
        )


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of a set of sequences.

    Attributes
    ----------
    protocol : str
        Name of the protocol they are under.
    sequences : mapping of str to SequenceScores
        In the order in which they were asked for.
    overall : SequenceScores
        All sequences together.
    """

    protocol: str
    sequences: Mapping[str, SequenceScores]
    overall: SequenceScores

    def to_json(self) -> dict[str, Any]:
        """``{"protocol", "overall": {...}, "sequences": {NAME: {...}}}`` with plain numbers."""
        return {
            "protocol": self.protocol,
            "overall": self.overall.metrics,
            "sequences": {name: scores.metrics for name, scores in self.sequences.items()},
        }


def make_counts(
    gt_boxes: IntArray,
    result_boxes: IntArray,
    clear: tuple[FloatArray, FloatArray, FloatArray],
    identity_matches: IntArray,
    hota: HotaCounts,
) -> Counts:
    """Join the counts of all metrics; ``clear`` is true positives, IoU sum and switches."""
    return Counts(
        gt_boxes.astype(np.float64),
        result_boxes.astype(np.float64),
        *clear,
        identity_matches.astype(np.float64),
        hota.true_positives,
        hota.iou_sum,
        hota.association,
        hota.recall,
        hota.precision,
    )
