"""What surfaces of the room look like in even light. To add one: a function, and a line below.

A material answers for points (N, 3) in metres, relative to the lower corner of its block (walls and
floor: to the world), on sides (N,) numbered 2 axis + 1 if the high one; colours are RGB 0-255.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ..types import FloatArray

Sides = npt.NDArray[np.int8]
Material = Callable[[FloatArray, Sides], FloatArray]


def speckle(cells: FloatArray) -> FloatArray:
    """Numbers in [0, 1) that look random, one for each row of whole numbers (N, K)."""
    weights = np.array([12.9898, 78.233, 37.719])[: cells.shape[1]]
    return np.asarray(np.modf(np.abs(np.sin(cells @ weights)) * 43758.5453)[0])


def even(red: int, green: int, blue: int, grain: float = 0.03) -> Material:
    """One colour, hardly grained."""

    def colour(points: FloatArray, sides: Sides) -> FloatArray:
        noise = speckle(np.floor(points / 0.012)) - 0.5
        return np.asarray(np.array([red, green, blue]) * (1 + grain * noise)[:, None])

    return colour


def planks(points: FloatArray, sides: Sides) -> FloatArray:
    """A floor of oak boards along x."""
    row = np.floor(points[:, 1] / 0.19)
    along = points[:, 0] + 0.7 * speckle(row[:, None])
    board = np.stack([row, np.floor(along / 1.3)], axis=1)
    tone = 0.86 + 0.2 * speckle(board)
    veins = np.sin(points[:, 1] * 190 + 3 * np.sin(points[:, 0] * 4 + 9 * speckle(board)))
    tone = tone * (1 + 0.03 * veins)
    seam = (np.abs(points[:, 1] / 0.19 - row - 0.5) > 0.485) | (along % 1.3 < 0.006)
    return np.asarray(np.array([186, 160, 128]) * np.where(seam, 0.62 * tone, tone)[:, None])


Panel = tuple[float, float, float, float, tuple[int, int, int]]
"""What hangs on a wall: from, to (metres along it), lower and upper edge (height), colour."""


def wall(painted: tuple[int, int, int], axis: int, panels: tuple[Panel, ...] = ()) -> Material:
    """Paint with a skirting board and framed panels; ``axis`` runs along the wall."""

    def colour(points: FloatArray, sides: Sides) -> FloatArray:
        rgb = even(*painted, grain=0.02)(points, sides)
        along, height = points[:, axis], points[:, 2]
        rgb[height < 0.09] = [226, 224, 218]
        rgb[np.abs(height - 0.09) < 0.006] *= 0.7
        for start, end, low, high, panel in panels:
            inside = np.minimum.reduce([along - start, end - along, height - low, high - height])
            rgb[inside > 0] = [96, 84, 74]
            shown = inside > 0.035
            pattern = speckle(np.floor(np.stack([along, height], axis=1)[shown] / 0.11))
            rgb[shown] = np.array(panel) * (0.88 + 0.2 * pattern)[:, None]
        return rgb

    return colour


def window(painted: tuple[int, int, int], axis: int, start: float, end: float) -> Material:
    """A painted wall with a bright window between two places along it."""
    behind = wall(painted, axis)

    def colour(points: FloatArray, sides: Sides) -> FloatArray:
        rgb = behind(points, sides)
        along, height = points[:, axis], points[:, 2]
        inside = np.minimum.reduce([along - start, end - along, height - 1.3, 2.3 - height])
        rgb[inside > 0] = [236, 236, 232]
        bar = np.abs(along - (start + end) / 2) < 0.03
        glass = (inside > 0.05) & ~bar
        # blinds before a bright sky
        slat = 0.5 + 0.5 * np.sin(height[glass] * 110)
        rgb[glass] = np.array([222, 232, 244]) * (0.86 + 0.16 * slat)[:, None]
        return rgb

    return colour


def fronted(red: int, green: int, blue: int, door_m: float) -> Material:
    """Painted furniture with doors: dark gaps every ``door_m`` metres, and handles."""

    def colour(points: FloatArray, sides: Sides) -> FloatArray:
        rgb = even(red, green, blue, grain=0.02)(points, sides)
        front = sides < 4
        along = np.where(sides // 2 == 0, points[:, 1], points[:, 0]) % door_m
        gap = front & ((along < 0.008) | (np.abs(points[:, 2] - 0.62) < 0.005))
        rgb[gap] *= 0.55
        handle = front & (np.abs(along - door_m / 2) < 0.06)
        handle &= np.abs(points[:, 2] % 0.62 - 0.5) < 0.012
        rgb[handle] = [70, 70, 72]
        return rgb

    return colour


def wood(red: int, green: int, blue: int) -> Material:
    """Veneer with veins along x, y or z."""

    def colour(points: FloatArray, sides: Sides) -> FloatArray:
        across = points[:, 1] + 0.3 * points[:, 0]
        veins = np.sin(70 * across + 2.5 * np.sin(5 * points[:, 0] + 3 * points[:, 2]))
        edge = np.where(sides == 5, 1.0, 0.9)
        return np.asarray(np.array([red, green, blue]) * ((1 + 0.05 * veins) * edge)[:, None])

    return colour


PAINT = (204, 200, 190)

MATERIALS: dict[str, Material] = {
    "floor": planks,
    "ceiling": even(232, 232, 228),
    "wall x0": wall((182, 194, 196), 1, ((1.5, 2.3, 1.3, 1.9, (120, 148, 176)),
                                         (2.9, 3.5, 1.25, 2.0, (196, 150, 92)))),
    "wall x1": window(PAINT, 1, 1.2, 3.4),
    "wall y0": wall(PAINT, 0, ((2.3, 3.9, 1.1, 2.0, (222, 226, 222)),)),
    "wall y1": wall(PAINT, 0, ((2.4, 3.0, 1.4, 2.1, (92, 120, 96)),
                               (3.3, 4.0, 1.45, 2.05, (188, 172, 150)))),
    "corridor": even(150, 146, 138),
    "table": wood(196, 158, 112),
    "cupboard": fronted(206, 202, 194, 0.8),
    "panel": fronted(110, 122, 132, 0.5),
    "worktop": even(84, 80, 78),
    "steel": even(118, 120, 124),
    "seat": even(66, 78, 96, grain=0.08),
    "frame": even(214, 210, 202),
    "box": even(172, 136, 94),
    "green": even(70, 112, 70, grain=0.3),
    "red": even(164, 52, 46),
    "paper": even(236, 234, 228),
    "dark": even(46, 46, 50),
}  # fmt: skip
