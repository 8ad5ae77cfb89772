"""The current image, as far as a tracker may ask about it."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from .errors import InputError
from .types import AppearanceModel, Float32Array, FloatArray, Frame, Image

Scorer = Callable[[Image, FloatArray], FloatArray]
"""Probability (N,) that each of the boxes (N, 4) of an image holds a person."""

FLOW_WIDTH = 640
"""Camera motion is estimated on frames scaled to this width, in pixels."""
MIN_FLOW_POINTS = 12


class ImageLook:
    """Binds the questions of :class:`~mtmc.types.Look` to one frame.

    Each answer is computed only when asked for.
    """

    def __init__(
        self,
        frame: Frame,
        previous: Frame | None = None,
        appearance: AppearanceModel | None = None,
        scorer: Scorer | None = None,
    ) -> None:
        self._frame = frame
        self._previous = previous
        self._appearance = appearance
        self._scorer = scorer

    def score(self, xyxy: FloatArray) -> FloatArray:
        """Probability that each box holds a person, from the scorer this run was given."""
        if self._scorer is None:
            raise InputError("this tracker scores boxes of its own and needs a scorer")
        return self._scorer(self._image(), xyxy)

    def embed(self, xyxy: FloatArray) -> Float32Array:
        """Appearance vectors of boxes of the current image."""
        if self._appearance is None:
            raise InputError("this tracker embeds boxes of its own and needs --reid")
        return self._appearance.embed([self._image()], [xyxy])[0]

    def camera_motion(self) -> FloatArray:
        """Similarity (2, 3) from the previous frame to this one, by tracking corner points.

        The identity where there is no previous frame, or too little to hold on to.
        """
        identity: FloatArray = np.eye(2, 3)
        if self._previous is None or self._previous.image is None:
            return identity
        before, after = _small_grey(self._previous.image), _small_grey(self._image())
        corners = cv2.goodFeaturesToTrack(before, 500, 0.01, 7)
        if corners is None or len(corners) < MIN_FLOW_POINTS:
            return identity
        moved, found, _ = cv2.calcOpticalFlowPyrLK(before, after, corners, None)  # type: ignore[call-overload]
        kept = found.ravel() == 1
        if kept.sum() < MIN_FLOW_POINTS:
            return identity
        motion, _ = cv2.estimateAffinePartial2D(
            corners[kept], moved[kept], method=cv2.RANSAC, ransacReprojThreshold=2.0
        )
        if motion is None:
            return identity
        affine: FloatArray = np.asarray(motion, np.float64)
        affine[:, 2] *= self._image().shape[1] / after.shape[1]
        return affine

    def _image(self) -> Image:
        if self._frame.image is None:
            raise InputError(
                f"{self._frame.camera}: this tracker looks at images, and the sequence has none"
            )
        return self._frame.image


def _small_grey(image: Image) -> Image:
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    scale = FLOW_WIDTH / grey.shape[1]
    if scale < 1:
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return grey.astype(np.uint8, copy=False)
