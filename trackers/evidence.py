"""Evidence: place, size, score and look of a box weighed on one scale, then followed up patiently.

The default of this project. It combines what the literature and our measurements agree on:

* The cost of a pair is minus twice the logarithm of how likely the detection is to be the track's:
  a squared Mahalanobis distance *plus* the logarithm of the uncertainty it was measured with, so
  that a track lost for long, which fits everything a little, does not beat one that was just seen.
* Uncertain boxes extend a track where they overlap its prediction well (after Zhang et al.,
  "ByteTrack", ECCV 2022), but begin none.
* A box that overlaps somebody who is followed already begins no track: detectors see people twice.
* Appearance is remembered only from sure boxes that nobody else overlaps, and it may take up a
  track that was lost for seconds, within the reach of a pedestrian. (The galleries are those of
  Wojke et al., "Deep SORT", ICIP 2017, which take in whoever stands in the box.)
* What was lost after a few detections was probably a false alarm: it is found again only by a sure
  box where it is expected.
* Predictions are reported for a moment after the last detection, while they are mostly right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .association import Matching, Pairs, assign, pairs_by_iou, pairs_in_windows
from .boxes import xyah_from_xyxy, xyxy_from_xyah
from .checks import check_range
from .gallery import Gallery, has_vector
from .kalman import MAX_VARIANCE_RATIO, HeightNoise, correct, initiate, predict
from .lifecycle import Clock, TrackTable
from .types import BoolArray, Detections, Float32Array, FloatArray, IntArray, Look, Tracks

_CENTRE = slice(0, 2)
_HEIGHT = 3
# Logarithms are taken of heights and scores from here on; a prediction may fall below nothing.
_LEAST_HEIGHT_PX, _LEAST_SCORE = 1.0, 1e-3


@dataclass(frozen=True)
class EvidenceConfig:
    """Settings of `Evidence`. Scores are on the scale 0 to 1.

    Attributes
    ----------
    high_score : float
        Detections from this score on are associated by all the evidence.
    low_score : float
        Detections from this score on may extend a track that they overlap.
    new_track_score : float
        Detections from this score on may begin a track; at least ``high_score``.
    max_cost : float
        Largest cost of a pair: 0 for a certain detection just where a track was expected that was
        seen a frame before and whose look is on the threshold; squared standard deviations above.
    size_std : float
        Standard deviation of the logarithm of the height, detection against prediction.
    min_iou_low : float
        Least overlap of a prediction and an uncertain box, above 0 to 1.
    min_hits_lost : int
        A lost track is found again by an uncertain box, or by its look, only if it had so many
        detections before.
    min_iou_tentative : float
        Least overlap of a tentative track and its next detection.
    max_birth_iou : float
        A detection that overlaps the box of a tracked person by this much begins no track; 1 lets
        all begin one. Lower it for detectors that see people twice.
    appearance_weight : float
        How much looks count: a pair of identical look costs this much less, one on the threshold
        costs the same, one beyond it more. 0 leaves looks out of this association.
    max_cosine_distance : float
        Cosine distance, 0 to 2, at which a look speaks neither for nor against a pair, and up to
        which it alone takes up a lost track. It depends on the network that embeds; ask the network
        for the distance at a false-match rate of 0.1 to 1 %.
    gallery_size : int
        Appearance vectors kept per track.
    max_crop_iou : float
        Boxes that another detection overlaps by this much show two people; their looks are ignored.
    reach, reach_per_s : float
        A track that is taken up by its look is at most this far from its prediction, in heights:
        ``reach`` at once, and ``reach_per_s`` more per second it was lost.
    max_height_ratio : float
        Largest ratio of its heights before and after, at least 1.
    min_hits : int
        Detections that confirm a track.
    max_lost_s : float
        A track whose look is known is forgotten after this time without a detection, seconds.
    max_blind_s : float
        The same for tracks without a look, if that is sooner, seconds.
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
    max_cost: float = 9.5
    size_std: float = 0.15
    min_iou_low: float = 0.5
    min_hits_lost: int = 4
    min_iou_tentative: float = 0.3
    max_birth_iou: float = 0.3
    appearance_weight: float = 4.0
    max_cosine_distance: float = 0.15
    gallery_size: int = 50
    max_crop_iou: float = 0.3
    reach: float = 1.0
    reach_per_s: float = 1.0
    max_height_ratio: float = 1.35
    min_hits: int = 2
    max_lost_s: float = 5.0
    max_blind_s: float = 1.0
    coast_s: float = 0.15
    position_std: float = 1.0 / 20.0
    velocity_std: float = 1.0 / 300.0
    reference_fps: float = 30.0

    def __post_init__(self) -> None:
        check_range(self, "low_score", 0.0, 1.0)
        check_range(self, "high_score", self.low_score, 1.0)
        check_range(self, "new_track_score", self.high_score, 1.0)
        for name in ("max_cost", "size_std", "reference_fps", "position_std"):
            check_range(self, name, 0.0, above=True)
        for name in ("min_iou_low", "min_iou_tentative", "max_birth_iou", "max_crop_iou"):
            check_range(self, name, 0.0, 1.0, above=True)
        check_range(self, "max_cosine_distance", 0.0, 2.0, above=True)
        for name in ("appearance_weight", "reach", "reach_per_s"):
            check_range(self, name, 0.0)
        for name in ("max_lost_s", "max_blind_s", "coast_s"):
            check_range(self, name, 0.0)
        for name in ("gallery_size", "max_height_ratio", "min_hits", "min_hits_lost"):
            check_range(self, name, 1)
        most = self.position_std * MAX_VARIANCE_RATIO**0.5
        check_range(self, "velocity_std", 0.0, most, above=True)


