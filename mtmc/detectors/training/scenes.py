"""Pictures to learn from: cut-out people in a place, with what the camera saw there before.

A scene is composed twice: the image, and the background that a model of the camera would have
learnt. Things that belong to only one of them are what makes foreground evidence treacherous:
shadows and passing objects, people who stood still for so long that they became background, and
people who have left and whose ghost is still there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from mtmc.types import Image

from .canvas import Canvas, Scene
from .sprites import Sprite

EYE_LEVEL = 1.5
"""Above 1, low cameras come more often than high ones."""


@dataclass(frozen=True)
class SceneConfig:
    """How scenes are composed; shares are probabilities.

    Attributes
    ----------
    size : (height, width)
        Of the pictures, pixels; multiples of 32.
    empty : float
        Of scenes without people.
    most_people : int
    tallest_px : (low, high)
        Height of people who are nearest; others are smaller, down to ``smallest_px``.
    smallest_px : float
    beside : float
        Of people who stand beside the one before.
    hidden : float
        Of people behind a piece of furniture, a post or a wall.
    absorbed : float
        Of people who have become background.
    ghosts, objects, shadows : float
        Of scenes with people who have left, with moving things, with shadows.
    min_visible : float
        Share of a body that must show for it to be asked for.
    min_height_px : float
        The same for its height inside the picture.
    """

    size: tuple[int, int] = (320, 320)
    empty: float = 0.08
    most_people: int = 16
    tallest_px: tuple[float, float] = (50.0, 420.0)
    smallest_px: float = 18.0
    beside: float = 0.45
    hidden: float = 0.2
    absorbed: float = 0.15
    ghosts: float = 0.2
    objects: float = 0.4
    shadows: float = 0.6
    min_visible: float = 0.3
    min_height_px: float = 14.0


@dataclass(frozen=True)
class Perspective:
    """How tall people are who stand somewhere in the picture: higher up is further away."""

    horizon_px: float
    bottom_px: float
    tallest_px: float

    def foot(self, height_px: float) -> float:
        """Row in which somebody of this height stands."""
        return self.horizon_px + (self.bottom_px - self.horizon_px) * height_px / self.tallest_px


def compose(
    rng: np.random.Generator,
    sprites: Sequence[Sprite],
    backdrops: Sequence[Image],
    config: SceneConfig,
) -> Scene:
    """Compose a scene; ``sprites`` are in order of elevation."""
    canvas = Canvas(_backdrop(rng, backdrops, config.size), rng, backdrops)
    view = _perspective(rng, config)
    # people of one picture are seen under about the same angle
    near = max(1, len(sprites) // 6)
    first = int((len(sprites) - near) * rng.random() ** EYE_LEVEL)
    crowd = sprites[first : first + near]
    dark = rng.uniform(0.45, 0.9) if rng.random() < config.shadows else 1.0
    for x, height in _places(rng, config, view.tallest_px):
        person = _dressed(
            crowd[int(rng.integers(len(crowd)))], height * rng.uniform(0.92, 1.08), rng
        )
        foot = view.foot(height)
        canvas.person(person, x, foot, rng.random() < config.absorbed, dark)
        if rng.random() < config.hidden:
            canvas.furniture(x, foot, height)
    if rng.random() < config.objects:
        for _ in range(rng.integers(1, 4)):
            canvas.passing_object()
    if rng.random() < config.ghosts:
        for x, height in _places(rng, config, view.tallest_px)[:2]:
            canvas.ghost(
                _dressed(crowd[int(rng.integers(len(crowd)))], height, rng), x, view.foot(height)
            )
    return canvas.scene(config.min_visible, config.min_height_px)


def _backdrop(rng: np.random.Generator, backdrops: Sequence[Image], size: tuple[int, int]) -> Image:
    """A part of one of the places, mirrored and tinted at random."""
    whole = backdrops[int(rng.integers(len(backdrops)))]
    share = rng.uniform(0.35, 1.0)
    height = int(whole.shape[0] * share)
    width = min(whole.shape[1], int(height * size[1] / size[0]))
    top = rng.integers(0, whole.shape[0] - height + 1)
    left = rng.integers(0, whole.shape[1] - width + 1)
    part = whole[top : top + height, left : left + width]
    image = cv2.resize(part, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.5:
        image = cv2.flip(image, 1)
    gain = rng.uniform(0.6, 1.4) * rng.uniform(0.9, 1.1, 3)
    table = np.clip(np.arange(256)[:, None] * gain, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table[None]), np.uint8)


def _perspective(rng: np.random.Generator, config: SceneConfig) -> Perspective:
    height = config.size[0]
    horizon = rng.uniform(-1.0, 0.5) * height
    tallest = float(np.exp(rng.uniform(*np.log(config.tallest_px))))
    # with the head of the tallest in the picture, or cut off
    bottom = max(rng.uniform(0.7, 1.3) * height, horizon + 0.3 * height)
    return Perspective(horizon, bottom, tallest)


def _places(
    rng: np.random.Generator, config: SceneConfig, tallest_px: float
) -> list[tuple[float, float]]:
    """Columns and heights of people in pixels, far ones first."""
    if rng.random() < config.empty:
        return []
    count = 1 + min(int(rng.exponential(4.0)), config.most_people - 1)
    spread = rng.uniform(0.0, 1.6)
    places: list[tuple[float, float]] = []
    for _ in range(count):
        height = max(config.smallest_px, tallest_px * float(np.exp(-spread * rng.random())))
        x = rng.uniform(-0.03, 1.03) * config.size[1]
        if places and rng.random() < config.beside:
            x, height = places[-1]
            x += rng.normal(0, 0.35) * height
            height *= rng.uniform(0.9, 1.1)
        places.append((float(x), float(height)))
    return sorted(places, key=lambda place: place[1])


def _dressed(sprite: Sprite, height_px: float, rng: np.random.Generator) -> Image:
    """A cut-out at a height, mirrored, lit from one side, its colours shifted: (h, w, 4) uint8."""
    bgra = sprite.bgra
    scale = height_px / bgra.shape[0]
    if sprite.bgra.shape[0] < sprite.bgra.shape[1] * 1.3:  # lying low, as those who sit do
        scale *= 0.75
    width = max(3, round(bgra.shape[1] * scale * rng.uniform(0.88, 1.15)))
    height = max(8, round(bgra.shape[0] * scale))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(bgra, (width, height), interpolation=way)
    if rng.random() < 0.5:
        small = cv2.flip(small, 1)
    sides = rng.uniform(0.55, 1.35) * np.exp(rng.normal(0, 0.25, (2, 2)))
    shade = cv2.resize(sides.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    cell = max(2, round(height * rng.uniform(0.02, 0.12)))
    grain = rng.normal(1.0, rng.uniform(0, 0.16), (height // cell + 2, width // cell + 2))
    folds = cv2.resize(grain.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    light = np.asarray(shade * folds, np.float32)
    colour = small[..., :3] * (light[..., None] * rng.uniform(0.93, 1.07, 3).astype(np.float32))
    colour += rng.uniform(0, 25)
    small[..., :3] = np.clip(colour, 0, 255).astype(np.uint8)
    return np.asarray(small, np.uint8)
