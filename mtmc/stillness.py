"""Stillness for videos of fixed cameras: a sensor's noise costs bytes and shows nothing."""

from __future__ import annotations

import cv2
import numpy as np

from .types import Image

NEAR_PX = 3
"""Differences are averaged over so many pixels: noise goes, edges stay."""
MARGIN_PX = 5
"""What changes is taken over with a margin, so that nothing of it trails behind."""


class Stillness:
    """Repeats the pixels of the image before where nothing has changed.

    Parameters
    ----------
    grey_levels : int
        Changes up to this are noise, 0 to 255; 0 passes images on as they are.
    """

    def __init__(self, grey_levels: int) -> None:
        self._grey_levels = grey_levels
        self._last: Image | None = None

    def __call__(self, image: Image) -> Image:
        """The image (H, W, 3), with what is still taken from the image before."""
        if not self._grey_levels:
            return image
        if self._last is None or self._last.shape != image.shape:
            self._last = image.copy()
            return self._last
        change = cv2.absdiff(image, self._last).max(axis=2)
        moved = cv2.blur(change, (NEAR_PX, NEAR_PX)) > self._grey_levels
        around = cv2.dilate(moved.astype(np.uint8), np.ones((MARGIN_PX, MARGIN_PX), np.uint8))
        cv2.copyTo(image, around, self._last)
        return self._last
