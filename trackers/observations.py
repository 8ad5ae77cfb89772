"""The last boxes that were observed of every track, for trackers that trust them over a filter."""

from __future__ import annotations

import numpy as np

from .types import BoolArray, FloatArray, IntArray


class Observations:
    """The last ``depth`` boxes of each track with their times, rows in step with a `TrackTable`.

    Parameters
    ----------
    depth : int
        Boxes kept per track.

    Attributes
    ----------
    xyxy : (N, depth, 4) float64
        Boxes, the newest last. Places not yet used repeat the first box.
    time_s : (N, depth) float64
        When they were observed, seconds; minus infinity in places not yet used.
    """

    def __init__(self, depth: int) -> None:
        self.xyxy: FloatArray = np.zeros((0, depth, 4))
        self.time_s: FloatArray = np.zeros((0, depth))

    @property
    def last_xyxy(self) -> FloatArray:
        """The newest box of every track (N, 4)."""
        newest: FloatArray = self.xyxy[:, -1]
        return newest

    def keep(self, rows: BoolArray) -> None:
        """Drop the tracks whose entry in the mask (N,) is False."""
        self.xyxy, self.time_s = self.xyxy[rows], self.time_s[rows]

    def add_tracks(self, xyxy: FloatArray, time_s: float) -> None:
        """Begin tracks at boxes (K, 4), behind the others."""
        depth = self.time_s.shape[1]
        times = np.full((len(xyxy), depth), -np.inf)
        times[:, -1] = time_s
        self.xyxy = np.concatenate([self.xyxy, np.repeat(xyxy[:, None], depth, axis=1)])
        self.time_s = np.concatenate([self.time_s, times])

    def append(self, rows: IntArray, xyxy: FloatArray, time_s: float) -> None:
        """Note one box (K, 4) for each of the tracks ``rows`` (K,)."""
        self.xyxy[rows, :-1] = self.xyxy[rows, 1:]
        self.time_s[rows, :-1] = self.time_s[rows, 1:]
        self.xyxy[rows, -1] = xyxy
        self.time_s[rows, -1] = time_s

    def before_newest(self, window_s: float) -> IntArray:
        """Place (N,) of the oldest box at most ``window_s`` older than the newest.

        Where no other is so recent, the box before the newest; where there is only one, its own
        place, the last.
        """
        depth = self.time_s.shape[1]
        recent = self.time_s >= self.time_s[:, -1:] - window_s
        place: IntArray = recent.argmax(axis=1)
        if depth > 1:
            alone = place == depth - 1
            place[alone & np.isfinite(self.time_s[:, -2])] = depth - 2
        return place
