"""What many different cameras make of one scene: colour, light, blur, noise and compression."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ..types import FloatArray, Image

Pixels = npt.NDArray[np.float32]

USUAL_HEIGHT_PX, LEAST_SOFT = 128, 0.35
"""Crops of this height have the whole blur of a lens; smaller ones less, as they are farther."""


@dataclass(frozen=True, eq=False)
class ShotOptics:
    """The character of one camera.

    Attributes
    ----------
    gain : (3,) float64
        Exposure times white balance, BGR.
    gamma : float
        Exponent of the tone curve.
    saturation : float
        1 leaves colours as they are, 0 is grey.
    haze : float
        Black level, 0-255.
    blur_px, sharpen : float
        Softness of the lens in a crop of `USUAL_HEIGHT_PX`, and how much the camera overdoes
        against it.
    noise : float
        Standard deviation, 0-255.
    quality : int
        Of its JPEG files, up to 100.
    """

    gain: FloatArray
    gamma: float
    saturation: float
    haze: float
    blur_px: float
    sharpen: float
    noise: float
    quality: int


def random_optics(rng: np.random.Generator) -> ShotOptics:
    """Draw a camera."""
    cast = np.exp(rng.normal(0, 0.055, 3))
    return ShotOptics(
        gain=np.exp(rng.normal(0.05, 0.15)) * cast / cast.mean(),
        gamma=float(np.exp(rng.normal(-0.05, 0.12))),
        saturation=float(np.clip(rng.normal(0.95, 0.15), 0.4, 1.4)),
        haze=float(rng.uniform(0, 22)) * float(rng.random() < 0.5),
        blur_px=float(rng.uniform(0.2, 0.9)),
        sharpen=float(rng.uniform(0, 1.2)) * float(rng.random() < 0.4),
        noise=float(rng.uniform(0.5, 5.5)),
        quality=int(rng.integers(35, 96)),
    )


def expose(scene: Image, optics: ShotOptics, rng: np.random.Generator) -> bytes:
    """Photograph a scene (H, W, 3) BGR; the answer is a JPEG file."""
    image: Pixels = scene.astype(np.float32) * np.float32(np.exp(rng.normal(0, 0.08)))
    softness = optics.blur_px * max(LEAST_SOFT, len(scene) / USUAL_HEIGHT_PX)
    image = _soft(image, softness * rng.uniform(0.7, 1.3))
    if rng.random() < 0.15:
        image = _moved(image, rng)
    if optics.sharpen:
        image = image + optics.sharpen * (image - _soft(image, 1.2))
    image = image * optics.gain.astype(np.float32)
    grey = image @ np.array([0.114, 0.587, 0.299], np.float32)
    image = grey[..., None] + np.float32(optics.saturation) * (image - grey[..., None])
    level = np.clip(image / 255, 0, None) ** np.float32(optics.gamma)
    image = np.asarray(optics.haze + (255 - optics.haze) * level, np.float32)
    image += rng.normal(0, optics.noise, image.shape)
    pixels = np.clip(np.round(image), 0, 255).astype(np.uint8)
    _, file = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, optics.quality])
    return file.tobytes()


def _soft(image: Pixels, sigma_px: float) -> Pixels:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma_px), np.float32)


def _moved(image: Pixels, rng: np.random.Generator) -> Pixels:
    """Motion blur, sideways or along."""
    length = int(rng.integers(2, 6))
    kernel = np.full((1, length) if rng.random() < 0.7 else (length, 1), 1 / length, np.float32)
    return np.asarray(cv2.filter2D(image, -1, kernel), np.float32)
