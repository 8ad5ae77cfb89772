"""Soft shadows on the floor, under people."""

from __future__ import annotations

import cv2
import numpy as np

from mtmc.calibration import Camera

from ..types import FloatArray, Image

CELL_PX = 4
"""Shadows are soft: they are drawn this much smaller."""
SOFTNESS_PX = 3.0
CONTACT, BODY = 0.44, 0.22
"""How much light feet, and the whole body, take from the floor below."""
NEAR_FLOOR_M = 0.45
EVERY = 7
"""Of a body's vertices, every so many tell its outline well enough."""
SUBPIXEL_BITS = 3
FARTHEST_PX = 1e5


def floor_light(bodies: FloatArray, camera: Camera) -> Image:
    """How much light reaches the floor.

    Parameters
    ----------
    bodies : (N, V, 3) float64
        Vertices of all people, metres.
    camera : Camera

    Returns
    -------
    (H, W) uint8
        255 is all of it; of the camera's image size.
    """
    width, height = camera.image_size
    coarse = camera.resized((width // CELL_PX, height // CELL_PX))
    shadow = np.zeros((height // CELL_PX, width // CELL_PX), np.uint8)
    sample = bodies[:, ::EVERY]
    flat = coarse.image_from_ground(sample[..., :2].reshape(-1, 2)).reshape(*sample.shape[:2], 2)
    for body, uv in zip(sample, flat, strict=True):
        for part, strength in ((body[:, 2] < NEAR_FLOOR_M, CONTACT), (body[:, 2] > 0, BODY)):
            if np.isfinite(uv[part]).all():
                _darken(shadow, uv[part], strength)
    soft = cv2.resize(cv2.GaussianBlur(shadow, (0, 0), SOFTNESS_PX), (width, height))
    return np.asarray(255 - soft, np.uint8)


def _darken(shadow: Image, uv: FloatArray, strength: float) -> None:
    """Draw the hull of some points, unless it is darker there already."""
    inner = np.clip(uv, -FARTHEST_PX, FARTHEST_PX)
    hull = cv2.convexHull(np.rint(inner * (1 << SUBPIXEL_BITS)).astype(np.int32))
    layer = np.zeros_like(shadow)
    cv2.fillConvexPoly(layer, hull, (255 * strength,), cv2.LINE_8, SUBPIXEL_BITS)
    cv2.max(shadow, layer, dst=shadow)
