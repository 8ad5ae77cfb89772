"""How long people were where: person-seconds per square metre, as numbers and as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter

from ..types import FloatArray, Image, IntArray
from .ground_grid import AnyCamera
from .map import FONT, INK, Bounds, FloorMap
from .plan import draw_plan

LONGEST_STAY_S = 1.0
"""Nobody counts as present for longer than this after a moment in which they were seen."""


@dataclass(frozen=True)
class HeatMapConfig:
    """How a heat map is computed and drawn.

    Attributes
    ----------
    cell_m : float
        Side of the squares in which time is counted, metres.
    blur_m : float
        Standard deviation of the blur that makes a picture of it, metres; the sum stays.
    size_px : int
        Longer side of the map.
    """

    cell_m: float = 0.1
    blur_m: float = 0.2
    size_px: int = 1000

    def __post_init__(self) -> None:
        for name in ("cell_m", "blur_m"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: expected a value above 0, got {getattr(self, name)}")
        if self.size_px < 200:
            raise ValueError(f"size_px: expected 200 or more, got {self.size_px}")


def presence_s(time_s: FloatArray, ids: IntArray) -> FloatArray:
    """Seconds that each sighting (N,) stands for: until the next one of the same person.

    At most `LONGEST_STAY_S`; the last one of each person stands for as long as is usual (the
    median).
    """
    order = np.lexsort((time_s, ids))
    gap = np.diff(time_s[order])
    same = np.diff(ids[order]) == 0
    usual = float(np.median(gap[same])) if same.any() else LONGEST_STAY_S
    stay = np.full(len(time_s), min(usual, LONGEST_STAY_S))
    stay[order[:-1][same]] = np.minimum(gap[same], LONGEST_STAY_S)
    return stay


def occupancy(
    time_s: FloatArray, ids: IntArray, xy: FloatArray, bounds: Bounds, cell_m: float
) -> FloatArray:
    """Person-seconds per square metre of every cell.

    Parameters
    ----------
    time_s, ids : (N,)
        When each person was seen.
    xy : (N, 2)
        Where, metres.
    bounds : (left, bottom, right, top)
        Metres; who is outside does not count.
    cell_m : float
        Side of a cell, metres.

    Returns
    -------
    (rows, columns) float64
        Rows from bottom to top, columns from left to right. Times a cell's area it sums up to the
        person-seconds inside the bounds.
    """
    left, bottom, right, top = bounds
    columns, rows = (max(1, int(np.ceil(side / cell_m))) for side in (right - left, top - bottom))
    time, _, _ = np.histogram2d(
        xy[:, 1],
        xy[:, 0],
        bins=(rows, columns),
        range=((bottom, bottom + rows * cell_m), (left, left + columns * cell_m)),
        weights=presence_s(time_s, ids),
    )
    return np.asarray(time / cell_m**2)


def heat_map(
    time_s: FloatArray,
    ids: IntArray,
    xy: FloatArray,
    cameras: Sequence[AnyCamera],
    bounds: Bounds,
    outlines: Sequence[FloatArray] = (),
    config: HeatMapConfig | None = None,
) -> Image:
    """Draw where people spent their time, over the floor plan, with a scale.

    Colours follow the square root, so that paths are seen beside places where people stood.

    Parameters
    ----------
    time_s, ids, xy
        As in `occupancy`.
    cameras, outlines
        As in `mtmc.floor.plan.draw_plan`.
    bounds : (left, bottom, right, top)
        Metres.
    config : HeatMapConfig, optional

    Returns
    -------
    (H, W, 3) uint8
        BGR.
    """
    settings = config or HeatMapConfig()
    chart = FloorMap.of_size(bounds, settings.size_px)
    density = occupancy(time_s, ids, xy, chart.bounds, settings.cell_m)
    density = gaussian_filter(density, settings.blur_m / settings.cell_m, mode="constant")
    most = float(density.max()) if density.any() else 1.0
    plan = draw_plan(chart, cameras, outlines)
    colour, strength = _coloured(_as_picture(density / most, chart, settings.cell_m))
    mixed = plan * (1.0 - strength) + colour * strength
    return np.concatenate([mixed.round().astype(np.uint8), _scale_bar(chart, most)], axis=1)


def _as_picture(share: FloatArray, chart: FloorMap, cell_m: float) -> FloatArray:
    """Cells (rows, columns) as pixels of a chart (H, W): upside down, and smooth in between."""
    scale = chart.pixels_per_m * cell_m
    # pixel (u, v) shows cell (u / scale - 0.5, rows from the bottom)
    to_cells = np.array(
        [[1 / scale, 0.0, -0.5], [0.0, -1 / scale, (chart.height - 0.5) / scale - 0.5]]
    )
    picture = cv2.warpAffine(
        share.astype(np.float32),
        to_cells,
        (chart.width, chart.height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
    )
    return np.clip(picture, 0.0, 1.0).astype(np.float64)


def _coloured(share: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Colours (H, W, 3) of shares of the maximum, and how opaque they are (H, W, 1)."""
    root = np.sqrt(share)
    levels = (255 - 235 * root).round().astype(np.uint8)
    colours = cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO).astype(np.float64)
    return colours, np.clip(root / 0.25, 0.0, 1.0)[..., None] * 0.92


def _scale_bar(chart: FloorMap, most: float) -> Image:
    """The colours from 0 to the most, with numbers."""
    unit = chart.unit
    strip = np.full((chart.height, 150 * unit, 3), 255, np.uint8)
    top, bottom = 60 * unit, chart.height - 30 * unit
    share = np.linspace(1.0, 0.0, bottom - top)[:, None].repeat(24 * unit, axis=1) ** 2
    colours, strength = _coloured(share)
    bar = colours * strength + 250.0 * (1.0 - strength)
    left = 16 * unit
    strip[top:bottom, left : left + 24 * unit] = bar.round().astype(np.uint8)
    cv2.rectangle(strip, (left, top), (left + 24 * unit, bottom), (120, 120, 120), unit)
    for row, text in enumerate(("person-seconds", "per square metre")):
        _write(strip, text, (10 * unit, (22 + 17 * row) * unit), unit)
    for part in np.linspace(0.0, 1.0, 6):
        row = round(bottom - (bottom - top) * part)
        cv2.line(strip, (left + 24 * unit, row), (left + 30 * unit, row), (120, 120, 120), unit)
        _write(strip, f"{most * part**2:.3g}", (left + 36 * unit, row + 5 * unit), unit)
    return strip


def _write(image: Image, text: str, origin: tuple[int, int], unit: int) -> None:
    cv2.putText(image, text, origin, FONT, 0.42 * unit, INK, unit, cv2.LINE_AA)
