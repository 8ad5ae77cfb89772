"""Painting a scene: image and background at once, and who is seen where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from mtmc.types import FloatArray, Image

ABSENT = 0
LARGEST_LABEL = 255


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


class Canvas:
    """Image and background in the making."""

    def __init__(
        self, backdrop: Image, rng: np.random.Generator, backdrops: Sequence[Image]
    ) -> None:
        self._image, self._background = backdrop.copy(), backdrop.copy()
        self._owner: Image = np.full(backdrop.shape[:2], ABSENT, np.uint8)
        self._rng, self._backdrops = rng, backdrops
        self._boxes: list[tuple[int, int, int, int]] = []
        self._areas: list[int] = []

    def person(self, bgra: Image, x: float, foot: float, absorbed: bool, dark: float) -> None:
        """Somebody who stands in a row, with a shadow; in the background, too, where absorbed."""
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
        """Somebody who was there for long, and has left: in the background alone."""
        region = self._region(round(x - bgra.shape[1] / 2), round(foot - bgra.shape[0]), bgra)
        if region is not None:
            place, part = region
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
        mask: Image = np.zeros(patch.shape[:2], np.uint8)
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

    def scene(self, min_visible: float, min_height_px: float) -> Scene:
        """What was painted; who shows less than asked for is ignored, who hardly shows left out."""
        height, width = self._owner.shape
        boxes = np.array(self._boxes, np.float64).reshape(-1, 4)
        shown = np.bincount(self._owner.ravel(), minlength=LARGEST_LABEL + 1)[1 : len(boxes) + 1]
        cut = np.clip(boxes, 0, [width, height, width, height])
        visible = shown / np.maximum(self._areas, 1)
        ignored = (visible < min_visible) | (cut[:, 3] - cut[:, 1] < min_height_px)
        gone = (visible < min_visible / 3) | (cut[:, 2] - cut[:, 0] < 3)
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
        whole = self._backdrops[int(self._rng.integers(len(self._backdrops)))]
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
