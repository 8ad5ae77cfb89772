"""ByteTrack: associate every detection box, the uncertain ones in a second round.

Zhang et al., "ByteTrack: multi-object tracking by associating every detection box", ECCV 2022.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .association import assign, pairs_by_iou
from .boxes import xyah_from_xyxy, xyxy_from_xyah
from .checks import check_range
from .kalman import MAX_VARIANCE_RATIO, HeightNoise, correct, initiate, predict
from .lifecycle import Clock, TrackTable
from .types import BoolArray, Detections, IntArray, Look, Tracks

_HEIGHT = 3


@dataclass(frozen=True)
class ByteTrackConfig:
    """Settings of `ByteTrack`. Scores are on the scale 0 to 1.

    Attributes
    ----------
    high_score : float
        Detections from this score on take part in the first association.
    low_score : float
        Detections from this score on take part in the second; what lies below is ignored.
    new_track_score : float
        Detections from this score on may begin a track; at least ``high_score``.
    fuse_scores : bool
        In the first association the overlap is multiplied by the score of the detection, so that of
        two equally close boxes the surer one is taken.
    min_iou : float
        Least (fused) overlap in the first association, above 0 to 1.
    min_iou_low : float
        Least overlap in the second association.
    min_iou_tentative : float
        Least overlap between a tentative track and its next detection.
    min_hits : int
        Detections that confirm a track.
    max_lost_s : float
        A track is forgotten after this time without a detection, seconds.
    coast_s : float
        Predicted boxes are reported for this time after the last detection, seconds; with 0 a track
        is reported only in frames where it is detected.
    position_std, velocity_std : float
        Noise of the motion model as a part of the height of a box, see `kalman.HeightNoise`; the
        second is at most 3.46 times the first, see `kalman.predict`.
    reference_fps : float
        Rate for which the noise is stated, frames per second. It is a unit of time and need not be
        the rate of the video: steps are taken from the times of the frames.
    """

    high_score: float = 0.6
    low_score: float = 0.1
    new_track_score: float = 0.7
    fuse_scores: bool = True
    min_iou: float = 0.2
    min_iou_low: float = 0.5
    min_iou_tentative: float = 0.3
    min_hits: int = 2
    max_lost_s: float = 1.0
    coast_s: float = 0.0
    position_std: float = 1.0 / 20.0
    velocity_std: float = 1.0 / 160.0
    reference_fps: float = 30.0

    def __post_init__(self) -> None:
        check_range(self, "low_score", 0.0, 1.0)
        check_range(self, "high_score", self.low_score, 1.0)
        check_range(self, "new_track_score", self.high_score, 1.0)
        for name in ("min_iou", "min_iou_low", "min_iou_tentative"):
            check_range(self, name, 0.0, 1.0, above=True)
        check_range(self, "min_hits", 1)
        check_range(self, "max_lost_s", 0.0)
        check_range(self, "coast_s", 0.0)
        check_range(self, "position_std", 0.0, above=True)
        most = self.position_std * MAX_VARIANCE_RATIO**0.5
        check_range(self, "velocity_std", 0.0, most, above=True)
        check_range(self, "reference_fps", 0.0, above=True)


class ByteTrack:
    """Tracks one camera by motion and overlap, in two rounds; a `trackers.types.Tracker`.

    Parameters
    ----------
    config : ByteTrackConfig, optional
        Settings.
    """

    def __init__(self, config: ByteTrackConfig | None = None) -> None:
        self.config = config or ByteTrackConfig()
        self._noise = HeightNoise(self.config.position_std, self.config.velocity_std)
        self._clock = Clock(self.config.reference_fps)
        self._table = TrackTable.empty(*initiate(np.zeros((0, 4)), self._noise))

    def update(self, detections: Detections, time_s: float, look: Look | None = None) -> Tracks:
        """Advance to ``time_s`` and answer the confirmed tracks; ``look`` is not used.

        Raises
        ------
        ValueError
            When ``time_s`` does not lie after that of the call before.
        """
        del look
        config, table, noise = self.config, self._table, self._noise
        self._predict(self._clock.advance(time_s))
        rows, found, left = self._associate(detections)

        scores = detections.scores
        measured = xyah_from_xyxy(detections.xyxy)
        mean, cov = table.mean.take(rows, 0), table.cov.take(rows, 0)
        variance = noise.measurement(mean[..., 0])
        table.mean[rows], table.cov[rows] = correct(mean, cov, measured.take(found, 0), variance)
        table.hit(rows, found, scores.take(found), time_s)
        table.forget(time_s, config.max_lost_s)
        born = (left & (scores >= config.new_track_score)).nonzero()[0]
        if len(born):
            table.add(*initiate(measured[born], noise), born, scores[born], time_s)
        table.confirm(config.min_hits)
        return table.report(xyxy_from_xyah(table.mean[..., 0]), time_s, config.coast_s)

    def _predict(self, step: float) -> None:
        table = self._table
        # The height of a lost track stays: what hid it also made its last boxes shrink.
        table.mean[:, _HEIGHT, 1] *= table.seen
        process = self._noise.process(table.mean[..., 0])
        table.mean, table.cov = predict(table.mean, table.cov, step, process)

    def _associate(self, detections: Detections) -> tuple[IntArray, IntArray, BoolArray]:
        """Rows of tracks, rows of their detections, and the high detections that are left."""
        config, table, scores = self.config, self._table, detections.scores
        boxes = xyxy_from_xyah(table.mean[..., 0])
        least_iou = min(config.min_iou, config.min_iou_low, config.min_iou_tentative)
        pairs, iou = pairs_by_iou(boxes, detections.xyxy, least_iou)
        high = scores >= config.high_score
        low = scores >= config.low_score
        low ^= high
        confirmed = table.confirmed
        cost = 1.0 - iou
        fused = 1.0 - iou * scores.take(pairs.detections) if config.fuse_scores else cost
        first = assign(pairs, fused, 1.0 - config.min_iou, confirmed, high)
        # Lost tracks wait for a sure detection: an uncertain one is rarely theirs.
        tracked = first.unmatched_tracks & table.seen
        second = assign(pairs, cost, 1.0 - config.min_iou_low, tracked, low)
        third = assign(
            pairs,
            cost,
            1.0 - config.min_iou_tentative,
            ~confirmed,
            first.unmatched_detections,
        )
        rows = np.concatenate([first.tracks, second.tracks, third.tracks])
        found = np.concatenate([first.detections, second.detections, third.detections])
        return rows, found, third.unmatched_detections
