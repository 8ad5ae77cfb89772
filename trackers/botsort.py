"""BoT-SORT: ByteTrack with width and height as states, camera motion, and appearance as a veto.

Aharon, Orfaig and Bobrovsky, "BoT-SORT: robust associations multi-pedestrian tracking", arXiv
2206.14651.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .association import Pairs, assign, pairs_by_iou
from .boxes import cxcywh_from_xyxy, xyxy_from_cxcywh
from .checks import check_range
from .full_kalman import SizeNoise, correct, initiate, predict, warp
from .gallery import SmoothedLook
from .kalman import MAX_VARIANCE_RATIO
from .lifecycle import Clock, TrackTable
from .types import BoolArray, Detections, Float32Array, FloatArray, IntArray, Look, Tracks

_SIZE, _SIZE_VELOCITY = slice(2, 4), slice(6, 8)


@dataclass(frozen=True)
class BotSortConfig:
    """Settings of `BotSort`. Scores are on the scale 0 to 1.

    Attributes
    ----------
    high_score : float
        Detections from this score on take part in the first association.
    low_score : float
        Detections from this score on take part in the second; what lies below is ignored.
    new_track_score : float
        Detections from this score on may begin a track; at least ``high_score``.
    fuse_scores : bool
        In the first association the overlap is multiplied by the score of the detection.
    min_iou : float
        Least (fused) overlap in the first association, above 0 to 1.
    min_iou_low : float
        Least overlap in the second association.
    min_iou_tentative : float
        Least overlap between a tentative track and its next detection.
    camera_motion : bool
        Move all tracks along with the image, as ``look.camera_motion`` says. It needs images; a
        run without a look goes without.
    max_cosine_distance : float
        Looks count only up to this cosine distance, 0 to 2, between a detection and the smoothed
        vector of the track. It depends on the network that embeds. θ_emb in the paper.
    min_iou_appearance : float
        Looks count only for pairs that overlap at least by this. 1 - θ_iou in the paper.
    look_momentum : float
        Part of the old vector that is kept when a new one is taken in, 0 to below 1. α in the
        paper.
    min_hits : int
        Detections that confirm a track.
    max_lost_s : float
        A track is forgotten after this time without a detection, seconds.
    coast_s : float
        Predicted boxes are reported for this time after the last detection, seconds; with 0 a track
        is reported only in frames where it is detected.
    position_std, velocity_std : float
        Noise of the motion model as a part of the size of a box, see `full_kalman.SizeNoise`; the
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
    camera_motion: bool = True
    max_cosine_distance: float = 0.25
    min_iou_appearance: float = 0.5
    look_momentum: float = 0.9
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
        for name in ("min_iou", "min_iou_low", "min_iou_tentative", "min_iou_appearance"):
            check_range(self, name, 0.0, 1.0, above=True)
        check_range(self, "max_cosine_distance", 0.0, 2.0)
        check_range(self, "look_momentum", 0.0, 1.0 - 1e-9)
        check_range(self, "min_hits", 1)
        check_range(self, "max_lost_s", 0.0)
        check_range(self, "coast_s", 0.0)
        check_range(self, "position_std", 0.0, above=True)
        most = self.position_std * MAX_VARIANCE_RATIO**0.5
        check_range(self, "velocity_std", 0.0, most, above=True)
        check_range(self, "reference_fps", 0.0, above=True)


