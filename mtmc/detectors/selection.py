"""From what a network proposes to people: a threshold, and one box for each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from mtmc.trackers.boxes import tlwh_from_xyxy
from mtmc.types import Detections, FloatArray, Image


class ProposingDetector(Protocol):
    """A detector whose answer before any selection can be seen, too."""

    def detect(self, image: Image) -> Detections:
        """Find the people in a BGR uint8 (H, W, 3) image."""
        ...

    def propose(self, image: Image) -> tuple[FloatArray, FloatArray]:
        """Boxes (A, 4) ``xyxy`` in pixels of the image, and scores (A,), 0 to 1."""
        ...

    def select(self, image: Image, xyxy: FloatArray, scores: FloatArray) -> Detections:
        """The people among what `propose` answered for the same image."""
        ...


def check_finite(outputs: Sequence[npt.NDArray[Any]], path: Path) -> None:
    """Say so where a network from ``path`` answered with NaN or infinity.

    Raises
    ------
    ValueError
    """
    if not all(np.isfinite(output).all() for output in outputs):
        raise ValueError(f"{path}: the network answered with values that are not finite")


def select_people(
    image: Image,
    xyxy: FloatArray,
    scores: FloatArray,
    score_threshold: float,
    nms_iou: float | None,
) -> Detections:
    """Boxes from a score on, highest first, clipped to the image.

    Parameters
    ----------
    image : (H, W, 3) uint8
    xyxy : (A, 4) float64
    scores : (A,) float64
    score_threshold : float
    nms_iou : float or None
        Of two boxes that overlap by more the weaker is dropped; None drops none.
    """
    rows = np.flatnonzero(scores >= score_threshold)
    rows = rows[np.argsort(-scores[rows], kind="stable")]
    xyxy, scores = xyxy[rows], scores[rows]
    if nms_iou is not None and len(rows):
        tlwh = tlwh_from_xyxy(xyxy)
        kept = cv2.dnn.NMSBoxes(tlwh.tolist(), scores.tolist(), 0.0, nms_iou)
        kept_rows = np.asarray(kept, np.int64).ravel()
        xyxy, scores = xyxy[kept_rows], scores[kept_rows]
    xyxy[:, 0::2] = xyxy[:, 0::2].clip(0, image.shape[1])
    xyxy[:, 1::2] = xyxy[:, 1::2].clip(0, image.shape[0])
    visible = (xyxy[:, 2] > xyxy[:, 0]) & (xyxy[:, 3] > xyxy[:, 1])
    return Detections(xyxy[visible], scores[visible])
