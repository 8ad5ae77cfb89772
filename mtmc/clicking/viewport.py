"""Which part of an image a window shows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..types import Image

MAX_ZOOM = 32.0
"""Window pixels per image pixel, at most."""


@dataclass(frozen=True)
class Viewport:
    """A window onto an image; pixels count from the middle of the first one, as in OpenCV.

    Attributes
    ----------
    image_size, window_size : (width, height)
        Pixels.
    scale : float
        Window pixels per image pixel; the whole image fits at `fitted`.
    left, top : float
        Image point at the upper left corner of the window.
    """

    image_size: tuple[int, int]
    window_size: tuple[int, int]
    scale: float
    left: float = -0.5
    top: float = -0.5

    @classmethod
    def fitted(
        cls, image_size: tuple[int, int], max_window: tuple[int, int] = (1280, 800)
    ) -> Viewport:
        """The whole image, in a window of its proportions that is as large as allowed."""
        scale = min(max_window[0] / image_size[0], max_window[1] / image_size[1])
        window = max(1, round(image_size[0] * scale)), max(1, round(image_size[1] * scale))
        return cls(image_size, window, scale)

    def to_image(self, x: float, y: float) -> tuple[float, float]:
        """Image point that a window pixel shows."""
        return self.left + (x + 0.5) / self.scale, self.top + (y + 0.5) / self.scale

    def to_window(self, u: float, v: float) -> tuple[float, float]:
        """Window pixel that shows an image point."""
        return (u - self.left) * self.scale - 0.5, (v - self.top) * self.scale - 0.5

    def zoomed(self, x: float, y: float, factor: float) -> Viewport:
        """Nearer (factor above 1) or farther; what is at window pixel (x, y) stays there."""
        least = min(w / i for w, i in zip(self.window_size, self.image_size, strict=True))
        scale = float(np.clip(self.scale * factor, least, max(MAX_ZOOM, least)))
        u, v = self.to_image(x, y)
        moved = replace(self, scale=scale, left=u - (x + 0.5) / scale, top=v - (y + 0.5) / scale)
        return moved._inside()

    def panned(self, dx: float, dy: float) -> Viewport:
        """Moved over the image by window pixels."""
        return replace(
            self, left=self.left + dx / self.scale, top=self.top + dy / self.scale
        )._inside()

    def show(self, image: Image) -> Image:
        """What the window shows of an image: (window height, window width, 3)."""
        to_image = np.array(
            [
                [1 / self.scale, 0.0, self.left + 0.5 / self.scale],
                [0.0, 1 / self.scale, self.top + 0.5 / self.scale],
            ]
        )
        flags = cv2.INTER_LINEAR if self.scale < 4 else cv2.INTER_NEAREST
        shown = cv2.warpAffine(
            image, to_image, self.window_size, flags=flags | cv2.WARP_INVERSE_MAP
        )
        return np.asarray(shown, np.uint8)

    def _inside(self) -> Viewport:
        """The nearest viewport that shows nothing beyond the image."""
        width, height = (side / self.scale for side in self.window_size)
        left = float(np.clip(self.left, -0.5, max(-0.5, self.image_size[0] - 0.5 - width)))
        top = float(np.clip(self.top, -0.5, max(-0.5, self.image_size[1] - 0.5 - height)))
        return replace(self, left=left, top=top)