class BotSort:
    """Tracks one camera, which may move; a `trackers.types.Tracker`.

    It reads ``Detections.embeddings`` and asks ``look.camera_motion`` where there are any, and
    works without.

    Parameters
    ----------
    config : BotSortConfig, optional
        Settings.
    """

    def __init__(self, config: BotSortConfig | None = None) -> None:
        self.config = config or BotSortConfig()
        self._noise = SizeNoise(self.config.position_std, self.config.velocity_std)
        self._clock = Clock(self.config.reference_fps)
        self._table = TrackTable.empty(*initiate(np.zeros((0, 4)), self._noise))
        self._looks = SmoothedLook(self.config.look_momentum)

    def update(self, detections: Detections, time_s: float, look: Look | None = None) -> Tracks:
        """Advance to ``time_s`` and answer the confirmed tracks.

        ``look`` is asked for the motion of the camera since the call before.

        Raises
        ------
        ValueError
            When ``time_s`` does not lie after that of the call before, or when the embeddings have
            another length than before.
        """
        config, table, noise = self.config, self._table, self._noise
        embeddings = detections.embeddings
        if embeddings is None:
            embeddings = np.full((len(detections), 1), np.nan, np.float32)
        self._looks.check(embeddings)
        self._predict(self._clock.advance(time_s), look)
        rows, found, left = self._associate(detections, embeddings)

        scores, measured = detections.scores, cxcywh_from_xyxy(detections.xyxy)
        mean, cov = table.mean[rows], table.cov[rows]
        variance = noise.measurement(mean)
        table.mean[rows], table.cov[rows] = correct(mean, cov, measured[found], variance)
        table.hit(rows, found, scores[found], time_s)
        sure = scores >= config.high_score
        self._looks.append(rows[sure[found]], embeddings[found[sure[found]]])
        kept = table.forget(time_s, config.max_lost_s)
        if kept is not None:
            self._looks.keep(kept)
        born = (left & (scores >= config.new_track_score)).nonzero()[0]
        if len(born):
            first = len(table)
            table.add(*initiate(measured[born], noise), born, scores[born], time_s)
            self._looks.add_tracks(len(born))
            self._looks.append(np.arange(first, first + len(born)), embeddings[born])
        table.confirm(config.min_hits)
        return table.report(_boxes(table.mean), time_s, config.coast_s)

    def _predict(self, step: float, look: Look | None) -> None:
        table = self._table
        # The size of a lost track stays: what hid it also made its last boxes shrink.
        table.mean[:, _SIZE_VELOCITY] *= table.seen[:, None]
        process = self._noise.process(table.mean)
        table.mean, table.cov = predict(table.mean, table.cov, step, process)
        if self.config.camera_motion and look is not None and len(table):
            table.mean, table.cov = warp(table.mean, table.cov, look.camera_motion())

    def _associate(
        self, detections: Detections, embeddings: Float32Array
    ) -> tuple[IntArray, IntArray, BoolArray]:
        """Rows of tracks, rows of their detections, and the high detections that are left."""
        config, table, scores = self.config, self._table, detections.scores
        least_iou = min(config.min_iou, config.min_iou_low, config.min_iou_tentative)
        pairs, iou = pairs_by_iou(_boxes(table.mean), detections.xyxy, least_iou)
        high = scores >= config.high_score
        low = scores >= config.low_score
        low ^= high
        confirmed = table.confirmed
        cost = 1.0 - iou
        fused = self._fuse(pairs, iou, scores, embeddings)
        first = assign(pairs, fused, 1.0 - config.min_iou, confirmed, high)
        tracked = first.unmatched_tracks & table.seen
        second = assign(pairs, cost, 1.0 - config.min_iou_low, tracked, low)
        third = assign(
            pairs, cost, 1.0 - config.min_iou_tentative, ~confirmed, first.unmatched_detections
        )
        rows = np.concatenate([first.tracks, second.tracks, third.tracks])
        found = np.concatenate([first.detections, second.detections, third.detections])
        return rows, found, third.unmatched_detections

    def _fuse(
        self, pairs: Pairs, iou: FloatArray, scores: FloatArray, embeddings: Float32Array
    ) -> FloatArray:
        """Cost (K,) of pairs: the smaller of overlap distance and halved, gated look distance.

        Aharon et al., equations 12 and 13.
        """
        config = self.config
        overlap = 1.0 - (iou * scores[pairs.detections] if config.fuse_scores else iou)
        distance = self._looks.cosine_distance(pairs.tracks, embeddings[pairs.detections])
        counts = distance < config.max_cosine_distance
        counts &= iou > config.min_iou_appearance
        fused: FloatArray = np.minimum(overlap, np.where(counts, 0.5 * distance, 1.0))
        return fused


def _boxes(mean: FloatArray) -> FloatArray:
    """Corners (N, 4) of tracks; a size below zero counts as none."""
    cxcywh = mean[:, :4].copy()
    np.maximum(cxcywh[:, _SIZE], 0.0, out=cxcywh[:, _SIZE])
    return xyxy_from_cxcywh(cxcywh)
