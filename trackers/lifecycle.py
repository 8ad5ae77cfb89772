"""The life of tracks: born tentative, confirmed by further detections, lost, forgotten.

A track is **tentative** until it has been detected ``min_hits`` times, and is dropped at once when
a frame passes without it. It is then **tracked** while detections are found for it, **lost** while
they are not, and forgotten when it has been lost for longer than ``max_lost_s``. A track receives
its identity when it is confirmed, so that false alarms use up none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .types import BoolArray, FloatArray, IntArray, Tracks

# Frame times are multiples of a period that float64 cannot hold; ages are compared this loosely.
TIME_TOLERANCE_S = 1e-6
_STEP_DIGITS = 6


class Clock:
    """Turns time in seconds into steps in frames of a reference rate.

    Parameters
    ----------
    reference_fps : float
        Frames per second in which steps are counted.
    """

    def __init__(self, reference_fps: float) -> None:
        self._reference_fps = reference_fps
        self._time_s: float | None = None

    def advance(self, time_s: float) -> float:
        """Frames since the call before; 0 at the first call.

        Raises
        ------
        ValueError
            When ``time_s`` is not finite or does not lie after the time of the call before.
        """
        before = self._time_s
        if before is None:
            before = time_s
        elif not time_s > before:
            raise ValueError(f"time_s: expected a time after {before}, got {time_s}")
        step = (time_s - before) * self._reference_fps
        if not math.isfinite(step):
            raise ValueError(f"time_s: expected a finite time, got {time_s}")
        self._time_s = time_s
        # Frame times are rounded multiples of a period; without that noise equal steps are equal.
        return round(step, _STEP_DIGITS)


@dataclass(eq=False)
class TrackTable:
    """All living tracks of one tracker as parallel arrays, in the order of their birth.

    Attributes
    ----------
    mean, cov : (N, ...) float64
        State of the motion model, one row per track; the table does not look inside.
    ids : (N,) int64
        Identity from 1, or 0 while the track is tentative.
    hits : (N,) int64
        Detections so far.
    seen_s : (N,) float64
        Time of the last detection, seconds.
    scores : (N,) float64
        Score of the last detection.
    det_index : (N,) int64
        Row of the detection of this frame, or -1.
    next_id : int
        Identity that the next confirmed track receives.
    """

    mean: FloatArray
    cov: FloatArray
    ids: IntArray
    hits: IntArray
    seen_s: FloatArray
    scores: FloatArray
    det_index: IntArray
    next_id: int = 1

    @staticmethod
    def empty(mean: FloatArray, cov: FloatArray) -> TrackTable:
        """A table without tracks; ``mean`` and ``cov`` are arrays of no rows."""
        none = np.zeros(0, np.int64)
        return TrackTable(mean, cov, none, none, np.zeros(0), np.zeros(0), none)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def confirmed(self) -> BoolArray:
        """Tracks that are not tentative any more (N,)."""
        return self.ids > 0

    @property
    def seen(self) -> BoolArray:
        """Tracks that have a detection in the last frame that was taken in (N,)."""
        return self.det_index >= 0

    def hit(self, rows: IntArray, det_index: IntArray, scores: FloatArray, time_s: float) -> None:
        """Note the detections of this frame: those of ``rows``, and none for all other tracks."""
        self.det_index.fill(-1)
        self.det_index[rows] = det_index
        self.scores[rows] = scores
        self.seen_s[rows] = time_s
        self.hits[rows] += 1

    def forget(self, time_s: float, max_lost_s: float | FloatArray) -> BoolArray | None:
        """Drop tentative tracks without a detection and tracks lost for too long.

        ``max_lost_s`` is one time for all tracks or one for each (N,).
        Returns the mask of those that stay, for what is kept beside the table, or None when all do.
        """
        keep = self.seen_s >= time_s - max_lost_s - TIME_TOLERANCE_S
        keep &= self.confirmed
        keep |= self.seen
        if np.count_nonzero(keep) == len(keep):
            return None
        rows = keep.nonzero()[0]
        self.mean, self.cov = self.mean.take(rows, 0), self.cov.take(rows, 0)
        self.ids, self.hits = self.ids.take(rows), self.hits.take(rows)
        self.seen_s, self.scores = self.seen_s.take(rows), self.scores.take(rows)
        self.det_index = self.det_index.take(rows)
        return keep

    def add(
        self,
        mean: FloatArray,
        cov: FloatArray,
        det_index: IntArray,
        scores: FloatArray,
        time_s: float,
    ) -> None:
        """Begin tentative tracks at the end of the table."""
        born = len(det_index)
        self.mean = np.concatenate([self.mean, mean])
        self.cov = np.concatenate([self.cov, cov])
        self.ids = np.concatenate([self.ids, np.zeros(born, np.int64)])
        self.hits = np.concatenate([self.hits, np.ones(born, np.int64)])
        self.seen_s = np.concatenate([self.seen_s, np.full(born, time_s)])
        self.scores = np.concatenate([self.scores, scores])
        self.det_index = np.concatenate([self.det_index, det_index])

    def confirm(self, min_hits: int) -> None:
        """Give an identity to tentative tracks that have ``min_hits`` detections."""
        ready = self.hits >= min_hits
        ready &= self.ids == 0
        count = int(np.count_nonzero(ready))
        if count:
            self.ids[ready] = np.arange(self.next_id, self.next_id + count)
            self.next_id += count

    def report(self, xyxy: FloatArray, time_s: float, coast_s: float) -> Tracks:
        """Confirmed tracks that were detected in this frame or at most ``coast_s`` ago.

        ``xyxy`` (N, 4) are the boxes of all tracks of the table.
        """
        shown = self.seen_s >= time_s - coast_s - TIME_TOLERANCE_S
        shown &= self.confirmed
        rows = shown.nonzero()[0]
        return Tracks(
            self.ids.take(rows),
            xyxy.take(rows, 0),
            self.scores.take(rows),
            self.det_index.take(rows),
        )
