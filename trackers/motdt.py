"""MOTDT: detections and predictions compete as candidates, judged by a person classifier.

Long, Ai, Zhuang and Shang, "Real-time multiple people tracking with deeply learned candidate
selection and person re-identification", ICME 2018.

Every frame, the predicted boxes of known tracks stand beside the detections. An image-based scorer,
asked through `Look.score`, judges all of them; non-maximum suppression keeps the best of each
place. Where a detector misses somebody, the prediction takes the place of the detection; where a
prediction drifts off, its score falls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import chdtri

from .association import Matching, assign, pairs_by_iou
from .boxes import xyah_from_xyxy, xyxy_from_xyah
from .candidates import CONDITIONS, Candidates, Tracklets, probabilities, suppress
from .checks import check_range
from .gallery import Gallery, has_vector
from .gating import plausible_pairs
from .kalman import MAX_VARIANCE_RATIO, HeightNoise, correct, initiate, predict
from .lifecycle import TIME_TOLERANCE_S, Clock, TrackTable
from .types import BoolArray, Detections, Float32Array, FloatArray, IntArray, Look, Tracks

_COORDINATES = 4  # degrees of freedom of a measured box
_HEIGHT = 3
_CONFIRMING_HITS = 2  # a new track is unconfirmed until it is matched again


@dataclass(frozen=True)
class MotdtConfig:
    """Settings of `Motdt`. Scores are on the scale 0 to 1.

    Attributes
    ----------
    use_scorer : bool
        Ask `Look.score` to judge candidates, and let predicted boxes be candidates. Without it the
        detections are the only candidates, each with its own score, and nothing is suppressed.
    use_embedder : bool
        Ask `Look.embed` for the vectors of the detections that are left after the selection, where
        they bring none of their own.
    min_score : float
        Candidates below are dropped.
    nms_iou : float
        Of two candidates that overlap by more than this the weaker is dropped, above 0 to 1; only
        with the scorer.
    confidence_condition : str
        When the predictions of a track count at all: ``"updates"`` as in the published code,
        ``"detections"`` as in the paper; see `candidates.Tracklets`.
    max_cosine_distance : float
        Largest cosine distance, 0 to 2, between a detection and the nearest appearance vector of
        its track. It belongs to the network that embeds: take it from the network's statistics, as
        the distance below which a small share of different people come. (The published 0.64 is a
        Euclidean distance d of unit vectors of its own network: d**2 / 2 = 0.2.)
    gallery_size : int
        Appearance vectors kept per track.
    gate_probability : float
        A detection lies within the gate of its own track with this probability, below 1.
    min_iou : float
        Least overlap in the associations without appearance, above 0 to 1.
    new_track_score : float
        Detections from this score on may begin a track; at least ``min_score``.
    max_lost_s : float
        A track is forgotten after this time without a candidate, seconds.
    coast_s : float
        Predicted boxes of lost tracks are reported for this time, seconds. With the scorer
        ``lost_shown_s`` holds instead.
    lost_shown_s, lost_shown_score : float
        With the scorer, predicted boxes of lost tracks are reported for this time, seconds, while
        they score above ``lost_shown_score``.
    position_std, velocity_std : float
        Noise of the motion model as a part of the height of a box, see `kalman.HeightNoise`; the
        second is at most 3.46 times the first, see `kalman.predict`.
    reference_fps : float
        Rate for which the noise is stated, frames per second. It is a unit of time and need not be
        the rate of the video: steps are taken from the times of the frames.
    """

    use_scorer: bool = False
    use_embedder: bool = False
    min_score: float = 0.4
    nms_iou: float = 0.3
    confidence_condition: Literal["updates", "detections"] = "updates"
    max_cosine_distance: float = 0.2
    gallery_size: int = 100
    gate_probability: float = 0.95
    min_iou: float = 0.3
    new_track_score: float = 0.6
    max_lost_s: float = 1.0
    coast_s: float = 0.0
    lost_shown_s: float = 4.0 / 30.0
    lost_shown_score: float = 0.3
    position_std: float = 1.0 / 20.0
    velocity_std: float = 1.0 / 160.0
    reference_fps: float = 30.0

    def __post_init__(self) -> None:
        check_range(self, "min_score", 0.0, 1.0)
        check_range(self, "nms_iou", 0.0, 1.0, above=True)
        if self.confidence_condition not in CONDITIONS:
            raise ValueError(
                f"MotdtConfig.confidence_condition: expected one of {', '.join(CONDITIONS)}, "
                f"got {self.confidence_condition!r}"
            )
        check_range(self, "max_cosine_distance", 0.0, 2.0)
        check_range(self, "gallery_size", 1)
        check_range(self, "gate_probability", 0.0, 1.0 - 1e-9, above=True)
        check_range(self, "min_iou", 0.0, 1.0, above=True)
        check_range(self, "new_track_score", self.min_score, 1.0)
        check_range(self, "max_lost_s", 0.0)
        check_range(self, "coast_s", 0.0)
        check_range(self, "lost_shown_s", 0.0)
        check_range(self, "lost_shown_score", 0.0, 1.0)
        check_range(self, "position_std", 0.0, above=True)
        most = self.position_std * MAX_VARIANCE_RATIO**0.5
        check_range(self, "velocity_std", 0.0, most, above=True)
        check_range(self, "reference_fps", 0.0, above=True)


class Motdt:
    """Tracks one camera by scored candidates, appearance and overlap; a `trackers.types.Tracker`.

    Appearance comes from ``Detections.embeddings`` or, by ``use_embedder``, from the look. Where
    neither side of a pair has a vector the published rules would never find a lost track again;
    then, and only then, overlap decides about lost tracks, too.

    Parameters
    ----------
    config : MotdtConfig, optional
        Settings.
    """

    def __init__(self, config: MotdtConfig | None = None) -> None:
        self.config = config or MotdtConfig()
        self._noise = HeightNoise(self.config.position_std, self.config.velocity_std)
        self._gate = float(chdtri(_COORDINATES, 1.0 - self.config.gate_probability))
        self._clock = Clock(self.config.reference_fps)
        self._table = TrackTable.empty(*initiate(np.zeros((0, 4)), self._noise))
        self._gallery = Gallery(self.config.gallery_size)
        self._tracklets = Tracklets.empty()
        self._tracked: BoolArray = np.zeros(0, dtype=bool)  # updated in the frame before

    def update(self, detections: Detections, time_s: float, look: Look | None = None) -> Tracks:
        """Advance to ``time_s`` and answer the confirmed tracks.

        Raises
        ------
        ValueError
            When ``time_s`` does not lie after that of the call before, when the embeddings have
            another length than before, or when the look is needed and missing or its scores are no
            probabilities.
        """
        config, table = self.config, self._table
        if look is None and (config.use_scorer or config.use_embedder):
            raise ValueError("look: expected one, by use_scorer or use_embedder, got None")
        if detections.embeddings is not None:
            self._gallery.check(detections.embeddings)
        self._predict(self._clock.advance(time_s))
        predicted_xyxy = xyxy_from_xyah(table.mean[..., 0])
        candidates, judged = self._select(detections, predicted_xyxy, look)

        measured = xyah_from_xyxy(candidates.xyxy)
        rows, found, left = self._associate(candidates, measured, predicted_xyxy)
        self._take_in(rows, found, candidates, measured, time_s)
        table.confirm(_CONFIRMING_HITS)
        tracks = self._report(judged, time_s)
        kept = table.forget(time_s, config.max_lost_s)
        if kept is not None:
            self._gallery.keep(kept)
            self._tracklets.keep(kept)
        left &= candidates.scores >= config.new_track_score
        self._begin(left.nonzero()[0], candidates, measured, time_s)
        self._tracked = table.seen_s == time_s
        return tracks

    def _predict(self, step: float) -> None:
        table = self._table
        # The height of a lost track stays: what hid it also made its last boxes shrink.
        table.mean[:, _HEIGHT, 1] *= self._tracked
        process = self._noise.process(table.mean[..., 0])
        table.mean, table.cov = predict(table.mean, table.cov, step, process)

    def _select(
        self, detections: Detections, predicted_xyxy: FloatArray, look: Look | None
    ) -> tuple[Candidates, FloatArray]:
        """Candidates of this frame, and what the scorer thinks of every track's prediction (N,)."""
        config, count = self.config, len(detections)
        xyxy, scores = detections.xyxy, detections.scores
        det_index = np.arange(count)
        judged = np.zeros(len(predicted_xyxy))
        keep = np.ones(count, dtype=bool)
        if look is not None and config.use_scorer:
            rows = self._table.confirmed.nonzero()[0]
            xyxy = np.concatenate([xyxy, predicted_xyxy[rows]])
            det_index = np.concatenate([det_index, np.full(len(rows), -1)])
            scores = probabilities(look.score(xyxy), len(xyxy))
            judged[rows] = scores[count:]
            # A detection stands for itself, whatever the detector's score was.
            trust = self._tracklets.confidence(config.confidence_condition)
            scores = np.concatenate([scores[:count], scores[count:] * trust[rows]])
            keep = suppress(xyxy, scores, config.nms_iou)
        keep &= scores >= config.min_score
        embeddings = self._embed(detections, xyxy, det_index, keep, look)
        return Candidates(xyxy[keep], scores[keep], det_index[keep], embeddings), judged

    def _embed(
        self,
        detections: Detections,
        xyxy: FloatArray,
        det_index: IntArray,
        keep: BoolArray,
        look: Look | None,
    ) -> Float32Array:
        """Vectors of the candidates that are kept: those of detections, NaN for predictions."""
        rows = det_index[keep]
        detected = rows >= 0
        given = detections.embeddings
        if given is not None:
            vectors = given[rows[detected]]
        elif look is not None and self.config.use_embedder:
            vectors = look.embed(xyxy[keep][detected])
            self._gallery.check(vectors)
        else:
            vectors = np.full((int(np.count_nonzero(detected)), 1), np.nan, np.float32)
        embeddings = np.full((len(rows), vectors.shape[1]), np.nan, np.float32)
        embeddings[detected] = vectors
        return embeddings

    def _associate(
        self, candidates: Candidates, measured: FloatArray, predicted_xyxy: FloatArray
    ) -> tuple[IntArray, IntArray, BoolArray]:
        """Rows of tracks, rows of their candidates, and the detections that are left."""
        config, confirmed = self.config, self._table.confirmed
        detected = candidates.detected
        # Among unit vectors the squared Euclidean distance is twice the cosine distance.
        mean, cov = self._table.mean, self._table.cov
        variance = self._noise.measurement(mean[..., 0])
        near = plausible_pairs(mean, cov, measured, variance, self._gate)
        cosine = self._gallery.cosine_distance(near.tracks, candidates.embeddings[near.detections])
        alike = np.sqrt(2.0 * np.maximum(cosine, 0.0))
        furthest = float(np.sqrt(2.0 * config.max_cosine_distance))
        first = assign(near, alike, furthest, confirmed & self._tracked, detected)
        lost = confirmed & ~self._tracked
        second = assign(near, alike, furthest, lost, first.unmatched_detections)

        pairs, iou = pairs_by_iou(predicted_xyxy, candidates.xyxy, config.min_iou)
        apart, furthest = 1.0 - iou, 1.0 - config.min_iou
        free = second.unmatched_detections | ~detected
        third = assign(pairs, apart, furthest, first.unmatched_tracks, free)
        free = third.unmatched_detections & detected
        blind = ~self._gallery.known[pairs.tracks]
        blind |= ~has_vector(candidates.embeddings)[pairs.detections]
        unseen = np.where(blind, apart, np.inf)
        fourth = assign(pairs, unseen, furthest, second.unmatched_tracks, free)
        fifth = assign(pairs, apart, furthest, ~confirmed, fourth.unmatched_detections)
        matchings: list[Matching] = [first, second, third, fourth, fifth]
        return (
            np.concatenate([match.tracks for match in matchings]),
            np.concatenate([match.detections for match in matchings]),
            fifth.unmatched_detections,
        )

    def _take_in(
        self,
        rows: IntArray,
        found: IntArray,
        candidates: Candidates,
        measured: FloatArray,
        time_s: float,
    ) -> None:
        """Correct the tracks ``rows`` by their candidates, and count what happened to them."""
        table = self._table
        mean, cov = table.mean[rows], table.cov[rows]
        variance = self._noise.measurement(mean[..., 0])
        table.mean[rows], table.cov[rows] = correct(mean, cov, measured[found], variance)
        table.hit(rows, candidates.det_index[found], candidates.scores[found], time_s)
        self._gallery.append(rows, candidates.embeddings[found])
        again = ~self._tracked[rows]
        self._tracklets.restart(rows[again])
        self._tracklets.update(rows[~again], candidates.detected[found[~again]])

    def _report(self, judged: FloatArray, time_s: float) -> Tracks:
        """Confirmed tracks that were updated, and lost ones for the moment they are shown."""
        config, table = self.config, self._table
        lost_s = config.lost_shown_s if config.use_scorer else config.coast_s
        since = time_s - min(lost_s, config.max_lost_s) - TIME_TOLERANCE_S
        shown = table.seen_s >= since
        if config.use_scorer:
            shown &= judged > config.lost_shown_score
        shown |= table.seen_s == time_s
        shown &= table.confirmed
        rows = shown.nonzero()[0]
        xyxy = xyxy_from_xyah(table.mean[rows, :, 0])
        return Tracks(table.ids[rows], xyxy, table.scores[rows], table.det_index[rows])

    def _begin(
        self, rows: IntArray, candidates: Candidates, measured: FloatArray, time_s: float
    ) -> None:
        """Begin unconfirmed tracks at candidates ``rows``."""
        if len(rows) == 0:
            return
        first = len(self._table)
        mean, cov = initiate(measured[rows], self._noise)
        self._table.add(mean, cov, candidates.det_index[rows], candidates.scores[rows], time_s)
        self._tracklets.add(len(rows))
        self._gallery.add_tracks(len(rows))
        self._gallery.append(np.arange(first, first + len(rows)), candidates.embeddings[rows])
