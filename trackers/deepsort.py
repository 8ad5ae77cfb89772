"""DeepSORT: appearance first, recently seen tracks before long lost ones, overlap last.

Wojke, Bewley and Paulus, "Simple online and realtime tracking with a deep association metric",
ICIP 2017.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtri

from .association import assign, pairs_by_iou
from .boxes import xyah_from_xyxy, xyxy_from_xyah
from .checks import check_range
from .gallery import Gallery, has_vector
from .gating import plausible_pairs
from .kalman import MAX_VARIANCE_RATIO, HeightNoise, correct, initiate, predict
from .lifecycle import Clock, TrackTable
from .types import BoolArray, Detections, Float32Array, FloatArray, IntArray, Look, Tracks

_COORDINATES = 4  # degrees of freedom of a measured box


@dataclass(frozen=True)
class DeepSortConfig:
    """Settings of `DeepSort`.

    Attributes
    ----------
    min_score : float
        Detections below this score, on the scale 0 to 1, are ignored.
    max_cosine_distance : float
        Largest cosine distance, 0 to 2, between a detection and the nearest appearance vector of
        its track. It depends on the network that embeds: fit it to the distances of its same-person
        and different-person pairs. The default is the distance below which 1 % of other people come
        with the network of the paper.
    gallery_size : int
        Appearance vectors kept per track.
    gate_probability : float
        A detection lies within the gate of its own track with this probability, below 1.
    min_iou : float
        Least overlap in the last association, above 0 to 1. It takes in tentative tracks, those
        seen in the frame before, and pairs of which one side has no appearance vector.
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

    min_score: float = 0.5
    max_cosine_distance: float = 0.15
    gallery_size: int = 100
    gate_probability: float = 0.95
    min_iou: float = 0.3
    min_hits: int = 2
    max_lost_s: float = 2.0
    coast_s: float = 0.0
    position_std: float = 1.0 / 20.0
    velocity_std: float = 1.0 / 160.0
    reference_fps: float = 30.0

    def __post_init__(self) -> None:
        check_range(self, "min_score", 0.0, 1.0)
        check_range(self, "max_cosine_distance", 0.0, 2.0)
        check_range(self, "gallery_size", 1)
        check_range(self, "gate_probability", 0.0, 1.0 - 1e-9, above=True)
        check_range(self, "min_iou", 0.0, 1.0, above=True)
        check_range(self, "min_hits", 1)
        check_range(self, "max_lost_s", 0.0)
        check_range(self, "coast_s", 0.0)
        check_range(self, "position_std", 0.0, above=True)
        most = self.position_std * MAX_VARIANCE_RATIO**0.5
        check_range(self, "velocity_std", 0.0, most, above=True)
        check_range(self, "reference_fps", 0.0, above=True)


