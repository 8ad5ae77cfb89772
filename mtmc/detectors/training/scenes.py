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
import numpy.typing as npt

from mtmc.types import FloatArray, Image

from .sprites import Sprite

ABSENT = 0
LARGEST_LABEL = 255


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


@dataclass(frozen=True, eq=False)
class Scene:
    """A composed scene with N people.

    Attributes
    ----------
    image, background : (H, W, 3) uint8
    xyxy : (N, 4) float64
        Boxes of the whole bodies, cut at the edge of the picture.
    ignored : (N,) bool
        Too hidden, too small or too far outside to be asked for.
    """

    image: Image
    background: Image
    xyxy: FloatArray
    ignored: npt.NDArray[np.bool_]


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
    canvas = _Canvas(_backdrop(rng, backdrops, config.size), rng, backdrops)
    view = _perspective(rng, config)
    # people of one picture are seen under about the same angle
    near = max(1, len(sprites) // 6)
    first = int(rng.integers(0, max(1, len(sprites) - near)))
    crowd = sprites[first : first + near]
    dark = rng.uniform(0.45, 0.9) if rng.random() < config.shadows else 1.0
    for x, height in _places(rng, config, view.tallest_px):
        person = _dressed(crowd[rng.integers(len(crowd))], height * rng.uniform(0.92, 1.08), rng)
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
                _dressed(crowd[rng.integers(len(crowd))], height, rng), x, view.foot(height)
            )
    return canvas.scene(config)


