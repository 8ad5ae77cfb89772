"""The pictures of all cameras beside a floor plan: where each goes in one video frame."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .webm import even

Rectangle = tuple[int, int, int, int]
"""Left, top, width, height, pixels."""

GAP_PX = 4
PLAN_WORTH = 0.5
"""How much a pixel of the plan is worth beside one of a camera's image, when they share a frame."""
PLAN_SHARE = 0.35
"""A plan that fills more of the frame than this is worth no more."""
BESIDE_ASPECTS, BELOW_ASPECTS = (0.5, 1.1), (1.2, 4.0)
"""Least and largest width of a plan, in its heights, beside and below the images; a plan of other
proportions gets more floor around it."""
ALONE_ASPECTS = (0.5, 1.8)
MAX_ALONE_PX = 1280
"""A plan alone has little to show in more."""
MAX_ENLARGED = 1.25
"""Images are enlarged no more than this, unless the frame would be lower than `MIN_HEIGHT_PX`."""
MIN_HEIGHT_PX = 540


@dataclass(frozen=True)
class Mosaic:
    """Where everything goes.

    Attributes
    ----------
    width, height : int
        Of the whole frame, pixels, even.
    tiles : tuple of (left, top, width, height)
        One per camera, in their order, row by row; all of one size.
    plan : (left, top, width, height) or None
    """

    width: int
    height: int
    tiles: tuple[Rectangle, ...]
    plan: Rectangle | None


@dataclass(frozen=True)
class _Candidate:
    """One arrangement: proportions for a height of 1, and how it fills the largest frame."""

    columns: int
    rows: int
    beside: bool
    grid: tuple[float, float]  # width and height
    plan: tuple[float, float]  # zeros without a plan

    @property
    def size(self) -> tuple[float, float]:
        if self.beside:
            return self.grid[0] + self.plan[0], self.grid[1]
        return self.grid[0], self.grid[1] + self.plan[1]


def mosaic(
    image_sizes: Sequence[tuple[int, int]],
    plan_aspect: float | None,
    max_size: tuple[int, int] = (1600, 900),
) -> Mosaic:
    """Arrange camera images in a grid and a plan beside or below it, as large as possible.

    Parameters
    ----------
    image_sizes : sequence of (width, height)
        Of the cameras, pixels; none for a plan alone.
    plan_aspect : float or None
        Width of the plan in its heights; None without a plan.
    max_size : (width, height)
        Of the whole frame, pixels.

    Raises
    ------
    ValueError
        When there is neither an image nor a plan.
    """
    if not image_sizes:
        if plan_aspect is None:
            raise ValueError("expected images, a plan, or both, got neither")
        aspect = float(np.clip(plan_aspect, *ALONE_ASPECTS))
        height = min(max_size[1], min(max_size[0], MAX_ALONE_PX) / aspect)
        width_px, height_px = even(height * aspect), even(height)
        return Mosaic(width_px, height_px, (), (0, 0, width_px, height_px))
    tile = float(np.median([width / height for width, height in image_sizes]))
    best = max(
        _candidates(len(image_sizes), tile, plan_aspect),
        key=lambda one: _worth(one, len(image_sizes), tile, max_size),
    )
    scale = _fit(best.size, max_size)
    tile_height = scale / best.rows
    native = float(np.median([height for _, height in image_sizes]))
    wanted = max(MAX_ENLARGED * native, MIN_HEIGHT_PX / (best.size[1] * best.rows))
    scale *= min(1.0, wanted / tile_height)
    return _placed(best, scale, len(image_sizes))


def _candidates(count: int, tile: float, plan: float | None) -> list[_Candidate]:
    """All arrangements; the grid of images has a height of 1."""
    found = []
    for columns in range(1, count + 1):
        rows = math.ceil(count / columns)
        width = columns * tile / rows
        if plan is None:
            found.append(_Candidate(columns, rows, True, (width, 1.0), (0.0, 0.0)))
            continue
        beside, below = float(np.clip(plan, *BESIDE_ASPECTS)), float(np.clip(plan, *BELOW_ASPECTS))
        found.append(_Candidate(columns, rows, True, (width, 1.0), (beside, 1.0)))
        found.append(_Candidate(columns, rows, False, (width, 1.0), (width, width / below)))
    return found


def _fit(size: tuple[float, float], max_size: tuple[int, int]) -> float:
    return min(max_size[0] / size[0], max_size[1] / size[1])


def _worth(one: _Candidate, count: int, tile: float, max_size: tuple[int, int]) -> float:
    scale = _fit(one.size, max_size)
    tile_height = scale / one.rows
    plan = min(one.plan[0] * one.plan[1] * scale**2, PLAN_SHARE * max_size[0] * max_size[1])
    return count * tile * tile_height**2 + PLAN_WORTH * plan


def _placed(one: _Candidate, scale: float, count: int) -> Mosaic:
    width, height = even(one.size[0] * scale), even(one.size[1] * scale)
    grid = round(one.grid[0] * scale), round(one.grid[1] * scale)
    cell = grid[0] / one.columns, grid[1] / one.rows
    tile = int(cell[0]) - GAP_PX, int(cell[1]) - GAP_PX
    tiles = tuple(
        (round(column * cell[0]) + GAP_PX // 2, round(row * cell[1]) + GAP_PX // 2, *tile)
        for row, column in (divmod(number, one.columns) for number in range(count))
    )
    if not any(one.plan):
        return Mosaic(width, height, tiles, None)
    left, top = (grid[0], 0) if one.beside else (0, grid[1])
    plan = (left + GAP_PX // 2, top + GAP_PX // 2, width - left - GAP_PX, height - top - GAP_PX)
    return Mosaic(width, height, tiles, plan)
