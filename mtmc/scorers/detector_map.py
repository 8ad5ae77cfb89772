"""The person detector's own score map as a scorer: what the detector thinks of any box."""

from __future__ import annotations

import numpy as np

from mtmc.trackers.boxes import iou_matrix

from ..detectors.selection import ProposingDetector
from ..types import Detections, FloatArray, Image

_LEAST_SCORE = 1e-3
"""Proposals below take no part: they could not lift any box above a threshold in use."""


class DetectorScorer:
    """Scores boxes by the detector's proposals around them, before any suppression.

    A detection network judges thousands of boxes per image, and suppression keeps the best of each
    person. A box of one's own making is worth ``max_j score_j * IoU(box, j)`` over the proposals j:
    the score of what the detector sees there, less the further the box lies off. R-FCN's pooled
    score map (Long et al., ICME 2018) answers the same question.

    It is a detector, too. Used as both, every image goes through the network once.

    Parameters
    ----------
    detector : ProposingDetector
    """

    def __init__(self, detector: ProposingDetector) -> None:
        self._detector = detector
        self._image: Image | None = None
        self._proposals: tuple[FloatArray, FloatArray] | None = None

    def detect(self, image: Image) -> Detections:
        """Find the people in a BGR uint8 (H, W, 3) image, as the detector does alone."""
        xyxy, scores = self._propose(image)
        return self._detector.select(image, xyxy, scores)

    def __call__(self, image: Image, xyxy: FloatArray) -> FloatArray:
        """Score (N,) of each of the (N, 4) boxes of ``image``, 0 to 1."""
        proposed, scores = self._propose(image)
        likely = scores >= _LEAST_SCORE
        if not (len(xyxy) and likely.any()):
            return np.zeros(len(xyxy))
        # Proposals end at the border of the image; a prediction may reach beyond.
        overlap = iou_matrix(_clip(xyxy, image), _clip(proposed[likely], image))
        worth = overlap * scores[likely]
        best: FloatArray = worth.max(axis=1).clip(0.0, 1.0)
        return best

    def _propose(self, image: Image) -> tuple[FloatArray, FloatArray]:
        if self._proposals is None or self._image is not image:
            self._proposals = self._detector.propose(image)
            self._image = image  # held, so that no later image can take its place in memory
        return self._proposals


def _clip(xyxy: FloatArray, image: Image) -> FloatArray:
    height, width = image.shape[:2]
    clipped: FloatArray = np.clip(xyxy, 0.0, [width, height, width, height])
    return clipped