def _backdrop(rng: np.random.Generator, backdrops: Sequence[Image], size: tuple[int, int]) -> Image:
    """A part of one of the places, mirrored and tinted at random."""
    whole = backdrops[rng.integers(len(backdrops))]
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
    light = cv2.resize(sides.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    cell = max(2, round(height * rng.uniform(0.02, 0.12)))
    grain = rng.normal(1.0, rng.uniform(0, 0.16), (height // cell + 2, width // cell + 2))
    light *= cv2.resize(grain.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    colour = small[..., :3] * (light[..., None] * rng.uniform(0.93, 1.07, 3).astype(np.float32))
    colour += rng.uniform(0, 25)
    small[..., :3] = np.clip(colour, 0, 255).astype(np.uint8)
    return np.asarray(small, np.uint8)


class _Canvas:
    """Image and background in the making."""

    def __init__(
        self, backdrop: Image, rng: np.random.Generator, backdrops: Sequence[Image]
    ) -> None:
        self._image, self._background = backdrop.copy(), backdrop.copy()
        self._owner = np.full(backdrop.shape[:2], ABSENT, np.uint8)
        self._rng, self._backdrops = rng, backdrops
        self._boxes: list[tuple[int, int, int, int]] = []
        self._areas: list[int] = []

    def person(self, bgra: Image, x: float, foot: float, absorbed: bool, dark: float) -> None:
        left, top = round(x - bgra.shape[1] / 2), round(foot - bgra.shape[0])
        region = self._region(left, top, bgra)
        if region is None:
            return
        if dark < 1:
            self._shadow(bgra, x, foot, dark)
        place, part = region
        _paste(self._image[place], part)
        if absorbed:
            _paste(self._background[place], part)
        label = len(self._boxes) + 1
        solid = part[..., 3] > 127
        self._owner[place][solid] = label
        self._boxes.append((left, top, left + bgra.shape[1], top + bgra.shape[0]))
        self._areas.append(int(np.count_nonzero(bgra[..., 3] > 127)))

    def ghost(self, bgra: Image, x: float, foot: float) -> None:
        region = self._region(round(x - bgra.shape[1] / 2), round(foot - bgra.shape[0]), bgra)
        if region is not None:
            place, part = region
            # what hides the ghost now does so in the image, not in the background
            _paste(self._background[place], part)

    def furniture(self, x: float, foot: float, height: float) -> None:
        """Something that stands before a person, there at all times."""
        rng = self._rng
        if rng.random() < 0.3:
            wide, high = height * rng.uniform(0.05, 0.2), height * rng.uniform(1.0, 2.5)
        else:
            wide, high = height * rng.uniform(0.3, 1.5), height * rng.uniform(0.15, 0.7)
        patch = self._patch(wide, high)
        shape = np.full((*patch.shape[:2], 1), 255, np.uint8)
        bgra = np.concatenate([patch, shape], axis=2)
        left = round(x + rng.normal(0, 0.15) * height - wide / 2)
        region = self._region(left, round(foot + 0.05 * height - bgra.shape[0]), bgra)
        if region is not None:
            place, part = region
            _paste(self._image[place], part)
            _paste(self._background[place], part)
            self._owner[place] = ABSENT

    def passing_object(self) -> None:
        """Something that moves and is no person."""
        rng, (height, width) = self._rng, self._owner.shape
        wide, high = np.exp(rng.uniform(np.log(8), np.log(150), 2))
        patch = self._patch(wide, high)
        mask = np.zeros(patch.shape[:2], np.uint8)
        angle = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 14)))
        reach = rng.uniform(0.6, 1.0, len(angle))
        corners = np.stack([np.cos(angle) * reach + 1, np.sin(angle) * reach + 1], axis=1) / 2
        cv2.fillPoly(
            mask, [np.rint(corners * [mask.shape[1], mask.shape[0]]).astype(np.int32)], (255,)
        )
        bgra = np.concatenate([patch, mask[..., None]], axis=2)
        region = self._region(int(rng.uniform(0, width) - wide / 2),
                              int(rng.uniform(0, height) - high / 2), bgra)  # fmt: skip
        if region is not None:
            place, part = region
            _paste(self._image[place], part)
            self._owner[place][part[..., 3] > 127] = ABSENT

    def scene(self, config: SceneConfig) -> Scene:
        height, width = self._owner.shape
        boxes = np.array(self._boxes, np.float64).reshape(-1, 4)
        shown = np.bincount(self._owner.ravel(), minlength=LARGEST_LABEL + 1)[1 : len(boxes) + 1]
        cut = np.clip(boxes, 0, [width, height, width, height])
        visible = shown / np.maximum(self._areas, 1)
        ignored = (visible < config.min_visible) | (cut[:, 3] - cut[:, 1] < config.min_height_px)
        gone = (visible < config.min_visible / 3) | (cut[:, 2] - cut[:, 0] < 3)
        return Scene(self._image, self._background, cut[~gone], ignored[~gone])

    def _shadow(self, bgra: Image, x: float, foot: float, dark: float) -> None:
        """The person's outline on the floor, flat and sheared; in the image alone."""
        rng, (height, width) = self._rng, self._owner.shape
        mask = np.ascontiguousarray(bgra[..., 3])
        tall, wide = mask.shape
        lean, flat = rng.normal(0, 0.7), rng.uniform(-0.35, 0.35)
        # the outline's lowest row stays at the feet
        matrix = np.array(
            [[1.0, -lean, x - wide / 2 + lean * tall], [0.0, flat, foot - flat * tall]]
        )
        light = cv2.warpAffine(mask, matrix, (width, height), flags=cv2.INTER_LINEAR)
        light = cv2.blur(light, (5, 5))
        shade = cv2.LUT(light, np.linspace(255, 255 * dark, 256).astype(np.uint8))
        cv2.multiply(self._image, cv2.merge([shade] * 3), dst=self._image, scale=1 / 255)

    def _patch(self, width: float, height: float) -> Image:
        """A piece of some other place."""
        wide, high = max(4, int(width)), max(4, int(height))
        whole = self._backdrops[self._rng.integers(len(self._backdrops))]
        part_width = min(whole.shape[1], max(8, int(wide * self._rng.uniform(0.3, 2))))
        part_height = min(whole.shape[0], max(8, int(high * self._rng.uniform(0.3, 2))))
        left = self._rng.integers(0, whole.shape[1] - part_width + 1)
        top = self._rng.integers(0, whole.shape[0] - part_height + 1)
        part = whole[top : top + part_height, left : left + part_width]
        return np.asarray(cv2.resize(part, (wide, high), interpolation=cv2.INTER_AREA), np.uint8)

    def _region(self, left: int, top: int, bgra: Image) -> tuple[tuple[slice, slice], Image] | None:
        """Where a cut-out lies in the picture, and its part that does; None where none does."""
        height, width = self._owner.shape
        x0, y0 = max(left, 0), max(top, 0)
        x1, y1 = min(left + bgra.shape[1], width), min(top + bgra.shape[0], height)
        if x1 <= x0 or y1 <= y0:
            return None
        return (slice(y0, y1), slice(x0, x1)), bgra[y0 - top : y1 - top, x0 - left : x1 - left]


def _paste(target: Image, bgra: Image) -> None:
    """Blend a cut-out into pixels of the same size, in place."""
    share = bgra[..., 3:].astype(np.uint16)
    target[:] = ((target * (255 - share) + bgra[..., :3] * share + 127) // 255).astype(np.uint8)
