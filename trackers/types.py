"""The types that flow into and out of a single-camera tracker.

Boxes are ``xyxy`` float64 pixels (left, top, right, bottom); the ``tlwh`` of MOT files exists only
at the file border. Arrays are parallel: row ``i`` of every field speaks of the same box. Every type
is validated at birth, so that no later stage has to ask whether shapes fit or values are finite.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


def _check_boxes(owner: str, xyxy: FloatArray) -> None:
    if xyxy.ndim != 2 or xyxy.shape[1] != 4:
        raise ValueError(f"{owner}.xyxy: expected shape (N, 4), got {xyxy.shape}")
    # Cheap and enough for sound boxes; which row is at fault is only asked when one is.
    if math.isfinite(np.vdot(xyxy, xyxy)) and not np.count_nonzero(xyxy[:, 2:] < xyxy[:, :2]):
        return
    if not np.isfinite(xyxy).all():
        row = int(np.flatnonzero(~np.isfinite(xyxy).all(axis=1))[0])
        raise ValueError(
            f"{owner}.xyxy: expected finite boxes, got {xyxy[row].tolist()} in row {row}"
        )
    negative = (xyxy[:, 2] < xyxy[:, 0]) | (xyxy[:, 3] < xyxy[:, 1])
    if negative.any():
        row = int(np.flatnonzero(negative)[0])
        raise ValueError(
            f"{owner}.xyxy: expected x1 <= x2 and y1 <= y2, got {xyxy[row].tolist()} in row {row}"
        )


def _check_rows(owner: str, name: str, values: npt.NDArray[np.generic], rows: int) -> None:
    if values.shape != (rows,):
        raise ValueError(f"{owner}.{name}: expected shape ({rows},), got {values.shape}")


@dataclass(frozen=True, eq=False)
class Detections:
    """The people found in one image.

    Attributes
    ----------
    xyxy : (N, 4) float64
        Boxes in pixels. They may reach beyond the image.
    scores : (N,) float64
        Detector confidence on the scale the detector uses; no NaN. Trackers document what they
        expect.
    embeddings : (N, D) float32 or None
        One L2-normalised appearance vector per box, or a row of NaN where a box had no pixels to
        look at. ``None`` when appearance was not asked for.

    Raises
    ------
    ValueError
        On wrong shapes, boxes that are not finite or have negative size, or scores that are NaN.
    """

    xyxy: FloatArray
    scores: FloatArray
    embeddings: Float32Array | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "xyxy", np.asarray(self.xyxy, dtype=np.float64))
        object.__setattr__(self, "scores", np.asarray(self.scores, dtype=np.float64))
        _check_boxes("Detections", self.xyxy)
        _check_rows("Detections", "scores", self.scores, len(self.xyxy))
        if np.isnan(self.scores).any():
            raise ValueError("Detections.scores: expected numbers, got NaN")
        if self.embeddings is not None:
            embeddings = np.asarray(self.embeddings, dtype=np.float32)
            object.__setattr__(self, "embeddings", embeddings)
            if embeddings.ndim != 2 or len(embeddings) != len(self.xyxy):
                raise ValueError(
                    f"Detections.embeddings: expected shape ({len(self.xyxy)}, D), "
                    f"got {embeddings.shape}"
                )

    def __len__(self) -> int:
        return len(self.xyxy)

    def __getitem__(self, rows: BoolArray | IntArray | slice) -> Detections:
        """Select rows by mask, index array or slice."""
        embeddings = None if self.embeddings is None else self.embeddings[rows]
        return Detections(self.xyxy[rows], self.scores[rows], embeddings)

    @staticmethod
    def empty(embedding_dim: int | None = None) -> Detections:
        """An image without people; with ``embedding_dim`` the embeddings are a (0, D) array."""
        embeddings = None if embedding_dim is None else np.zeros((0, embedding_dim), np.float32)
        return Detections(np.zeros((0, 4)), np.zeros(0), embeddings)


@dataclass(frozen=True, eq=False)
class Tracks:
    """The people a tracker reports for one frame.

    Attributes
    ----------
    ids : (M,) int64
        Identities from 1 upwards, each at most once. They belong to one tracker *instance*.
    xyxy : (M, 4) float64
        Boxes in pixels.
    scores : (M,) float64
        Confidence of the track in this frame.
    det_index : (M,) int64
        Row of the detection that the track was matched with in this frame, or -1 while it coasts on
        its motion model, so that nobody downstream has to associate again.

    Raises
    ------
    ValueError
        On wrong shapes, ids below 1 or given twice, indices below -1.
    """

    ids: IntArray
    xyxy: FloatArray
    scores: FloatArray
    det_index: IntArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", np.asarray(self.ids, dtype=np.int64))
        object.__setattr__(self, "xyxy", np.asarray(self.xyxy, dtype=np.float64))
        object.__setattr__(self, "scores", np.asarray(self.scores, dtype=np.float64))
        object.__setattr__(self, "det_index", np.asarray(self.det_index, dtype=np.int64))
        _check_boxes("Tracks", self.xyxy)
        rows = len(self.xyxy)
        if not self.ids.shape == self.scores.shape == self.det_index.shape == (rows,):
            for name in ("ids", "scores", "det_index"):
                _check_rows("Tracks", name, getattr(self, name), rows)
        ids = self.ids.tolist()  # a frame holds few: sets are quicker than sorting arrays
        if rows and min(ids) < 1:
            raise ValueError(f"Tracks.ids: expected ids from 1, got {min(ids)}")
        if len(set(ids)) != rows:
            raise ValueError("Tracks.ids: expected every id at most once in a frame")
        if np.count_nonzero(self.det_index < -1):
            raise ValueError(
                f"Tracks.det_index: expected -1 or a row, got {int(self.det_index.min())}"
            )

    def __len__(self) -> int:
        return len(self.xyxy)

    @staticmethod
    def empty() -> Tracks:
        """A frame in which nobody is tracked."""
        return Tracks(np.zeros(0, np.int64), np.zeros((0, 4)), np.zeros(0), np.zeros(0, np.int64))


class Look(Protocol):
    """What a tracker may ask of the *current* image, so that trackers stay free of images.

    Trackers that score or embed boxes of their own making (MOTDT), or that compensate for a moving
    camera (BoT-SORT), call it; the pipeline binds it to the frame.
    """

    def score(self, xyxy: FloatArray) -> FloatArray:
        """Probability that each of the (N, 4) boxes holds a person: (N,) in 0 to 1."""
        ...

    def embed(self, xyxy: FloatArray) -> Float32Array:
        """L2-normalised appearance vectors (N, D) of the (N, 4) boxes; NaN rows for empty boxes."""
        ...

    def camera_motion(self) -> FloatArray:
        """Affine map (2, 3) from pixels of the previous frame to pixels of this frame."""
        ...


class Tracker(Protocol):
    """A single-camera tracker: detections of one frame in, identities out."""

    def update(self, detections: Detections, time_s: float, look: Look | None = None) -> Tracks:
        """Advance to ``time_s`` (seconds, strictly increasing; steps may be uneven).

        Call it for every frame, also for those without detections.
        """
        ...