class _Observed(NamedTuple):
    """The detections of a frame as association wants them."""

    xyxy: FloatArray
    xyah: FloatArray
    scores: FloatArray
    looks: Float32Array  # NaN where a box shows nobody or two people


class Evidence:
    """Tracks one camera by all evidence at once; a `trackers.types.Tracker`.

    It reads ``Detections.embeddings`` where there are any, and works without.

    Parameters
    ----------
    config : EvidenceConfig, optional
        Settings.
    """

    def __init__(self, config: EvidenceConfig | None = None) -> None:
        self.config = config or EvidenceConfig()
        self._noise = HeightNoise(self.config.position_std, self.config.velocity_std)
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
        observed = self._observe(detections)
        self._gallery.check(observed.looks)
        self._predict(self._clock.advance(time_s))
        rows, found, left = self._associate(observed, time_s)

        mean, cov = table.mean.take(rows, 0), table.cov.take(rows, 0)
        variance = noise.measurement(mean[..., 0])
        measured = observed.xyah.take(found, 0)
        table.mean[rows], table.cov[rows] = correct(mean, cov, measured, variance)
        table.hit(rows, found, observed.scores.take(found), time_s)
        self._gallery.append(rows, observed.looks.take(found, 0))
        blind_s = min(config.max_blind_s, config.max_lost_s)
        kept = table.forget(time_s, np.where(self._gallery.known, config.max_lost_s, blind_s))
        if kept is not None:
            self._gallery.keep(kept)
        self._begin(left, observed, time_s)
        table.confirm(config.min_hits)
        return table.report(xyxy_from_xyah(table.mean[..., 0]), time_s, config.coast_s)

    def _observe(self, detections: Detections) -> _Observed:
        """Boxes in the coordinates of the motion model, and the looks that can be relied on."""
        config, xyxy, scores = self.config, detections.xyxy, detections.scores
        looks = detections.embeddings
        if looks is None:
            looks = np.full((len(scores), 1), np.nan, np.float32)
        else:
            usable = (scores >= config.low_score).nonzero()[0]
            pairs, _ = pairs_by_iou(xyxy, xyxy[usable], config.max_crop_iou)
            clear = scores >= config.high_score
            clear[pairs.tracks[pairs.tracks != usable[pairs.detections]]] = False
            looks = np.where(clear[:, None], looks, np.float32(np.nan))
        return _Observed(xyxy, xyah_from_xyxy(xyxy), scores, looks)

    def _predict(self, step: float) -> None:
        table = self._table
        # The height of a lost track stays: what hid it also made its last boxes shrink.
        table.mean[:, _HEIGHT, 1] *= table.seen
        process = self._noise.process(table.mean[..., 0])
        table.mean, table.cov = predict(table.mean, table.cov, step, process)

    def _associate(self, observed: _Observed, time_s: float) -> tuple[IntArray, IntArray, IntArray]:
        """Rows of tracks, rows of their detections, and the sure detections that are left."""
        config, table, scores = self.config, self._table, observed.scores
        high = scores >= config.high_score
        low = scores >= config.low_score
        low ^= high
        confirmed = table.confirmed
        first = assign(*self._weigh(observed, high), config.max_cost, confirmed, high)
        boxes = xyxy_from_xyah(table.mean[..., 0])
        least_iou = min(config.min_iou_low, config.min_iou_tentative)
        pairs, iou = pairs_by_iou(boxes, observed.xyxy, least_iou)
        cost = 1.0 - iou
        proven = table.seen | (table.hits >= config.min_hits_lost)
        proven &= first.unmatched_tracks
        second = assign(pairs, cost, 1.0 - config.min_iou_low, proven, low)
        matches = [first, second]
        left = first.unmatched_detections
        if self._gallery.known.any():
            third = self._take_up(second.unmatched_tracks, left, observed, time_s)
            matches.append(third)
            left = third.unmatched_detections
        last = assign(pairs, cost, 1.0 - config.min_iou_tentative, ~confirmed, left)
        matches.append(last)
        rows = np.concatenate([match.tracks for match in matches])
        found = np.concatenate([match.detections for match in matches])
        return rows, found, last.unmatched_detections.nonzero()[0]

    def _weigh(self, observed: _Observed, usable: BoolArray) -> tuple[Pairs, FloatArray]:
        """Pairs of confirmed tracks and usable detections that may be one, and their cost (K,).

        With the predicted variance S of the centre, height h and score p, the cost is

            (z - Hx)ᵀ S⁻¹ (z - Hx) + ln det S / S₀ + ln²(h / h_z) / σ² - 2 ln p + looks,

        where S₀ is what S is at least: the prediction of a frame and the noise of the measurement.
        """
        config = self.config
        mean, cov = self._table.mean, self._table.cov
        height = np.maximum(mean[:, _HEIGHT, 0], _LEAST_HEIGHT_PX)
        variance = cov[:, _CENTRE, 0] + self._noise.measurement(mean[..., 0])[:, _CENTRE]
        least = 2.0 * (config.position_std * height) ** 2
        uncertainty = np.log(variance / least[:, None]).sum(axis=1)
        # What a track can still afford bounds how far off in x a detection may be.
        affordable = np.maximum(config.max_cost + config.appearance_weight - uncertainty, 0.0)
        reach = np.sqrt(affordable * variance[:, 0]) * self._table.confirmed
        columns = usable.nonzero()[0]
        x = mean[:, 0, 0]
        near = pairs_in_windows(x - reach, x + reach, observed.xyah[columns, 0])
        tracks, detections = near.tracks, columns[near.detections]

        off = observed.xyah[detections, _CENTRE] - mean[tracks, _CENTRE, 0]
        off *= off
        off /= variance[tracks]
        cost = off.sum(axis=1) + uncertainty[tracks]
        growth = np.log(height[tracks] / observed.xyah[detections, _HEIGHT]) / config.size_std
        cost += growth * growth
        cost -= 2.0 * np.log(np.maximum(observed.scores[detections], _LEAST_SCORE))
        possible = cost <= config.max_cost + config.appearance_weight
        pairs = Pairs(tracks[possible], detections[possible])
        return pairs, cost[possible] + self._looks_cost(pairs, observed)

    def _looks_cost(self, pairs: Pairs, observed: _Observed) -> FloatArray:
        """What the looks of pairs cost (K,): their weight times (distance / threshold - 1).

        Where one side has no look, it speaks neither for nor against the pair.
        """
        weight = self.config.appearance_weight
        if weight == 0.0:
            return np.zeros(len(pairs.tracks))
        distance = self._gallery.cosine_distance(pairs.tracks, observed.looks[pairs.detections])
        excess = distance / self.config.max_cosine_distance - 1.0
        cost: FloatArray = weight * np.where(np.isinf(distance), 0.0, excess)
        return cost

    def _take_up(
        self, free: BoolArray, left: BoolArray, observed: _Observed, time_s: float
    ) -> Matching:
        """Match lost tracks with detections of their look that a pedestrian could have reached."""
        config, mean = self.config, self._table.mean
        lost_s = time_s - self._table.seen_s
        height = np.maximum(mean[:, _HEIGHT, 0], _LEAST_HEIGHT_PX)
        free = free & self._gallery.known
        reach = height * (config.reach + config.reach_per_s * lost_s) * free
        columns = (left & has_vector(observed.looks)).nonzero()[0]
        x = mean[:, 0, 0]
        near = pairs_in_windows(x - reach, x + reach, observed.xyah[columns, 0])
        tracks, detections = near.tracks, columns[near.detections]
        off = observed.xyah[detections, _CENTRE] - mean[tracks, _CENTRE, 0]
        growth = np.abs(np.log(height[tracks] / observed.xyah[detections, _HEIGHT]))
        possible = np.hypot(off[:, 0], off[:, 1]) <= reach[tracks]
        possible &= growth <= np.log(config.max_height_ratio)
        pairs = Pairs(tracks[possible], detections[possible])
        distance = self._gallery.cosine_distance(pairs.tracks, observed.looks[pairs.detections])
        return assign(pairs, distance, config.max_cosine_distance, free, left)

    def _begin(self, rows: IntArray, observed: _Observed, time_s: float) -> None:
        """Begin tentative tracks at detections ``rows`` that are sure and nobody's double."""
        config, table = self.config, self._table
        rows = rows[observed.scores[rows] >= config.new_track_score]
        if len(rows) and config.max_birth_iou < 1.0:
            tracked = (table.confirmed & table.seen).nonzero()[0]
            boxes = xyxy_from_xyah(table.mean[tracked, :, 0])
            double, _ = pairs_by_iou(boxes, observed.xyxy[rows], config.max_birth_iou)
            rows = np.delete(rows, double.detections)
        if len(rows) == 0:
            return
        first = len(table)
        table.add(*initiate(observed.xyah[rows], self._noise), rows, observed.scores[rows], time_s)
        self._gallery.add_tracks(len(rows))
        self._gallery.append(np.arange(first, first + len(rows)), observed.looks[rows])