class DeepSort:
    """Tracks one camera by motion and appearance; a `trackers.types.Tracker`.

    It reads ``Detections.embeddings``. Where they are missing, for a box or for a whole run,
    overlap with the predicted box decides alone.

    Parameters
    ----------
    config : DeepSortConfig, optional
        Settings.
    """

    def __init__(self, config: DeepSortConfig | None = None) -> None:
        self.config = config or DeepSortConfig()
        self._noise = HeightNoise(self.config.position_std, self.config.velocity_std)
        self._gate = float(chdtri(_COORDINATES, 1.0 - self.config.gate_probability))
        self._clock = Clock(self.config.reference_fps)
        self._table = TrackTable.empty(*initiate(np.zeros((0, 4)), self._noise))
        self._gallery = Gallery(self.config.gallery_size)

    def update(self, detections: Detections, time_s: float, look: Look | None = None) -> Tracks:
        """Advance to ``time_s`` and answer the confirmed tracks; ``look`` is not used.

        Raises
        ------
        ValueError
            When ``time_s`` does not lie after that of the call before, or when the embeddings have
            another length than before.
        """
        del look
        config, table, noise = self.config, self._table, self._noise
        embeddings = detections.embeddings
        if embeddings is None:
            embeddings = np.full((len(detections), 1), np.nan, np.float32)
        self._gallery.check(embeddings)
        step = self._clock.advance(time_s)
        process = noise.process(table.mean[..., 0])
        table.mean, table.cov = predict(table.mean, table.cov, step, process)
        measured = xyah_from_xyxy(detections.xyxy)
        rows, found, left = self._associate(detections, measured, embeddings)

        mean, cov = table.mean[rows], table.cov[rows]
        variance = noise.measurement(mean[..., 0])
        table.mean[rows], table.cov[rows] = correct(mean, cov, measured[found], variance)
        table.hit(rows, found, detections.scores[found], time_s)
        self._gallery.append(rows, embeddings[found])
        kept = table.forget(time_s, config.max_lost_s)
        if kept is not None:
            self._gallery.keep(kept)
        self._begin(np.flatnonzero(left), detections, measured, embeddings, time_s)
        table.confirm(config.min_hits)
        return table.report(xyxy_from_xyah(table.mean[..., 0]), time_s, config.coast_s)

    def _associate(
        self, detections: Detections, measured: FloatArray, embeddings: Float32Array
    ) -> tuple[IntArray, IntArray, BoolArray]:
        """Rows of tracks, rows of their detections, and the usable detections that are left."""
        config, table = self.config, self._table
        usable = detections.scores >= config.min_score
        rows, found, free, left = self._cascade(measured, embeddings, usable)
        pairs, iou = pairs_by_iou(
            xyxy_from_xyah(table.mean[..., 0]), detections.xyxy, config.min_iou
        )
        # Overlap says little about a track lost for long, unless nothing else is known.
        tracks = ~table.confirmed
        tracks |= table.seen
        tracks |= ~self._gallery.known
        eligible = tracks[pairs.tracks]
        eligible |= ~has_vector(embeddings)[pairs.detections]
        cost = np.where(eligible, 1.0 - iou, np.inf)
        last = assign(pairs, cost, 1.0 - config.min_iou, free, left)
        return (
            np.concatenate([rows, last.tracks]),
            np.concatenate([found, last.detections]),
            last.unmatched_detections,
        )

    def _cascade(
        self, measured: FloatArray, embeddings: Float32Array, usable: BoolArray
    ) -> tuple[IntArray, IntArray, BoolArray, BoolArray]:
        """Match confirmed tracks by appearance, those seen last come first.

        Answers matched rows of tracks and of detections, and masks of the tracks and detections
        that are left. Wojke et al. (2017), listing 1.
        """
        table = self._table
        variance = self._noise.measurement(table.mean[..., 0])
        pairs = plausible_pairs(table.mean, table.cov, measured, variance, self._gate)
        distance = self._gallery.cosine_distance(pairs.tracks, embeddings[pairs.detections])
        confirmed = table.confirmed
        alike = pairs.tracks[distance <= self.config.max_cosine_distance]
        levels = np.unique(table.seen_s[alike[confirmed[alike]]])
        free, left = np.ones(len(table), dtype=bool), usable
        rows, found = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        for seen_s in levels[::-1]:
            level = confirmed & (table.seen_s == seen_s)
            match = assign(pairs, distance, self.config.max_cosine_distance, level, left)
            rows.append(match.tracks)
            found.append(match.detections)
            free[match.tracks] = False
            left = match.unmatched_detections
        return np.concatenate(rows), np.concatenate(found), free, left

    def _begin(
        self,
        rows: IntArray,
        detections: Detections,
        measured: FloatArray,
        embeddings: Float32Array,
        time_s: float,
    ) -> None:
        """Begin tentative tracks at detections ``rows``."""
        if len(rows) == 0:
            return
        first = len(self._table)
        mean, cov = initiate(measured[rows], self._noise)
        self._table.add(mean, cov, rows, detections.scores[rows], time_s)
        self._gallery.add_tracks(len(rows))
        self._gallery.append(np.arange(first, first + len(rows)), embeddings[rows])
