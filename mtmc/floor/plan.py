"""The plain floor plan of a site, on which people are drawn."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from mtmc.trackers.types import BoolArray

from ..types import FloatArray, Image
from .coverage import MIN_PERSON_SHARE, bounds_around, covered_bounds, covers, where_it_looks
from .ground_grid import AnyCamera
from .map import (
    INK,
    PAPER,
    Bounds,
    FloorMap,
    Rectangle,
    draw_camera,
    draw_dashed,
    draw_grid,
    draw_outline,
)

PLAN_MARGIN = 0.06
"""What is drawn around the bounds of a site, in their larger side."""

_UNSEEN = (232, 232, 232)
_CAMERA = (120, 105, 90)
_VIEW = (196, 180, 160)


def plan_bounds(
    cameras: Sequence[AnyCamera], tracked: FloatArray | None, places: FloatArray
) -> Bounds:
    """What a plan shows: where people are tracked, and the cameras around it.

    Parameters
    ----------
    cameras : sequence of cameras
    tracked : (N, 2) or None
        Corners of where people are tracked, metres.
    places : (M, 2)
        Where people were; they decide where nothing else is known, and may be none.

    Raises
    ------
    ValueError
        When nothing is tracked anywhere and no camera sees any ground.
    """
    known = tracked if tracked is not None else places
    if tracked is None and not len(places):
        return covered_bounds(cameras)
    low, high = known.min(axis=0), known.max(axis=0)
    middle, half = (low + high) / 2.0, np.maximum(high - low, 1.0) / 2.0
    return bounds_around(np.concatenate([middle - half, middle + half]), cameras, PLAN_MARGIN)


def draw_plan(
    chart: FloorMap,
    cameras: Sequence[AnyCamera],
    outlines: Sequence[FloatArray] = (),
    taken: list[Rectangle] | None = None,
) -> Image:
    """A plan without people: where cameras stand and look, and where people are tracked.

    White is seen by a camera, grey by none.

    Parameters
    ----------
    chart : FloorMap
    cameras : sequence of cameras
    outlines : sequence of (N, 2)
        Polygons to draw as dashed lines, metres.
    taken : list of rectangles, optional
        Gets the places of the cameras' names, for labels that are drawn later.

    Returns
    -------
    (H, W, 3) uint8
        BGR, of the chart's size.
    """
    grid, shape = chart.cell_centres()
    masks = [covers(camera, grid, MIN_PERSON_SHARE).reshape(shape) for camera in cameras]
    seen: BoolArray = np.any(masks, axis=0)
    size = (chart.width, chart.height)
    large = cv2.resize(seen.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    image = np.array((_UNSEEN, PAPER), np.uint8)[large.astype(np.intp)]
    draw_grid(image, chart)
    for mask in masks:
        draw_outline(image, mask, _VIEW, chart.unit)
    for polygon in outlines:
        draw_dashed(image, chart, polygon, INK)
    labels: list[Rectangle] = [] if taken is None else taken
    for camera in cameras:
        draw_camera(
            image, chart, camera, where_it_looks(camera), _CAMERA, labels, with_height=False
        )
    return image
