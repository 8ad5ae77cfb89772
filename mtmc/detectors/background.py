"""What a fixed camera sees without people, and how much a new image differs from it.

The background of a camera is the median of a few of its past images, picked from a long while
(Lo and Velastin, ISIMP 2001): whoever stands in one place for less than half of that while leaves
no trace. Nothing but images goes in, so skipped frames do no harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from mtmc.types import Float32Array, Image

UNKNOWN = 0.5
"""Evidence where nothing is known about the background."""
SCALE = 2
"""The model is kept this much smaller than the network's input, per axis."""
DIFFERENCE = 24.0
"""Grey levels at which evidence reaches 1 - 1/e: well above a camera's noise."""
LEAST_GREY, FEWEST_PIXELS = 16, 50
"""Pixels darker than this tell nothing about the exposure, and so do fewer than so many."""
EXPOSURE = (0.5, 2.0)
EVERY = 5
"""The exposure is measured on every so many-th pixel per axis."""


@dataclass(frozen=True)
class BackgroundConfig:
    """How the shipped detector learns the background of a fixed camera.

    Attributes
    ----------
    enabled : bool
        False judges every image by itself, e.g. for a moving camera.
    samples : int
        Past images that the median is taken of, from 3.
    interval : int
        Images between two samples, once there are `samples` of them, from 1. People who stay in
        one place for ``samples * interval / 2`` images become background.
    warm_up : int
        Samples before there is a background, from 3 to `samples`.
    moved_share : float
        Where more than this share of the image changed, the camera has moved or somebody has
        touched the light: learning starts again. Above 0, at most 1.
    """

    enabled: bool = True
    samples: int = 25
    interval: int = 40
    warm_up: int = 8
    moved_share: float = 0.6

    def __post_init__(self) -> None:
        if self.samples < 3:
            raise ValueError(f"samples: expected a number from 3, got {self.samples}")
        if self.interval < 1:
            raise ValueError(f"interval: expected a number from 1, got {self.interval}")
        if not 3 <= self.warm_up <= self.samples:
            raise ValueError(f"warm_up: expected 3 to samples ({self.samples}), got {self.warm_up}")
        if not 0 < self.moved_share <= 1:
            raise ValueError(f"moved_share: expected above 0 to 1, got {self.moved_share}")


def evidence(image: Image, background: Image) -> Float32Array:
    """How surely each pixel shows something else than the background: (H, W) float32, 0 to 1.

    With d the largest difference of a colour channel after a common exposure is taken out,
    evidence is ``1 - exp(-(d / DIFFERENCE)^2)``.

    Parameters
    ----------
    image, background : (H, W, 3) uint8
    """
    exposed = cv2.multiply(background, np.ones(4), scale=exposure(image, background))
    difference = cv2.absdiff(cv2.blur(image, (3, 3)), cv2.blur(exposed, (3, 3)))
    largest = cv2.max(cv2.max(difference[..., 0], difference[..., 1]), difference[..., 2])
    levels = np.arange(256, dtype=np.float32) / DIFFERENCE
    return np.asarray((1 - np.exp(-(levels**2)))[largest], np.float32)


def exposure(image: Image, background: Image) -> float:
    """By how much the image is brighter than the background: the median ratio of their greens."""
    now = image[::EVERY, ::EVERY, 1].astype(np.float32)
    before = background[::EVERY, ::EVERY, 1].astype(np.float32)
    bright = (before >= LEAST_GREY) & (now < 250) & (before < 250)
    if np.count_nonzero(bright) < FEWEST_PIXELS:
        return 1.0
    return float(np.clip(np.median(now[bright] / before[bright]), *EXPOSURE))


def median(images: Sequence[Image]) -> Image:
    """Upper median of images of one size, pixel by pixel: found bit by bit, as sorting is slow.

    The median is the largest value that at least half of the images reach.
    """
    least = (len(images) + 1) // 2
    found = np.zeros_like(images[0])
    for bit in (128, 64, 32, 16, 8, 4, 2, 1):
        trial = found | np.uint8(bit)
        count = np.zeros(found.shape, np.uint16)
        for image in images:
            count += image >= trial
        found = np.where(count >= least, trial, found)
    return found


class BackgroundModel:
    """The background of one camera; starts anew where the image size changes."""

    def __init__(self, config: BackgroundConfig | None = None) -> None:
        self.config = config or BackgroundConfig()
        self._restart()

    @property
    def background(self) -> Image | None:
        """What the camera sees without people (H, W, 3) uint8; None before it is known."""
        return self._background

    def update(self, image: Image) -> Float32Array | None:
        """Evidence (H, W) of an image, which is then learnt from; None while nothing is known.

        Parameters
        ----------
        image : (H, W, 3) uint8
            The camera's next image, at the size that the model is kept in.
        """
        if self._samples and self._samples[0].shape != image.shape:
            self._restart()
        found = None if self._background is None else evidence(image, self._background)
        if found is not None and float((found > UNKNOWN).mean()) > self.config.moved_share:
            self._restart()
            found = None
        self._learn(image)
        return found

    def _restart(self) -> None:
        self._samples: list[Image] = []
        self._seen = self._next = 0
        self._background: Image | None = None

    def _learn(self, image: Image) -> None:
        self._seen += 1
        if self._seen <= self._next:
            return
        config = self.config
        # often at first, then less and less: samples always cover most of what was seen
        step = min(config.interval, max(1, round(self._seen / config.samples)))
        self._next = self._seen + step - 1
        self._samples.append(image.copy())
        if len(self._samples) > config.samples:
            del self._samples[0]
        if len(self._samples) >= config.warm_up:
            self._background = median(self._samples)
