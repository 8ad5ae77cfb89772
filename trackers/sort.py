"""SORT: a constant-velocity filter, overlap and an optimal assignment, nothing else.

Bewley, Ge, Ott, Ramos and Upcroft, "Simple online and realtime tracking", ICIP 2016.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .area_motion import AREA_NOISE, predict_area
from .association import assign, pairs_by_iou
from .boxes import xysr_from_xyxy, xyxy_from_xysr
from .checks import check_range
from .kalman import correct, initiate
from .lifecycle import Clock, TrackTable
from .types import Detections, Look, Tracks


@dataclass(frozen=True)
class SortConfig:
    """Settings of `Sort`.

    Attributes
    ----------
    min_score : float
        Detections below this score, on the scale 0 to 1, are ignored.
    min_iou : float
        Least overlap of a predicted box and its detection, above 0 to 1.
    min_hits : int
        Detections that confirm a track.
    max_lost_s : float
        A track is forgotten after this time without a detection, seconds.
    coast_s : float
        Predicted boxes are reported for this time after the last detection, seconds; with 0 a track
        is reported only in frames where it is detected.
    reference_fps : float
        Rate for which the noise is stated, frames per second. It is a unit of time and need not be
        the rate of the video: steps are taken from the times of the frames.
    """

    min_score: float = 0.5
    min_iou: float = 0.3
    min_hits: int = 2
    max_lost_s: float = 1.0
    coast_s: float = 0.0
    reference_fps: float = 30.0

    def __post_init__(self) -> None:
        check_range(self, "min_score", 0.0, 1.0)
        check_range(self, "min_iou", 0.0, 1.0, above=True)
        check_range(self, "min_hits", 1)
        check_range(self, "max_lost_s", 0.0)
        check_range(self, "coast_s", 0.0)
        check_range(self, "reference_fps", 0.0, above=True)


class Sort:
    """Tracks one camera by motion and overlap; a `trackers.types.Tracker`.

    The state is (centre x, centre y, area, aspect ratio) with velocities of the first three.

    Parameters
    ----------
    config : SortConfig, optional
        Settings.
    """

    def __init__(self, config: SortConfig | None = None) -> None:
        self.config = config or SortConfig()
        self._clock = Clock(self.config.reference_fps)
        self._table = TrackTable.empty(*initiate(np.zeros((0, 4)), AREA_NOISE))

    def update(self, detections: Detections, time_s: float, look: Look | None = None) -> Tracks:
        """Advance to ``time_s`` and answer the confirmed tracks; ``look`` is not used.

        Raises
        ------
        ValueError
            When ``time_s`` does not lie after that of the call before.
        """
        del look
        config, table = self.config, self._table
        step = self._clock.advance(time_s)
        table.mean, table.cov = predict_area(table.mean, table.cov, step)
        boxes = xyxy_from_xysr(table.mean[..., 0])
        pairs, iou = pairs_by_iou(boxes, detections.xyxy, config.min_iou)
        usable = detections.scores >= config.min_score
        everyone = np.ones(len(table), dtype=bool)
        match = assign(pairs, 1.0 - iou, 1.0 - config.min_iou, everyone, usable)

        measured = xysr_from_xyxy(detections.xyxy)
        rows, found = match.tracks, match.detections
        mean, cov = table.mean.take(rows, 0), table.cov.take(rows, 0)
        variance = AREA_NOISE.measurement(mean[..., 0])
        table.mean[rows], table.cov[rows] = correct(mean, cov, measured.take(found, 0), variance)
        table.hit(rows, found, detections.scores.take(found), time_s)
        table.forget(time_s, config.max_lost_s)
        born = match.unmatched_detections.nonzero()[0]
        if len(born):
            mean, cov = initiate(measured[born], AREA_NOISE)
            table.add(mean, cov, born, detections.scores[born], time_s)
        table.confirm(config.min_hits)
        return table.report(xyxy_from_xysr(table.mean[..., 0]), time_s, config.coast_s)
