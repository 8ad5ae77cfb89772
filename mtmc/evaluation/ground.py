"""Scores on the ground plane, and over the boxes of all cameras with one space of identities.

On the ground two positions are as similar as s = max(0, 1 - d / 2τ) with their distance d, so that
s = 0.5 at the threshold τ: MOTA and IDF1 match up to τ, as is usual on the ground plane (WILDTRACK:
τ = 0.5 m), and HOTA's 19 thresholds on s are distances from 1.9 τ down to 0.1 τ. ``MOTP_m`` is the
mean distance of matches in metres.

Only annotated frames are scored. Where the place of a person is known but not the identity, results
that match this person are dropped, so that they count neither for nor against anybody.

Over all cameras, each camera's frame counts as a frame of its own, boxes match at IoU 0.5, and one
identity must hold in all of them (as in the AI City Challenge).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from mtmc.trackers.boxes import tlwh_from_xyxy
from mtmc.trackers.types import BoolArray

from ..errors import InputError
from ..ground_files import GroundTable, read_ground
from ..mot_files import read_results
from ..sites import UNKNOWN_ID, Site
from ..types import FloatArray, IntArray
from .evaluate import SequenceEvaluation, analyse_overlaps
from .overlap import gather_overlaps, iou_matrix
from .protocols import MATCH_IOU, PROTOCOLS
from .scores import Scores, SequenceScores

THRESHOLD_M = 0.5
WIDE_THRESHOLD_M = 1.0
RULES = PROTOCOLS["mot15"]
"""No classes, nothing ignored; continuity as in TrackEval."""
GROUND_FILE = "ground.csv"

_Labels = tuple[IntArray, IntArray, FloatArray]
"""Frame (N,), identity (N,) and place or box (N, k), sorted by frame."""


@dataclass(frozen=True, eq=False)
class SiteScores:
    """All scores of one site.

    Attributes
    ----------
    ground, ground_wide : SequenceScores
        On the ground plane at 0.5 m and at 1 m.
    boxes : SequenceScores or None
        Over the boxes of all cameras; None where no boxes are annotated.
    on_ground : bool
        Whether the results have places at all; those of cameras that share no floor have none.
    """

    ground: SequenceScores
    ground_wide: SequenceScores
    boxes: SequenceScores | None
    on_ground: bool = True

    @property
    def metrics(self) -> dict[str, Any]:
        """Those at 0.5 m by their usual names, and beside them ``at_1m`` and ``boxes``."""
        found: dict[str, Any] = ground_metrics(self.ground, THRESHOLD_M)
        found["at_1m"] = ground_metrics(self.ground_wide, WIDE_THRESHOLD_M)
        if self.boxes is not None:
            found["boxes"] = self.boxes.metrics
        return found


def ground_metrics(scores: SequenceScores, threshold_m: float) -> dict[str, Any]:
    """The usual metrics, and ``MOTP_m``, the mean distance of matches in metres."""
    metrics: dict[str, Any] = dict(scores.metrics)
    distance = 2.0 * threshold_m * (1.0 - metrics["MOTP"] / 100.0)
    return metrics | {"MOTP_m": distance if metrics["TP"] else 0.0}


def ground_similarity(xy: FloatArray, other: FloatArray, threshold_m: float) -> FloatArray:
    """1 - d / 2τ of positions (N, 2) and (M, 2), at least 0: (N, M)."""
    distance = np.linalg.norm(xy[:, None] - other[None], axis=2)
    return np.asarray(np.maximum(1.0 - distance / (2.0 * threshold_m), 0.0))


def evaluate_ground(
    site: Site, results: GroundTable, threshold_m: float = THRESHOLD_M
) -> SequenceScores:
    """Score positions against a site's ground truth.

    Raises
    ------
    InputError
        When the site has no ground truth.
    """
    return analyse_ground(site, results, threshold_m).scores


def analyse_ground(
    site: Site, results: GroundTable, threshold_m: float = THRESHOLD_M
) -> SequenceEvaluation:
    """Scores of positions with the matches behind them; see `evaluate_ground`."""
    truth = _truth_of(site)

    def similarity(xy: FloatArray, other: FloatArray) -> FloatArray:
        return ground_similarity(xy, other, threshold_m)

    gt = _sorted(truth.frame, truth.id, truth.xy)
    return _analyse(gt, (results.frame, results.id, results.xy), truth.frames, similarity)


def evaluate_boxes(site: Site, folder: Path) -> SequenceScores:
    """Score the boxes of all cameras, ``FOLDER/CAMERA.txt``, with one space of identities.

    Raises
    ------
    InputError
        When the site has no annotated boxes, or a file is missing or wrong.
    """
    truth = _truth_of(site)
    if not truth.box_camera:
        raise InputError(f"{site.name}: no boxes are annotated")
    count = len(site.cameras)
    gt_parts, result_parts = [], []
    for number, camera in enumerate(site.cameras):
        frame, identity, xyxy = truth.boxes_of(camera.name)
        tlwh = tlwh_from_xyxy(xyxy)
        gt_parts.append((frame * count + number, identity, tlwh))
        table = read_results(folder / f"{camera.name}.txt")
        result_parts.append((table.frame * count + number, table.id, table.tlwh))
    frames = (truth.frames[:, None] * count + np.arange(count)).ravel()
    gt, results = (
        _sorted(*(np.concatenate(column) for column in zip(*parts, strict=True)))
        for parts in (gt_parts, result_parts)
    )
    return _analyse(gt, results, frames, iou_matrix).scores


def evaluate_site(site: Site, folder: Path) -> SiteScores:
    """Score the files that a run of a site left in ``folder``.

    Raises
    ------
    InputError
        When the site has no ground truth, or a file is missing or wrong.
    """
    results = read_ground(folder / GROUND_FILE)
    truth = _truth_of(site)
    return SiteScores(
        evaluate_ground(site, results),
        evaluate_ground(site, results, WIDE_THRESHOLD_M),
        evaluate_boxes(site, folder) if truth.box_camera else None,
        bool(len(results.frame)) or not _has_boxes(site, folder),
    )


def _has_boxes(site: Site, folder: Path) -> bool:
    paths = [folder / f"{camera.name}.txt" for camera in site.cameras]
    return any(path.is_file() and path.stat().st_size > 0 for path in paths)


def sites_to_json(scores: Mapping[str, SiteScores]) -> dict[str, Any]:
    """In the form of single-camera scores: ``{"protocol", "overall", "sequences"}``.

    Counts of all sequences are added up, then divided; the 1 m and the box figures stand beside
    those at 0.5 m as ``at_1m`` and ``boxes``.
    """
    parts = list(scores.values())
    boxes = [part.boxes for part in parts if part.boxes is not None]
    overall = SiteScores(
        SequenceScores.pool(part.ground for part in parts),
        SequenceScores.pool(part.ground_wide for part in parts),
        SequenceScores.pool(boxes) if boxes else None,
    )
    return {
        "protocol": "ground",
        "overall": overall.metrics,
        "sequences": {name: part.metrics for name, part in scores.items()},
    }


def ground_table_scores(scores: Mapping[str, SiteScores]) -> Scores:
    """The scores at 0.5 m as the tables of single-camera evaluation take them."""
    sequences = {name: part.ground for name, part in scores.items()}
    placed = [part.ground for part in scores.values() if part.on_ground]
    overall = SequenceScores.pool(placed or sequences.values())
    return Scores("ground plane, 0.5 m", sequences, overall)


def _truth_of(site: Site) -> Any:
    if site.truth is None:
        raise InputError(f"{site.name}: no ground truth to score against")
    return site.truth


def _sorted(frame: IntArray, identity: IntArray, values: FloatArray) -> _Labels:
    order = np.argsort(frame, kind="stable")
    return frame[order], identity[order], values[order]


def _analyse(
    gt: _Labels, results: _Labels, annotated: IntArray, similarity: Any
) -> SequenceEvaluation:
    results = _rows(results, np.isin(results[0], annotated))
    unknown = gt[1] == UNKNOWN_ID
    if unknown.any():
        results = _rows(results, ~_belongs_to(gt, unknown, results, similarity))
        gt = _rows(gt, ~unknown)
    overlaps = gather_overlaps(
        gt[:2],
        results[:2],
        lambda rows, result_rows: similarity(gt[2][rows], results[2][result_rows]),
    )
    return analyse_overlaps(overlaps, RULES, len(annotated))


def _rows(labels: _Labels, rows: BoolArray) -> _Labels:
    return labels[0][rows], labels[1][rows], labels[2][rows]


def _belongs_to(gt: _Labels, marked: BoolArray, results: _Labels, similarity: Any) -> BoolArray:
    """Which results match a marked row, when all rows compete for them."""
    found = np.zeros(len(results[0]), np.bool_)
    for frame in np.unique(gt[0][marked]):
        rows = np.flatnonzero(gt[0] == frame)
        result_rows = np.flatnonzero(results[0] == frame)
        scores = similarity(gt[2][rows], results[2][result_rows])
        scores = np.where(scores >= MATCH_IOU, scores, 0.0)
        row, column = linear_sum_assignment(-scores)
        matched = (scores[row, column] > 0) & marked[rows[row]]
        found[result_rows[column[matched]]] = True
    return found
