"""A site from above: where its cameras stand, where they look, and how many cover each place.

A wrong unit, a mirrored axis or a camera that looks at the sky is seen at a glance here, and hardly
ever in numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ..drawing import identity_colour
from ..types import FloatArray, Image
from .coverage import MIN_PERSON_SHARE, REACH_M, covered_bounds, covers, where_it_looks
from .ground_grid import AnyCamera
from .map import (
    FONT,
    INK,
    MASK_STEP,
    Bounds,
    FloorMap,
    Rectangle,
    draw_camera,
    draw_dashed,
    draw_grid,
    draw_outline,
)

# BGR by the number of cameras: nobody, one, two, ... (light to dark)
_SHADES = ((250, 250, 250), (247, 231, 214), (236, 208, 176), (222, 183, 138), (204, 156, 104),
           (182, 128, 74), (156, 100, 50), (128, 74, 32))  # fmt: skip


@dataclass(frozen=True)
class CoveragePictureConfig:
    """How a floor is drawn.

    Attributes
    ----------
    size_px : int
        Longer side of the map.
    min_person_share : float
        A place counts as covered where a person would be this tall, in heights of the image.
    reach_m : float
        Nothing further from the middle of the site is looked at when its bounds are not given.
    """

    size_px: int = 1200
    min_person_share: float = MIN_PERSON_SHARE
    reach_m: float = REACH_M

    def __post_init__(self) -> None:
        if self.size_px < 200:
            raise ValueError(f"size_px: expected 200 or more, got {self.size_px}")
        for name in ("min_person_share", "reach_m"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: expected a positive number, got {getattr(self, name)}")


def coverage_picture(
    cameras: Sequence[AnyCamera],
    bounds: Bounds | None = None,
    config: CoveragePictureConfig | None = None,
    outlines: Sequence[FloatArray] = (),
) -> Image:
    """Draw a site from above: how many cameras cover each place, their fields of view and places.

    Parameters
    ----------
    cameras : sequence of cameras
        At least one.
    bounds : (left, bottom, right, top), optional
        Metres; by default what the cameras cover.
    config : CoveragePictureConfig, optional
    outlines : sequence of (N, 2)
        Polygons to draw as dashed lines, metres: where people are tracked, say.

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
    settings = config or CoveragePictureConfig()
    around = bounds or covered_bounds(cameras, settings.min_person_share, settings.reach_m)
    chart = FloorMap.of_size(around, settings.size_px)
    grid, shape = chart.cell_centres()
    masks = [covers(camera, grid, settings.min_person_share).reshape(shape) for camera in cameras]
    counts = np.minimum(np.sum(masks, axis=0), len(_SHADES) - 1)
    image = np.array(_SHADES, np.uint8)[counts].repeat(MASK_STEP, axis=0).repeat(MASK_STEP, axis=1)
    image = np.ascontiguousarray(image[: chart.height, : chart.width])
    draw_grid(image, chart)
    colours = [identity_colour(number + 1) for number in range(len(cameras))]
    for mask, colour in zip(masks, colours, strict=True):
        draw_outline(image, mask, colour, chart.unit)
    for polygon in outlines:
        draw_dashed(image, chart, polygon, INK)
    taken: list[Rectangle] = []
    for camera, colour in zip(cameras, colours, strict=True):
        looks_at = where_it_looks(camera)
        draw_camera(image, chart, camera, looks_at, colour, taken, with_height=True)
    legend = _legend(int(counts.max()), settings, chart.unit, image.shape[1], bool(outlines))
    return _below(image, legend)


def _below(image: Image, strip: Image) -> Image:
    """One picture under another; the narrower one gets white margins."""
    width = max(image.shape[1], strip.shape[1])
    parts = []
    for part in (image, strip):
        left = (width - part.shape[1]) // 2
        right = width - part.shape[1] - left
        parts.append(np.pad(part, ((0, 0), (left, right), (0, 0)), constant_values=255))
    return np.concatenate(parts)


def _legend(most: int, config: CoveragePictureConfig, unit: int, width: int, dashed: bool) -> Image:
    """What the shades mean; on two lines where one is too long for the picture."""
    share = f"{100 * config.min_person_share:g} %"
    text = f"cameras that see a standing person as {share} of their image's height or more:"
    scale, line, swatch = 0.42 * unit, 34 * unit, 46 * unit
    words = 16 * unit + cv2.getTextSize(text, FONT, scale, unit)[0][0]
    note = "dashed: where people are tracked" if dashed else ""
    note_px = cv2.getTextSize(note, FONT, scale, unit)[0][0] + 16 * unit
    swatches = swatch * (most + 1)
    rows = 1 if words + swatches + note_px <= width else 2
    second = words if rows == 1 else 8 * unit
    strip = np.full((rows * line, max(width, words, second + swatches + note_px), 3), 255, np.uint8)
    cv2.putText(strip, text, (8 * unit, 22 * unit), FONT, scale, INK, unit, cv2.LINE_AA)
    x, top = second, (rows - 1) * line
    for count in range(most + 1):
        corners = (x, top + 8 * unit), (x + 20 * unit, top + 26 * unit)
        cv2.rectangle(strip, *corners, _SHADES[count], -1)
        cv2.rectangle(strip, *corners, (160, 160, 160), 1)
        name = f"{count}" + ("+" if count == len(_SHADES) - 1 else "")
        origin = (x + 24 * unit, top + 22 * unit)
        cv2.putText(strip, name, origin, FONT, scale, INK, unit, cv2.LINE_AA)
        x += swatch
    origin = (x + 8 * unit, top + 22 * unit)
    cv2.putText(strip, note, origin, FONT, scale, INK, unit, cv2.LINE_AA)
    return strip
