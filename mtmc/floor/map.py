"""A map of the floor: from metres to pixels, and what is drawn on every kind of map."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise

import cv2
import numpy as np

from mtmc.calibration import Camera
from mtmc.trackers.types import BoolArray

from ..types import FloatArray, Image
from .ground_grid import AnyCamera, draw_line, grid_step

MIN_ASPECT = 0.75
"""A map is at least this wide for its height, and high for its width."""

INK = (40, 40, 40)
PAPER = (250, 250, 250)
FONT = cv2.FONT_HERSHEY_SIMPLEX
MASK_STEP = 3
"""Pixels of a map per cell of a mask."""

_DASH_PX, _GAP_PX = 8.0, 5.0

Bounds = tuple[float, float, float, float]
"""Left, bottom, right, top of a map: x and y in metres."""

Colour = tuple[int, int, int]
Rectangle = tuple[int, int, int, int]
"""Left, top, right, bottom, pixels."""


@dataclass(frozen=True)
class FloorMap:
    """From metres to pixels of a map whose Y points up.

    Attributes
    ----------
    bounds : (left, bottom, right, top)
        Metres.
    width, height : int
        Pixels; with the proportions of the bounds.
    """

    bounds: Bounds
    width: int
    height: int
    pixels_per_m: float = field(init=False)

    def __post_init__(self) -> None:
        left, bottom, right, top = self.bounds
        if not (right > left and top > bottom):
            raise ValueError(f"bounds: expected left < right and bottom < top, got {self.bounds}")
        object.__setattr__(self, "pixels_per_m", self.height / (top - bottom))

    @classmethod
    def of_size(cls, bounds: Bounds, longer_px: int) -> FloorMap:
        """A map of exactly these bounds whose longer side has so many pixels."""
        left, bottom, right, top = bounds
        scale = longer_px / max(right - left, top - bottom, 1e-9)
        width, height = ((right - left) * scale, (top - bottom) * scale)
        return cls(bounds, max(1, round(width)), max(1, round(height)))

    @classmethod
    def filling(cls, bounds: Bounds, width: int, height: int) -> FloorMap:
        """A map of so many pixels that shows the bounds, and what fits in around them."""
        left, bottom, right, top = bounds
        metres = max((right - left) / width, (top - bottom) / height)
        middle_x, middle_y = (left + right) / 2.0, (bottom + top) / 2.0
        half_x, half_y = metres * width / 2.0, metres * height / 2.0
        around = (middle_x - half_x, middle_y - half_y, middle_x + half_x, middle_y + half_y)
        return cls(around, width, height)

    @property
    def unit(self) -> int:
        """Width of a thin line, pixels."""
        return max(1, round(max(self.width, self.height) / 900))

    def pixels(self, xy: FloatArray) -> FloatArray:
        """Pixels (N, 2) of ground points (N, 2)."""
        left, _, _, top = self.bounds
        return np.asarray((xy - [left, top]) * [self.pixels_per_m, -self.pixels_per_m])

    def cell_centres(self, step: int = MASK_STEP) -> tuple[FloatArray, tuple[int, int]]:
        """Ground points of every ``step``-th pixel, and the shape of that raster."""
        left, _, _, top = self.bounds
        columns = (np.arange(0, self.width, step) + step / 2) / self.pixels_per_m + left
        rows = top - (np.arange(0, self.height, step) + step / 2) / self.pixels_per_m
        grid = np.stack(np.meshgrid(columns, rows), axis=-1)
        return grid.reshape(-1, 2), (len(rows), len(columns))


def draw_grid(image: Image, chart: FloorMap) -> None:
    """Lines at round metres with their numbers at the left and lower border."""
    left, bottom, right, top = chart.bounds
    step = grid_step(max(right - left, top - bottom))
    for axis, (low, high) in enumerate(((left, right), (bottom, top))):
        for value in np.arange(math.floor(low / step) + 1, math.ceil(high / step)) * step:
            ends = np.array([[left, bottom], [right, top]])
            ends[:, axis] = value
            colour = (150, 150, 150) if value == 0 else (218, 218, 218)
            draw_line(image, chart.pixels(ends), colour, chart.unit)
            spot = chart.pixels(ends)[0]
            corner = (int(spot[0]) + 3, image.shape[0] - 6) if axis == 0 else (4, int(spot[1]) - 4)
            text = f"{value:g}" + (" m" if value == 0 else "")
            _draw_number(image, text, corner, chart.unit)


def _draw_number(image: Image, text: str, corner: tuple[int, int], unit: int) -> None:
    (width, height), base = cv2.getTextSize(text, FONT, 0.42 * unit, unit)
    x, y = corner
    cv2.rectangle(image, (x - 1, y - height - 1), (x + width + 1, y + base - 1), PAPER, -1)
    cv2.putText(image, text, corner, FONT, 0.42 * unit, (110, 110, 110), unit, cv2.LINE_AA)


def draw_outline(image: Image, mask: BoolArray, colour: Colour, unit: int) -> None:
    """The border of what a mask of every ``MASK_STEP``-th pixel holds."""
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    for outline in outlines:
        smooth = cv2.approxPolyDP(outline, 1.0, True)  # no stairs where the raster cuts a line
        points = (smooth.reshape(-1, 2) + 0.5) * MASK_STEP
        draw_line(image, np.concatenate([points, points[:1]]), colour, unit)


def draw_dashed(image: Image, chart: FloorMap, corners: FloatArray, colour: Colour) -> None:
    """A closed polygon (N, 2), metres, as a dashed line."""
    points = chart.pixels(np.concatenate([corners, corners[:1]]))
    for start, end in pairwise(points):
        length = float(np.linalg.norm(end - start))
        period = (_DASH_PX + _GAP_PX) * chart.unit
        for at in np.arange(0.0, length, period):
            stop = min(at + _DASH_PX * chart.unit, length)
            piece = start + (end - start) * np.array([[at], [stop]]) / max(length, 1e-9)
            draw_line(image, piece, colour, 2 * chart.unit)


def camera_wedge(chart: FloorMap, camera: Camera) -> FloatArray:
    """Corners (3, 2), pixels, of a wedge that opens to where a camera looks."""
    spot = chart.pixels(camera.position[None, :2])[0]
    ahead = camera.R[2, :2] * [1.0, -1.0]
    length = float(np.linalg.norm(ahead))
    ahead = ahead / length if length > 1e-6 else np.zeros(2)
    side = np.array([-ahead[1], ahead[0]])
    corners = np.array([-ahead, 1.6 * ahead + side, 1.6 * ahead - side])
    return np.asarray(spot + 10.0 * chart.unit * corners)


def draw_camera(
    image: Image,
    chart: FloorMap,
    camera: AnyCamera,
    looks_at: FloatArray | None,
    colour: Colour,
    taken: list[Rectangle],
    *,
    with_height: bool,
) -> None:
    """A wedge where a camera stands; a dot on what a homography looks at; and the name.

    ``taken`` holds the labels so far, which are not drawn over.
    """
    label = camera.name
    if isinstance(camera, Camera):
        spot = chart.pixels(camera.position[None, :2])[0]
        wedge = np.round(camera_wedge(chart, camera)).astype(np.int32)
        cv2.fillPoly(image, [wedge], colour, cv2.LINE_AA)
        cv2.polylines(image, [wedge], True, INK, chart.unit, cv2.LINE_AA)
        label += f" ({camera.position[2]:.1f} m)" if with_height else ""
    elif looks_at is None:
        return
    else:
        spot = chart.pixels(looks_at[None])[0]
        centre = (round(float(spot[0])), round(float(spot[1])))
        cv2.circle(image, centre, 5 * chart.unit, colour, -1, cv2.LINE_AA)
    draw_label(image, label, spot, colour, chart.unit, taken)


def draw_label(
    image: Image,
    text: str,
    spot: FloatArray,
    colour: Colour,
    unit: int,
    taken: list[Rectangle],
    gap: int = 20,
) -> None:
    """A name beside its symbol: to the right, or left at the border; below what is taken.

    ``gap`` is how far beside, in units.
    """
    scale, beside, edge = 0.45 * unit, gap * unit, 3 * unit
    (width, height), base = cv2.getTextSize(text, FONT, scale, unit)
    wide, high = width + 2 * edge, height + base + 2 * edge
    x = round(float(spot[0])) + beside
    if x + wide > image.shape[1]:
        x = round(float(spot[0])) - beside - wide
    x = max(x, 0)
    y = int(np.clip(round(float(spot[1])) - high, 0, max(0, image.shape[0] - high)))
    for left, top, right, bottom in sorted(taken, key=lambda rectangle: rectangle[1]):
        if x < right and left < x + wide and y < bottom and top < y + high:
            y = bottom + edge
    taken.append((x, y, x + wide, y + high))
    cv2.rectangle(image, (x, y), (x + wide, y + high), PAPER, -1)
    cv2.rectangle(image, (x, y), (x + wide, y + high), colour, unit)
    origin = (x + edge, y + edge + height)
    cv2.putText(image, text, origin, FONT, scale, INK, unit, cv2.LINE_AA)
