"""The people of a frame before tracking: from a detector or a file, filtered, with appearance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from .errors import InputError
from .types import (
    AppearanceModel,
    Detections,
    Detector,
    Float32Array,
    FloatArray,
    Frame,
    Image,
)

Finder = Callable[[Frame], Detections]
"""Where the detections of a frame come from."""

ALIGNMENT_TOLERANCE_PX = 0.51
"""Boxes of a detection file and an embedding file are the same when no edge differs by more."""


def find_with(detector: Detector) -> Finder:
    """Detections by running a detector on the image."""

    def finder(frame: Frame) -> Detections:
        if frame.image is None:
            raise InputError(f"{frame.camera}: a detector needs images, and the sequence has none")
        return detector.detect(frame.image)

    return finder


def find_in(by_frame: Mapping[int, Detections], embedding_dim: int | None = None) -> Finder:
    """Detections read from a file before the run."""
    empty = Detections.empty(embedding_dim)
    return lambda frame: by_frame.get(frame.index, empty)


def join_embeddings(
    detections: Mapping[int, Detections], embedded: Mapping[int, Detections]
) -> dict[int, Detections]:
    """Give detections the vectors that a file holds for the same boxes, in whatever row order.

    Raises
    ------
    InputError
        When a detection has no counterpart; the message names frame and box.
    """
    joined = {}
    for frame, boxes in detections.items():
        candidates = embedded.get(frame)
        if candidates is None or candidates.embeddings is None or not len(candidates):
            raise InputError(f"frame {frame}: {len(boxes)} detections but no embeddings")
        difference = np.abs(boxes.xyxy[:, None] - candidates.xyxy[None]).max(axis=2)
        nearest = difference.argmin(axis=1)
        worst = difference[np.arange(len(boxes)), nearest]
        if worst.max() > ALIGNMENT_TOLERANCE_PX:
            box = boxes.xyxy[int(worst.argmax())].round(2).tolist()
            raise InputError(f"frame {frame}: no embedding for the detection {box}")
        joined[frame] = Detections(boxes.xyxy, boxes.scores, candidates.embeddings[nearest])
    return joined


@dataclass(frozen=True, eq=False)
class BoxFilter:
    """Which detections take part.

    Attributes
    ----------
    min_score : float or None
        Boxes with a lower (mapped) score are dropped.
    min_height : float
        Boxes lower than this many pixels are dropped.
    roi : (left, top, right, bottom) or None
        Region of interest in pixels; a person is inside when the middle of the box's lower edge
        (the feet) is.
    mask : (H, W) uint8 or None
        Same as ``roi`` for any shape: pixels above 127 are inside.
    """

    min_score: float | None = None
    min_height: float = 0.0
    roi: tuple[float, float, float, float] | None = None
    mask: Image | None = None

    def __call__(self, detections: Detections) -> Detections:
        """Drop what does not take part; the order of the rest is kept."""
        xyxy = detections.xyxy
        keep = (xyxy[:, 3] - xyxy[:, 1]) >= self.min_height
        if self.min_score is not None:
            keep &= detections.scores >= self.min_score
        x, y = (xyxy[:, 0] + xyxy[:, 2]) / 2, xyxy[:, 3]
        if self.roi is not None:
            left, top, right, bottom = self.roi
            keep &= (x >= left) & (x <= right) & (y >= top) & (y <= bottom)
        if self.mask is not None:
            keep &= self._inside_mask(x, y)
        return detections if keep.all() else detections[keep]

    def _inside_mask(
        self, x: FloatArray, y: FloatArray
    ) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        mask = self.mask
        if mask is None:
            return np.ones(len(x), np.bool_)
        columns = np.clip(x.astype(np.int64), 0, mask.shape[1] - 1)
        rows = np.clip(y.astype(np.int64), 0, mask.shape[0] - 1)
        inside: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = mask[rows, columns] > 127
        return inside


def read_mask(path: Path) -> Image:
    """Read a mask image: white is inside.

    Raises
    ------
    InputError
        When the file is no readable image.
    """
    data = np.fromfile(path, np.uint8) if path.is_file() else np.zeros(0, np.uint8)
    mask = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE) if data.size else None
    if mask is None:
        raise InputError(f"{path}: not a readable mask image")
    return mask.astype(np.uint8, copy=False)


def with_appearance(
    frame: Frame, detections: Detections, appearance: AppearanceModel
) -> Detections:
    """Detections with vectors of the given model; vectors that are already there are kept."""
    if detections.embeddings is not None:
        return detections
    if frame.image is None:
        raise InputError(
            f"{frame.camera}: appearance needs images, and the sequence has none; "
            "give --embeddings, or leave --reid out"
        )
    vectors: Float32Array = appearance.embed([frame.image], [detections.xyxy])[0]
    return Detections(detections.xyxy, detections.scores, vectors)
