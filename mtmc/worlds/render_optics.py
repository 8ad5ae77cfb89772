"""What a camera does to the light: exposure, colour cast, gamma, a soft lens, noise."""

from __future__ import annotations

import zlib

import cv2
import numpy as np

from ..types import Image

NOISE_MARGIN_PX = 64
EXPOSURE, CAST, GAMMA = (0.95, 1.15), 0.045, (0.86, 1.04)
"""Range of brightness, greatest deviation of a colour channel, range of the exponent."""
NOISE, SOFTNESS_PX = (1.6, 3.2), (0.45, 0.7)
VIGNETTE = 0.16
"""How much light is lost in the corners."""
NEUTRAL = 128


class Optics:
    """One camera's own look: the same for the same name and seed."""

    def __init__(self, name: str, image_size: tuple[int, int], seed: int) -> None:
        self._key = [seed, zlib.crc32(name.encode())]
        rng = np.random.default_rng(self._key)
        levels = np.arange(256) / 255
        gain = rng.uniform(*EXPOSURE) * (1 + rng.uniform(-CAST, CAST, 3))
        curve = np.clip(levels[:, None] * gain, 0, None) ** rng.uniform(*GAMMA)
        # highlights roll off rather than clip
        curve = np.where(curve > 0.85, 0.85 + 0.15 * np.tanh((curve - 0.85) / 0.15), curve)
        self._curve: Image = np.round(255 * curve).astype(np.uint8)[:, None]
        self._softness = float(rng.uniform(*SOFTNESS_PX))
        width, height = image_size
        x, y = (np.arange(width) + 0.5) / width - 0.5, (np.arange(height) + 0.5) / height - 0.5
        falloff = 1 - VIGNETTE * (x[None] ** 2 + y[:, None] ** 2) / 0.5
        self._vignette = np.repeat(np.round(255 * falloff).astype(np.uint8)[..., None], 3, axis=2)
        shape = (height + NOISE_MARGIN_PX, width + NOISE_MARGIN_PX, 3)
        grain = rng.normal(0, rng.uniform(*NOISE), shape)
        # what neighbouring pixels share survives the compression of the video
        grain = 0.8 * grain + 0.9 * cv2.GaussianBlur(grain, (3, 3), 0.8)
        self._grain = np.clip(np.round(NEUTRAL + grain), 0, 255).astype(np.uint8)

    def expose(self, scene: Image, index: int) -> Image:
        """The picture (H, W, 3) that the camera takes of a scene at one frame."""
        image = cv2.GaussianBlur(scene, (3, 3), self._softness)
        image = cv2.multiply(image, self._vignette, scale=1 / 255)
        image = cv2.LUT(image, self._curve[None, :, 0])
        left, top = np.random.default_rng([*self._key, index]).integers(0, NOISE_MARGIN_PX, 2)
        height, width = image.shape[:2]
        grain = self._grain[top : top + height, left : left + width]
        return np.asarray(cv2.addWeighted(image, 1.0, grain, 1.0, -NEUTRAL), np.uint8)
