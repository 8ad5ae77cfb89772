"""OC-SORT: trust observations over the filter where the filter was left alone.

Cao, Pang, Weng, Khirodkar and Kitani, "Observation-centric SORT: rethinking SORT for robust
multi-object tracking", CVPR 2023. To SORT it adds three things: a cost for turning
(observation-centric momentum, OCM), a second association with the last box that was seen
(observation-centric recovery, OCR), and, when a track is found again, a filter run anew along the
straight line between the last box and the new one (observation-centric re-update, ORU).
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from .area_motion import AREA_NOISE, predict_area
from .association import Pairs, assign, pairs_by_iou
from .boxes import xysr_from_xyxy, xyxy_from_xysr
from .checks import check_range
from .kalman import correct, initiate
from .lifecycle import TIME_TOLERANCE_S, Clock, TrackTable
from .observations import Observations
from .types import BoolArray, Detections, FloatArray, IntArray, Look, Tracks


@dataclass(frozen=True)
class OcSortConfig:
    """Settings of `OcSort`.

    Attributes
    ----------
    min_score : float
        Detections below this score, on the scale 0 to 1, are ignored.
    min_iou : float
        Least overlap of a detection with a predicted box, and in the second association with the
        last box that was seen; above 0 to 1.
    direction_weight : float
        Cost of turning back, in proportion less for smaller turns; a pair without overlap costs 1.
        λ in the paper, for angles as parts of a half turn.
    direction_s : float
        The direction of a track is taken from its newest box and the oldest one that is at most
        this much older, seconds. Three frames in the paper.
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
    direction_weight: float = 0.2
    direction_s: float = 0.1
    min_hits: int = 2
    max_lost_s: float = 1.0
    coast_s: float = 0.0
    reference_fps: float = 30.0

    def __post_init__(self) -> None:
        check_range(self, "min_score", 0.0, 1.0)
        check_range(self, "min_iou", 0.0, 1.0, above=True)
        check_range(self, "direction_weight", 0.0)
        check_range(self, "direction_s", 0.0)
        check_range(self, "min_hits", 1)
        check_range(self, "max_lost_s", 0.0)
        check_range(self, "coast_s", 0.0)
        check_range(self, "reference_fps", 0.0, above=True)


