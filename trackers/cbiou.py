"""C-BIoU: boxes with a buffer around them, first a small one, then a larger one.

Yang, Odashima, Masui and Jiang, "Hard to track objects with irregular motions and similar
appearances? Make it easier by buffering the matching space", WACV 2023. There is no filter: a track
goes on with the mean velocity of its last boxes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .association import Matching, assign, pairs_by_iou
from .boxes import buffered
from .checks import check_range
from .lifecycle import Clock, TrackTable
from .observations import Observations
from .types import BoolArray, Detections, FloatArray, Look, Tracks


@dataclass(frozen=True)
class CbIouConfig:
    """Settings of `CbIou`.

    Attributes
    ----------
    min_score : float
        Detections below this score, on the scale 0 to 1, are ignored.
    small_buffer, large_buffer : float
        Boxes are widened on each side by this part of their width and height, in the first and in
        the second association; the second is at least the first. Equations 1 and 2 of the paper.
    min_iou : float
        Least overlap of the widened boxes, above 0 to 1.
    velocity_steps : int
        Steps between boxes over which the velocity of a track is averaged.
    min_hits : int
        Detections that confirm a track.
    max_lost_s : float
        A track is forgotten after this time without a detection, seconds.
    coast_s : float
        Predicted boxes are reported for this time after the last detection, seconds; with 0 a track
        is reported only in frames where it is detected.
    """

    min_score: float = 0.5
    small_buffer: float = 0.3
    large_buffer: float = 0.5
    min_iou: float = 0.3
    velocity_steps: int = 5
    min_hits: int = 2
    max_lost_s: float = 1.0
    coast_s: float = 0.0

    def __post_init__(self) -> None:
        check_range(self, "min_score", 0.0, 1.0)
        check_range(self, "small_buffer", 0.0)
        check_range(self, "large_buffer", self.small_buffer)
        check_range(self, "min_iou", 0.0, 1.0, above=True)
        check_range(self, "velocity_steps", 1)
        check_range(self, "min_hits", 1)
        check_range(self, "max_lost_s", 0.0)
        check_range(self, "coast_s", 0.0)


class CbIou:
    """Tracks one camera by overlap of widened boxes; a `trackers.types.Tracker`.

    Parameters
    ----------
    config : CbIouConfig, optional
        Settings.
    """

    def __init__(self, config: CbIouConfig | None = None) -> None:
        self.config = config or CbIouConfig()
        self._clock = Clock(reference_fps=1.0)
        # Boxes are the whole state; the table keeps no mean of a filter.
        self._table = TrackTable.empty(np.zeros((0, 0)), np.zeros((0, 0)))
        self._observations = Observations(self.config.velocity_steps + 1)

    def update(self, detections: Detections, time_s: float, look: Look | None = None) -> Tracks:
        """Advance to ``time_s`` and answer the confirmed tracks; ``look`` is not used.

        Raises
        ------
        ValueError
            When ``time_s`` does not lie after that of the call before.
        """
        del look
        config, table = self.config, self._table
        self._clock.advance(time_s)
        predicted = self._predict(time_s)
        everyone = np.ones(len(table), dtype=bool)
        usable = detections.scores >= config.min_score
        first = self._match(predicted, detections, config.small_buffer, everyone, usable)
        second = self._match(
            predicted,
            detections,
            config.large_buffer,
            first.unmatched_tracks,
            first.unmatched_detections,
        )
        rows = np.concatenate([first.tracks, second.tracks])
        found = np.concatenate([first.detections, second.detections])

        table.hit(rows, found, detections.scores.take(found), time_s)
        self._observations.append(rows, detections.xyxy.take(found, 0), time_s)
        kept = table.forget(time_s, config.max_lost_s)
        if kept is not None:
            self._observations.keep(kept)
        born = second.unmatched_detections.nonzero()[0]
        if len(born):
            nothing = np.zeros((len(born), 0))
            table.add(nothing, nothing, born, detections.scores[born], time_s)
            self._observations.add_tracks(detections.xyxy[born], time_s)
        table.confirm(config.min_hits)
        return table.report(self._predict(time_s), time_s, config.coast_s)

    def _predict(self, time_s: float) -> FloatArray:
        """Boxes (N, 4) at ``time_s``: the last box, moved on with the mean velocity.

        Yang et al., equation 3, where steps are a frame; here they are as long as they were. A size
        that would shrink below nothing is nothing.
        """
        xyxy, times = self._observations.xyxy, self._observations.time_s
        last, last_s = xyxy[:, -1], times[:, -1]
        oldest = np.isfinite(times).argmax(axis=1)
        first = np.arange(len(times)), oldest
        duration = last_s - times[first]
        share = (time_s - last_s) / np.where(duration > 0.0, duration, np.inf)
        boxes: FloatArray = last + share[:, None] * (last - xyxy[first])
        middle = 0.5 * (boxes[:, :2] + boxes[:, 2:])
        crossed = boxes[:, 2:] < boxes[:, :2]
        boxes[:, :2] = np.where(crossed, middle, boxes[:, :2])
        boxes[:, 2:] = np.where(crossed, middle, boxes[:, 2:])
        return boxes

    def _match(
        self,
        predicted: FloatArray,
        detections: Detections,
        buffer: float,
        tracks: BoolArray,
        usable: BoolArray,
    ) -> Matching:
        """One round: overlap of boxes with a buffer around both."""
        least = self.config.min_iou
        widened = buffered(predicted, buffer), buffered(detections.xyxy, buffer)
        pairs, iou = pairs_by_iou(*widened, least)
        return assign(pairs, 1.0 - iou, 1.0 - least, tracks, usable)
