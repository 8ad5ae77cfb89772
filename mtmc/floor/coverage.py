"""What cameras see of the floor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mtmc.calibration import Camera
from mtmc.trackers.types import BoolArray

from ..types import FloatArray
from .ground_grid import AnyCamera
from .map import MIN_ASPECT, Bounds

PERSON_M = 1.75
"""Height of the person whose size in the image says whether a place is still covered."""

MIN_PERSON_SHARE = 0.1
"""A place counts as covered where a person would be this tall, in heights of the image."""

REACH_M = 80.0
"""Nothing further from the middle of a site is looked at when its bounds are not given."""

MARGIN = 0.04
"""Share of a map's length that is added around what is covered."""

SITE_MARGIN = 0.25
"""What is drawn around the bounds of a site, in their larger side."""

NEARBY = 0.5
"""Cameras that stand further off than this, in the larger side of the bounds, are left out."""


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


def covered_bounds(
    cameras: Sequence[AnyCamera],
    min_person_share: float = MIN_PERSON_SHARE,
    reach_m: float = REACH_M,
) -> Bounds:
    """The part of the floor that is worth a map: ground that two cameras cover, and the cameras.

    Raises
    ------
    ValueError
        When no camera sees any ground.
    """
    looks = [look for look in map(where_it_looks, cameras) if look is not None]
    if not looks:
        raise ValueError("no camera sees any ground: the calibrations must be wrong")
    middle = np.median(looks, axis=0)
    steps = np.linspace(-reach_m, reach_m, 201)
    grid = middle + np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    counts = np.sum([covers(camera, grid, min_person_share) for camera in cameras], axis=0)
    points = [grid[counts >= min(2, len(cameras))], np.array(looks)]
    points += [camera.position[None, :2] for camera in cameras if isinstance(camera, Camera)]
    everything = np.concatenate(points)
    low, high = everything.min(axis=0), everything.max(axis=0)
    longest = float((high - low).max())
    half = np.maximum(high - low, MIN_ASPECT * longest) / 2.0
    half += MARGIN * longest + float(steps[1] - steps[0])
    (left, bottom), (right, top) = (low + high) / 2.0 - half, (low + high) / 2.0 + half
    return (float(left), float(bottom), float(right), float(top))


def bounds_around(
    box: FloatArray, cameras: Sequence[AnyCamera], margin: float = SITE_MARGIN
) -> Bounds:
    """A rectangle (left, bottom, right, top) with a margin, and the cameras that are not far off.

    The margin is a share of the rectangle's larger side.
    """
    side = float((box[2:] - box[:2]).max())
    pad, reach = margin * side, NEARBY * side
    low, high = box[:2] - pad, box[2:] + pad
    for camera in cameras:
        if isinstance(camera, Camera):
            spot = camera.position[:2]
            if ((spot > box[:2] - reach) & (spot < box[2:] + reach)).all():
                low, high = np.minimum(low, spot - pad / 2), np.maximum(high, spot + pad / 2)
    return (float(low[0]), float(low[1]), float(high[0]), float(high[1]))


def where_it_looks(camera: AnyCamera) -> FloatArray | None:
    """A ground point in the lower middle of the image; the highest that is not too far off."""
    width, height = camera.image_size
    rows = np.linspace(0.5, 1.0, 11) * height
    ground = camera.ground_from_image(np.column_stack([np.full(11, width / 2.0), rows]))
    seen = ground[np.isfinite(ground).all(axis=1)]
    return seen[len(seen) // 2] if len(seen) else None
