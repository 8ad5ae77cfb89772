"""The ground's grid, drawn into the image of a calibrated camera."""

from __future__ import annotations

import math

import cv2
import numpy as np

from mtmc.calibration import Camera, HomographyCamera

from ..types import FloatArray, Image

AnyCamera = Camera | HomographyCamera

MIN_PIXELS_PER_M = 8.0
"""Ground that is seen smaller than this is too far off for a grid."""

_SUBPIXEL_BITS = 4
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_BLACK, _WHITE = (0, 0, 0), (250, 250, 250)
_LINE = (240, 240, 240)
_AXES = ((60, 200, 60), (60, 60, 230))
"""BGR of the lines X = 0 (which is the Y axis: green) and Y = 0 (the X axis: red)."""


def draw_ground_grid(image: Image, camera: AnyCamera, step_m: float | None = None) -> None:
    """Draw the ground's grid into a camera's image, in place; X = 0 and Y = 0 in colour.

    Parameters
    ----------
    image : (H, W, 3) uint8
        Of the camera's image size.
    camera : camera
    step_m : float, optional
        Metres between lines; by default about twelve lines over what is seen well.

    Raises
    ------
    ValueError
        When the image has another size than the camera.
    """
    if (image.shape[1], image.shape[0]) != camera.image_size:
        raise ValueError(
            f"camera {camera.name!r}: expected an image of {camera.image_size}, got "
            f"{(image.shape[1], image.shape[0])}"
        )
    near = _ground_seen_well(camera)
    if not len(near):
        return
    low, high = near.min(axis=0), near.max(axis=0)
    step = step_m or grid_step(float((high - low).max()))
    unit = max(1, round(image.shape[0] / 600))
    for axis in (0, 1):
        for value in np.arange(math.floor(low[axis] / step), math.ceil(high[axis] / step) + 1):
            along = np.linspace(low[1 - axis], high[1 - axis], 200)
            line = np.insert(along[:, None], axis, value * step, axis=1)
            colour = _AXES[axis] if value == 0 else _LINE
            _draw_ground_line(image, camera, line, colour, unit * (2 if value == 0 else 1))
    _label_crossings(image, camera, low, high, step, unit)


def _ground_seen_well(camera: AnyCamera) -> FloatArray:
    """Ground points of a raster of pixels, without those that are too far off."""
    width, height = camera.image_size
    grid = np.stack(
        np.meshgrid(np.linspace(0, width, 40), np.linspace(0, height, 40)), axis=-1
    ).reshape(-1, 2)
    ground, jacobian = camera.ground_from_image_with_jacobian(grid)
    good = np.isfinite(jacobian).all(axis=(1, 2))
    stretch = np.linalg.norm(np.where(np.isfinite(jacobian), jacobian, 0.0), axis=(1, 2))
    return np.asarray(ground[good & (stretch < 1.0 / MIN_PIXELS_PER_M)])


def _draw_ground_line(
    image: Image,
    camera: AnyCamera,
    line: FloatArray,
    colour: tuple[int, int, int],
    width: int,
) -> None:
    """A line on the ground, in pieces where it leaves the view or goes behind the camera."""
    uv = camera.image_from_ground(line)
    size = np.array(camera.image_size)
    shown = np.asarray(((uv > -size) & (uv < 2 * size)).all(axis=1))
    for piece in np.split(np.arange(len(uv)), np.flatnonzero(~shown)):
        points = uv[piece[shown[piece]]]
        if len(points) > 1:
            draw_line(image, points, colour, width)


def _label_crossings(
    image: Image, camera: AnyCamera, low: FloatArray, high: FloatArray, step: float, unit: int
) -> None:
    """The coordinates of every other crossing of the grid, where there is room."""
    ranges = [
        np.arange(math.ceil(low[axis] / step / 2), math.floor(high[axis] / step / 2) + 1) * 2 * step
        for axis in (0, 1)
    ]
    points = np.stack(np.meshgrid(*ranges), axis=-1).reshape(-1, 2)
    taken: list[FloatArray] = []
    for point, uv in zip(points, camera.image_from_ground(points), strict=True):
        room = all(np.abs(uv - other).max() > 60 * unit for other in taken)
        if room and ((uv > 0) & (uv < camera.image_size)).all():
            taken.append(uv)
            _draw_text(image, f"x{point[0]:g} y{point[1]:g}", uv, unit)


def _draw_text(image: Image, text: str, spot: FloatArray, unit: int) -> None:
    """Light on a dark plate: readable on any ground."""
    scale = 0.4 * unit
    (width, height), base = cv2.getTextSize(text, _FONT, scale, unit)
    x, y = int(spot[0]) + 3 * unit, int(spot[1]) - 3 * unit
    cv2.rectangle(image, (x - 2, y - height - 2), (x + width + 2, y + base), _BLACK, -1)
    cv2.putText(image, text, (x, y), _FONT, scale, _WHITE, unit, cv2.LINE_AA)


def grid_step(extent_m: float) -> float:
    """1, 2 or 5 times a power of ten, about twelve of which fill the extent."""
    rough = extent_m / 12.0
    power = 10.0 ** math.floor(math.log10(rough))
    return power * next(factor for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= rough)


def draw_line(image: Image, points: FloatArray, colour: tuple[int, int, int], width: int) -> None:
    """Draw a smooth line through points (N, 2), in pixels and fractions of them."""
    fixed = np.round(np.asarray(points) * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    cv2.polylines(
        image, [fixed.reshape(-1, 1, 2)], False, colour, width, cv2.LINE_AA, _SUBPIXEL_BITS
    )
