"""What a bad camera does to a scene, and what is left of it for the network to see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from mtmc.types import Float32Array, Image

from ..background import SCALE, evidence
from ..people import network_input
from .canvas import Scene


@dataclass(frozen=True)
class OpticsConfig:
    """Strength of what cameras do; ranges are drawn from evenly.

    Attributes
    ----------
    unknown : float
        Probability that there is no background model: single images and moving cameras.
    detail : (low, high)
        Share of the resolution that is left.
    noise : (low, high)
        Standard deviation, grey levels.
    jpeg : (low, high)
        Quality.
    light : (low, high)
        How much brighter the image is than the background.
    contrast, gamma : (low, high)
    grey, sharpened : float
        Probabilities of no colours, and of outlines that were made sharper than they are.
    """

    unknown: float = 0.35
    detail: tuple[float, float] = (0.35, 1.3)
    noise: tuple[float, float] = (0.0, 9.0)
    jpeg: tuple[float, float] = (25.0, 98.0)
    light: tuple[float, float] = (0.8, 1.25)
    contrast: tuple[float, float] = (0.6, 1.2)
    gamma: tuple[float, float] = (0.65, 1.5)
    grey: float = 0.12
    sharpened: float = 0.25


def observe(rng: np.random.Generator, scene: Scene, config: OpticsConfig) -> Float32Array:
    """The network's input (4, H, W) float32: blue, green, red and evidence, 0 to 1."""
    noise = rng.uniform(*config.noise)
    curve = _curve(rng, config)
    lens = _Lens(rng, config)
    image = _through(lens.see(scene.image), curve)
    image = _compressed(_noisy(image, noise, rng), rng, config)
    if rng.random() < config.unknown:
        return network_input(image, None)
    before = _through(lens.see(scene.background), curve)
    darker = cv2.convertScaleAbs(before, alpha=1 / rng.uniform(*config.light))
    before = _noisy(
        np.asarray(darker, np.uint8), noise / 4, rng
    )  # a median of many images has little noise
    size = (image.shape[1] // SCALE, image.shape[0] // SCALE)
    now, then = (cv2.resize(p, size, interpolation=cv2.INTER_AREA) for p in (image, before))
    found = evidence(np.asarray(now, np.uint8), np.asarray(then, np.uint8))
    return network_input(image, np.asarray(cv2.resize(found, image.shape[1::-1]), np.float32))


class _Lens:
    """The same loss of detail for an image and its background."""

    def __init__(self, rng: np.random.Generator, config: OpticsConfig) -> None:
        self._detail = rng.uniform(*config.detail)
        self._sharpen = rng.uniform(0.3, 1.2) if rng.random() < config.sharpened else 0.0
        self._grey = rng.random() < config.grey
        self._motion = int(rng.integers(2, 8)) if rng.random() < 0.1 else 1

    def see(self, scene: Image) -> Image:
        height, width = scene.shape[:2]
        image: npt.NDArray[Any] = scene
        if self._detail < 1:
            small = (max(8, int(width * self._detail)), max(8, int(height * self._detail)))
            image = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
            image = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
        if self._motion > 1:
            image = cv2.blur(image, (self._motion, 1))
        if self._sharpen:
            soft = cv2.GaussianBlur(image, (5, 5), 1.2)
            image = cv2.addWeighted(image, 1 + self._sharpen, soft, -self._sharpen, 0)
        if self._grey:
            image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
        return np.asarray(image, np.uint8)


def _through(image: Image, curve: Image) -> Image:
    return np.asarray(cv2.LUT(image, curve), np.uint8)


def _curve(rng: np.random.Generator, config: OpticsConfig) -> Image:
    """Gamma, contrast, brightness and a cast: a table (1, 256, 3)."""
    level = (np.arange(256) / 255.0) ** rng.uniform(*config.gamma)
    contrast = rng.uniform(*config.contrast)
    cast = rng.uniform(0.92, 1.08, 3)
    table = (255 * ((level[:, None] - 0.5) * contrast + 0.5) + rng.uniform(-25, 25)) * cast
    return np.clip(table, 0, 255).astype(np.uint8)[None]


def _noisy(image: Image, deviation: float, rng: np.random.Generator) -> Image:
    if deviation < 0.3:
        return image
    noise: npt.NDArray[Any] = np.empty(image.shape, np.int16)
    cv2.setRNGSeed(int(rng.integers(2**31)))
    cv2.randn(noise, np.zeros(3), np.full(3, deviation))
    return np.asarray(cv2.add(image, noise, dtype=cv2.CV_8U), np.uint8)


def _compressed(image: Image, rng: np.random.Generator, config: OpticsConfig) -> Image:
    quality = int(rng.uniform(*config.jpeg))
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
