"""An OpenCV lens that does nearly what another lens does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .camera import Camera
from .opencv_distortion import OpenCVDistortion
from .types import FloatArray

GRID = 40
"""Pixels along each side of the image at which the two lenses are compared."""

MIN_COVERED = 0.5
"""Share of the image that a lens must describe."""


def refit_lens(camera: Camera) -> tuple[Camera, float]:
    """Replace a camera's lens by OpenCV's polynomial or rational one, whichever is nearer.

    Both are linear least squares over the image; the rational one after multiplying by its
    denominator.

    Returns
    -------
    camera : Camera
        With an `OpenCVDistortion`, or as it was where it needs none.
    error_px : float
        Largest distance between the two lenses over the image, pixels. Wide angles are beyond
        these models: look at this before using the camera.

    Raises
    ------
    ValueError
        When the lens covers too little of the image to be fitted.
    """
    if camera.distortion is None or isinstance(camera.distortion, OpenCVDistortion):
        return camera, 0.0
    width, height = camera.image_size
    u, v = np.meshgrid(np.linspace(0, width, GRID), np.linspace(0, height, GRID))
    uv = np.column_stack([u.ravel(), v.ravel()])
    ideal = camera.undistort(uv)
    known = np.isfinite(ideal).all(axis=1)
    if known.mean() < MIN_COVERED:
        raise ValueError(f"camera {camera.name!r}: its lens covers too little of the image")
    uv, ideal = uv[known], ideal[known]
    bent = camera.distortion.distort(ideal)
    candidates = [
        replace(camera, distortion=OpenCVDistortion(tuple(values)))
        for values in (_polynomial(ideal, bent), _rational(ideal, bent))
    ]
    world = np.column_stack([ideal, np.ones(len(ideal))]) @ camera.R + camera.position
    errors = [_largest_error(candidate, world, uv) for candidate in candidates]
    best = int(np.argmin(errors))
    return candidates[best], errors[best]


def _largest_error(camera: Camera, world: FloatArray, uv: FloatArray) -> float:
    error = np.linalg.norm(camera.project(world) - uv, axis=1)
    return float(np.max(np.nan_to_num(error, nan=np.inf)))


def _powers(ideal: FloatArray) -> FloatArray:
    """(N, 3): r², r⁴, r⁶."""
    r2 = (ideal * ideal).sum(axis=1)
    return np.column_stack([r2, r2**2, r2**3])


def _polynomial(ideal: FloatArray, bent: FloatArray) -> FloatArray:
    """k1, k2, p1, p2, k3 of x' - x = x (k1 r² + k2 r⁴ + k3 r⁶), without tangential terms."""
    columns = ideal[:, :, None] * _powers(ideal)[:, None, :]
    values = np.linalg.lstsq(columns.reshape(-1, 3), (bent - ideal).ravel(), rcond=None)[0]
    return np.array([values[0], values[1], 0.0, 0.0, values[2]])


def _rational(ideal: FloatArray, bent: FloatArray) -> FloatArray:
    """The eight of x' - x = x (k1 r² + k2 r⁴ + k3 r⁶) - x' (k4 r² + k5 r⁴ + k6 r⁶)."""
    powers = _powers(ideal)[:, None, :]
    columns = np.concatenate([ideal[:, :, None] * powers, -bent[:, :, None] * powers], axis=2)
    values = np.linalg.lstsq(columns.reshape(-1, 6), (bent - ideal).ravel(), rcond=None)[0]
    return np.array([values[0], values[1], 0.0, 0.0, *values[2:]])
