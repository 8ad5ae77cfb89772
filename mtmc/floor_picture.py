"""A site from above: where its cameras stand, where they look, and how many cover each place.

A wrong unit, a mirrored axis or a camera that looks at the sky is seen at a glance here, and hardly
ever in numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from mtmc.calibration import Camera
from mtmc.trackers.types import BoolArray

from .drawing import identity_colour
from .ground_grid import AnyCamera, draw_line, grid_step
from .types import FloatArray, Image

MIN_ASPECT = 0.75
"""A map is at least this wide for its height, and high for its width."""

PERSON_M = 1.75
"""Height of the person whose size in the image says whether a place is still covered."""

_INK = (40, 40, 40)
_PAPER = (250, 250, 250)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
# BGR by the number of cameras: nobody, one, two, ... (light to dark)
_SHADES = ((250, 250, 250), (247, 231, 214), (236, 208, 176), (222, 183, 138), (204, 156, 104),
           (182, 128, 74), (156, 100, 50), (128, 74, 32))  # fmt: skip


@dataclass(frozen=True)
class FloorPictureConfig:
    """How a floor is drawn.

    Attributes
    ----------
    size_px : int
        Longer side of the map.
    min_person_share : float
        A place counts as covered where a person would be this tall, in heights of the image.
    reach_m : float
        Nothing further from the middle of the site is looked at when its bounds are not given.
    margin : float
        Share of the map's length that is added around what is covered.
    """

    size_px: int = 1200
    min_person_share: float = 0.1
    reach_m: float = 80.0
    margin: float = 0.04

    def __post_init__(self) -> None:
        if self.size_px < 200:
            raise ValueError(f"size_px: expected 200 or more, got {self.size_px}")
        for name in ("min_person_share", "reach_m"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: expected a positive number, got {getattr(self, name)}")


Bounds = tuple[float, float, float, float]
"""Left, bottom, right, top of a map: x and y in metres."""


def covers(camera: AnyCamera, xy: FloatArray, min_person_share: float) -> BoolArray:
    """Which ground points (N, 2) a camera sees well: feet inside, a person tall enough: (N,).

    A homography knows no heights; for it the largest image of a person's length on the ground
    stands in.
    """
    feet = camera.image_from_ground(xy)
    seen = ((feet >= 0) & (feet < camera.image_size)).all(axis=1)
    if isinstance(camera, Camera):
        tall = np.linalg.norm(camera.image_from_ground(xy, PERSON_M) - feet, axis=1)
    else:
        _, jacobian = camera.ground_from_image_with_jacobian(feet)
        # |J| / |det J| is the Frobenius norm of the inverse, pixels per metre
        with np.errstate(invalid="ignore"):
            scale = np.linalg.norm(jacobian, axis=(1, 2)) / np.abs(np.linalg.det(jacobian))
        tall = PERSON_M * scale
    return np.asarray(seen & (tall >= min_person_share * camera.image_size[1]))


def site_bounds(cameras: Sequence[AnyCamera], config: FloorPictureConfig) -> Bounds:
    """The part of the floor that is worth a map: ground that two cameras cover, and the cameras.

    Raises
    ------
    ValueError
        When no camera sees any ground.
    """
    looks = [look for look in map(_where_it_looks, cameras) if look is not None]
    if not looks:
        raise ValueError("no camera sees any ground: the calibrations must be wrong")
    middle = np.median(looks, axis=0)
    steps = np.linspace(-config.reach_m, config.reach_m, 201)
    grid = middle + np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    counts = np.sum([covers(camera, grid, config.min_person_share) for camera in cameras], axis=0)
    points = [grid[counts >= min(2, len(cameras))], np.array(looks)]
    points += [camera.position[None, :2] for camera in cameras if isinstance(camera, Camera)]
    everything = np.concatenate(points)
    low, high = everything.min(axis=0), everything.max(axis=0)
    longest = float((high - low).max())
    half = np.maximum(high - low, MIN_ASPECT * longest) / 2.0
    half += config.margin * longest + float(steps[1] - steps[0])
    (left, bottom), (right, top) = (low + high) / 2.0 - half, (low + high) / 2.0 + half
    return (float(left), float(bottom), float(right), float(top))


def _where_it_looks(camera: AnyCamera) -> FloatArray | None:
    """A ground point in the lower middle of the image; the highest that is not too far off."""
    width, height = camera.image_size
    rows = np.linspace(0.5, 1.0, 11) * height
    ground = camera.ground_from_image(np.column_stack([np.full(11, width / 2.0), rows]))
    seen = ground[np.isfinite(ground).all(axis=1)]
    return seen[len(seen) // 2] if len(seen) else None


class _Map:
    """From metres to pixels of a map whose Y points up."""

    def __init__(self, bounds: Bounds, size_px: int) -> None:
        left, bottom, right, top = bounds
        if not (right > left and top > bottom):
            raise ValueError(f"bounds: expected left < right and bottom < top, got {bounds}")
        self.bounds = bounds
        self.pixels_per_m = size_px / max(right - left, top - bottom)
        self.width = max(1, round((right - left) * self.pixels_per_m))
        self.height = max(1, round((top - bottom) * self.pixels_per_m))

    def pixels(self, xy: FloatArray) -> FloatArray:
        left, _, _, top = self.bounds
        return np.asarray((xy - [left, top]) * [self.pixels_per_m, -self.pixels_per_m])

    def cell_centres(self, step: int) -> tuple[FloatArray, tuple[int, int]]:
        """Ground points of every ``step``-th pixel, and the shape of that raster."""
        left, _, _, top = self.bounds
        columns = (np.arange(0, self.width, step) + step / 2) / self.pixels_per_m + left
        rows = top - (np.arange(0, self.height, step) + step / 2) / self.pixels_per_m
        grid = np.stack(np.meshgrid(columns, rows), axis=-1)
        return grid.reshape(-1, 2), (len(rows), len(columns))


def floor_picture(
    cameras: Sequence[AnyCamera],
    bounds: Bounds | None = None,
    config: FloorPictureConfig | None = None,
) -> Image:
    """Draw a site from above: how many cameras cover each place, their fields of view and places.

    Parameters
    ----------
    cameras : sequence of cameras
        At least one.
    bounds : (left, bottom, right, top), optional
        Metres; by default what the cameras cover.
    config : FloorPictureConfig, optional

    Returns
    -------
    (H, W, 3) uint8
        BGR, Y upwards, with a legend below.

    Raises
    ------
    ValueError
        Without cameras, with empty bounds, or when no camera sees any ground.
    """
    if not cameras:
        raise ValueError("expected at least one camera, got none")
    settings = config or FloorPictureConfig()
    chart = _Map(bounds or site_bounds(cameras, settings), settings.size_px)
    step = 3
    grid, shape = chart.cell_centres(step)
    masks = [covers(camera, grid, settings.min_person_share).reshape(shape) for camera in cameras]
    counts = np.minimum(np.sum(masks, axis=0), len(_SHADES) - 1)
    image = np.array(_SHADES, np.uint8)[counts].repeat(step, axis=0).repeat(step, axis=1)
    image = np.ascontiguousarray(image[: chart.height, : chart.width])
    unit = max(1, round(settings.size_px / 900))
    _draw_grid(image, chart, unit)
    colours = [identity_colour(number + 1) for number in range(len(cameras))]
    for mask, colour in zip(masks, colours, strict=True):
        _draw_field_of_view(image, mask, step, colour, unit)
    taken: list[_Rectangle] = []
    for camera, colour in zip(cameras, colours, strict=True):
        _draw_camera(image, chart, camera, colour, unit, taken)
    legend = _legend(int(counts.max()), settings, unit)
    missing = max(image.shape[1] - legend.shape[1], 0), max(legend.shape[1] - image.shape[1], 0)
    legend, image = (
        np.pad(part, ((0, 0), (0, columns), (0, 0)), constant_values=255)
        for part, columns in zip((legend, image), missing, strict=True)
    )
    return np.concatenate([image, legend])


_Rectangle = tuple[int, int, int, int]  # left, top, right, bottom, pixels


def _draw_grid(image: Image, chart: _Map, unit: int) -> None:
    left, bottom, right, top = chart.bounds
    step = grid_step(max(right - left, top - bottom))
    for axis, (low, high) in enumerate(((left, right), (bottom, top))):
        for value in np.arange(math.ceil(low / step), math.floor(high / step) + 1) * step:
            ends = np.array([[left, bottom], [right, top]])
            ends[:, axis] = value
            colour = (90, 90, 90) if value == 0 else (215, 215, 215)
            draw_line(image, chart.pixels(ends), colour, unit)
            spot = chart.pixels(ends)[0]
            corner = (int(spot[0]) + 3, image.shape[0] - 6) if axis == 0 else (4, int(spot[1]) - 4)
            text = f"{value:g}" + (" m" if value == 0 else "")
            _draw_number(image, text, corner, unit)


def _draw_number(image: Image, text: str, corner: tuple[int, int], unit: int) -> None:
    (width, height), base = cv2.getTextSize(text, _FONT, 0.42 * unit, unit)
    x, y = corner
    cv2.rectangle(image, (x - 1, y - height - 1), (x + width + 1, y + base - 1), _PAPER, -1)
    cv2.putText(image, text, corner, _FONT, 0.42 * unit, _INK, unit, cv2.LINE_AA)


def _draw_field_of_view(
    image: Image, mask: BoolArray, step: int, colour: tuple[int, int, int], unit: int
) -> None:
    outlines, _ = cv2.findContours(
        mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
    )
    for outline in outlines:
        cv2.polylines(image, [outline * step], True, colour, unit, cv2.LINE_AA)


def _draw_camera(
    image: Image,
    chart: _Map,
    camera: AnyCamera,
    colour: tuple[int, int, int],
    unit: int,
    taken: list[_Rectangle],
) -> None:
    """A wedge that opens to where the camera looks; a dot on what a homography looks at."""
    if isinstance(camera, Camera):
        spot = chart.pixels(camera.position[None, :2])[0]
        ahead = camera.R[2, :2] * [1.0, -1.0]
        length = float(np.linalg.norm(ahead))
        ahead = ahead / length if length > 1e-6 else np.zeros(2)
        side = np.array([-ahead[1], ahead[0]])
        wedge = spot + 10.0 * unit * np.array([-ahead, 1.6 * ahead + side, 1.6 * ahead - side])
        cv2.fillPoly(image, [np.round(wedge).astype(np.int32)], colour, cv2.LINE_AA)
        cv2.polylines(image, [np.round(wedge).astype(np.int32)], True, _INK, unit, cv2.LINE_AA)
        label = f"{camera.name} ({camera.position[2]:.1f} m)"
    else:
        look = _where_it_looks(camera)
        if look is None:
            return
        spot = chart.pixels(look[None])[0]
        cv2.circle(image, (round(spot[0]), round(spot[1])), 5 * unit, colour, -1, cv2.LINE_AA)
        label = camera.name
    _draw_label(image, label, spot, colour, unit, taken)


def _draw_label(
    image: Image,
    text: str,
    spot: FloatArray,
    colour: tuple[int, int, int],
    unit: int,
    taken: list[_Rectangle],
) -> None:
    """A name beside its symbol: to the right, or left at the border; below what is taken."""
    scale, gap, edge = 0.45 * unit, 20 * unit, 3 * unit
    (width, height), base = cv2.getTextSize(text, _FONT, scale, unit)
    wide, high = width + 2 * edge, height + base + 2 * edge
    x = round(float(spot[0])) + gap
    if x + wide > image.shape[1]:
        x = round(float(spot[0])) - gap - wide
    x = max(x, 0)
    y = int(np.clip(round(float(spot[1])) - high, 0, max(0, image.shape[0] - high)))
    for left, top, right, bottom in sorted(taken, key=lambda rectangle: rectangle[1]):
        if x < right and left < x + wide and y < bottom and top < y + high:
            y = bottom + edge
    taken.append((x, y, x + wide, y + high))
    cv2.rectangle(image, (x, y), (x + wide, y + high), _PAPER, -1)
    cv2.rectangle(image, (x, y), (x + wide, y + high), colour, unit)
    origin = (x + edge, y + edge + height)
    cv2.putText(image, text, origin, _FONT, scale, _INK, unit, cv2.LINE_AA)


def _legend(most: int, config: FloorPictureConfig, unit: int) -> Image:
    share = f"{100 * config.min_person_share:g} %"
    text = f"cameras that see a standing person as {share} of their image's height or more:"
    scale, base = 0.42 * unit, 22 * unit
    x = 16 * unit + cv2.getTextSize(text, _FONT, scale, unit)[0][0]
    strip = np.full((34 * unit, x + 46 * unit * (most + 1), 3), 255, np.uint8)
    cv2.putText(strip, text, (8 * unit, base), _FONT, scale, _INK, unit, cv2.LINE_AA)
    for count in range(most + 1):
        cv2.rectangle(strip, (x, 8 * unit), (x + 20 * unit, 26 * unit), _SHADES[count], -1)
        cv2.rectangle(strip, (x, 8 * unit), (x + 20 * unit, 26 * unit), (160, 160, 160), 1)
        name = f"{count}" + ("+" if count == len(_SHADES) - 1 else "")
        cv2.putText(strip, name, (x + 24 * unit, base), _FONT, scale, _INK, unit, cv2.LINE_AA)
        x += 46 * unit
    return strip