class OcSort:
    """Tracks one camera by motion and overlap; a `trackers.types.Tracker`.

    Parameters
    ----------
    config : OcSortConfig, optional
        Settings.
    """

    def __init__(self, config: OcSortConfig | None = None) -> None:
        self.config = config or OcSortConfig()
        self._clock = Clock(self.config.reference_fps)
        self._table = TrackTable.empty(*initiate(np.zeros((0, 4)), AREA_NOISE))
        # The newest box, and as many before it as the window holds at the reference rate.
        window = math.ceil(self.config.direction_s * self.config.reference_fps - 1e-6)
        self._observations = Observations(1 + max(window, 1))
        # State of each track right after its last detection, where a re-update begins.
        self._seen_mean, self._seen_cov = self._table.mean, self._table.cov
        self._frames: deque[tuple[float, float]] = deque()  # time, and step to it, of recent frames

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
        self._remember(time_s, step)
        table.mean, table.cov = predict_area(table.mean, table.cov, step)
        rows, found, left = self._associate(detections)

        self._correct(rows, detections.xyxy.take(found, 0), time_s)
        table.hit(rows, found, detections.scores.take(found), time_s)
        self._observations.append(rows, detections.xyxy.take(found, 0), time_s)
        kept = table.forget(time_s, config.max_lost_s)
        if kept is not None:
            self._observations.keep(kept)
            self._seen_mean, self._seen_cov = self._seen_mean[kept], self._seen_cov[kept]
        self._begin(left.nonzero()[0], detections, time_s)
        table.confirm(config.min_hits)
        return table.report(xyxy_from_xysr(table.mean[..., 0]), time_s, config.coast_s)

    def _remember(self, time_s: float, step: float) -> None:
        """Note a frame, and drop those before which no living track was seen last."""
        frames = self._frames
        while frames and frames[0][0] < frames[-1][0] - self.config.max_lost_s - TIME_TOLERANCE_S:
            frames.popleft()
        frames.append((time_s, step))

    def _associate(self, detections: Detections) -> tuple[IntArray, IntArray, BoolArray]:
        """Rows of tracks, rows of their detections, and the usable detections that are left."""
        config, table, xyxy = self.config, self._table, detections.xyxy
        boxes = xyxy_from_xysr(table.mean[..., 0])
        pairs, iou = pairs_by_iou(boxes, xyxy, config.min_iou)
        cost = 1.0 - iou + config.direction_weight * self._turn(pairs, xyxy)
        everyone = np.ones(len(table), dtype=bool)
        usable = detections.scores >= config.min_score
        # Overlap alone is the gate; turning only decides between those who pass it.
        most = 1.0 - config.min_iou + config.direction_weight
        first = assign(pairs, cost, most, everyone, usable)
        pairs, iou = pairs_by_iou(self._observations.last_xyxy, xyxy, config.min_iou)
        second = assign(
            pairs,
            1.0 - iou,
            1.0 - config.min_iou,
            first.unmatched_tracks,
            first.unmatched_detections,
        )
        rows = np.concatenate([first.tracks, second.tracks])
        found = np.concatenate([first.detections, second.detections])
        return rows, found, second.unmatched_detections

    def _turn(self, pairs: Pairs, xyxy: FloatArray) -> FloatArray:
        """Angle (K,) between the way a track went and its way to the detection, in half turns.

        A way without length has no direction and counts as a right angle. Cao et al., eq. 7.
        """
        observations = self._observations
        before = observations.before_newest(self.config.direction_s + TIME_TOLERANCE_S)
        centres = observations.xyxy[..., :2] + observations.xyxy[..., 2:]
        last = centres[:, -1]
        went = (last - centres[np.arange(len(centres)), before])[pairs.tracks]
        goes = (xyxy[:, :2] + xyxy[:, 2:])[pairs.detections] - last[pairs.tracks]
        lengths = np.hypot(went[:, 0], went[:, 1]) * np.hypot(goes[:, 0], goes[:, 1])
        cosine = (went * goes).sum(axis=1) / np.where(lengths > 0.0, lengths, 1.0)
        turn: FloatArray = np.arccos(np.clip(cosine, -1.0, 1.0)) / math.pi
        return turn

    def _correct(self, rows: IntArray, xyxy: FloatArray, time_s: float) -> None:
        """Take in boxes (K, 4) of tracks ``rows``, along a virtual path where frames were missed.

        The path is the straight line from the last box to this one, with a box in every frame
        between them. Cao et al., section 4.1.
        """
        table = self._table
        seen_s, seen_xyxy = table.seen_s[rows], self._observations.last_xyxy[rows]
        mean, cov = table.mean[rows], table.cov[rows]
        anew = np.zeros(len(rows), dtype=bool)
        if len(self._frames) > 1:
            anew = seen_s < self._frames[-2][0] - TIME_TOLERANCE_S
        mean[anew], cov[anew] = self._seen_mean[rows[anew]], self._seen_cov[rows[anew]]
        earliest_s = seen_s[anew].min(initial=time_s)
        for at_s, step in self._frames:
            if at_s - TIME_TOLERANCE_S <= earliest_s:
                continue
            on = anew & (seen_s < at_s - TIME_TOLERANCE_S)
            mean[on], cov[on] = predict_area(mean[on], cov[on], step)
            if at_s < time_s:  # the box of this frame itself comes below, as for all
                share = ((at_s - seen_s[on]) / (time_s - seen_s[on]))[:, None]
                virtual = xysr_from_xyxy((1.0 - share) * seen_xyxy[on] + share * xyxy[on])
                mean[on], cov[on] = _take_in(mean[on], cov[on], virtual)
        mean, cov = _take_in(mean, cov, xysr_from_xyxy(xyxy))
        table.mean[rows], table.cov[rows] = mean, cov
        self._seen_mean[rows], self._seen_cov[rows] = mean, cov

    def _begin(self, rows: IntArray, detections: Detections, time_s: float) -> None:
        """Begin tentative tracks at detections ``rows``."""
        if len(rows) == 0:
            return
        mean, cov = initiate(xysr_from_xyxy(detections.xyxy[rows]), AREA_NOISE)
        self._table.add(mean, cov, rows, detections.scores[rows], time_s)
        self._observations.add_tracks(detections.xyxy[rows], time_s)
        self._seen_mean = np.concatenate([self._seen_mean, mean])
        self._seen_cov = np.concatenate([self._seen_cov, cov])


def _take_in(
    mean: FloatArray, cov: FloatArray, measured: FloatArray
) -> tuple[FloatArray, FloatArray]:
    return correct(mean, cov, measured, AREA_NOISE.measurement(mean[..., 0]))
