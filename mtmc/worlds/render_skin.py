"""Painting one body: its skin's quadrilaterals, far to near, where nothing stands in front."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from mtmc.calibration import Camera

from ..types import FloatArray, Image, IntArray
from .render_room import AMBIENT, lamp_light

SUBPIXEL_BITS = 3
LABEL_SHIFT = 24
LEAST_AREA_PX = 0.2
"""Quadrilaterals that cover less of the image are left to their neighbours."""
FARTHEST_PX = 1e5
"""Corners beyond are drawn here; what is close to the lens can be projected anywhere."""
BIAS_M = 0.03
"""People are drawn this much nearer: one who touches a chair is not swallowed by it."""
WINDOW = np.array([0.55, -0.1, 0.83])
"""Direction to the window, of length 1."""


@dataclass(frozen=True, eq=False)
class Buffers:
    """An image in the making.

    Attributes
    ----------
    pixels : (H, W) uint32
        Blue, green, red, and in the highest byte who the pixel shows.
    depth : (H, W) float32
        Along the camera's axis, metres.
    """

    pixels: npt.NDArray[np.uint32]
    depth: npt.NDArray[np.float32]

    @property
    def bytes(self) -> Image:
        """The pixels as (H, W, 4) uint8, in place."""
        return self.pixels.view(np.uint8).reshape(*self.pixels.shape, 4)


@dataclass(frozen=True, eq=False)
class Skin:
    """What one person is covered with.

    Attributes
    ----------
    quads : (K, 4) int64
        Vertices of the body.
    bgr : (K, 3) float64
        Colours in even light, 0-255.
    vertices : (W,) int64
        Those that any of the quadrilaterals has.
    """

    quads: IntArray
    bgr: FloatArray
    vertices: IntArray


def packed(image: Image) -> npt.NDArray[np.uint32]:
    """BGR pixels (..., 3) as one number each, which show nobody."""
    pixels = np.zeros((*image.shape[:-1], 4), np.uint8)
    pixels[..., :3] = image
    return pixels.view(np.uint32)[..., 0]


Light = Callable[[FloatArray, FloatArray], FloatArray]
"""Brightness (N,) of skin at places (N, 3) with normals (N, 3) of any length, in the world."""


def room_light(places: FloatArray, normal: FloatArray) -> FloatArray:
    """Two lamps and a window: what people in the LAB-like room are lit by; a `Light`."""
    unit = normal / np.sqrt((normal * normal) @ np.ones(3) + 1e-18)[:, None]
    window = np.maximum(unit @ WINDOW, 0.0)
    sky = 0.5 + 0.5 * unit[:, 2]
    ambient = AMBIENT * (0.55 + 0.45 * sky)
    return np.asarray(ambient + 0.6 * lamp_light(places, unit) + 0.34 * window)


def paint_skin(
    buffers: Buffers,
    camera: Camera,
    skin: Skin,
    xyz: FloatArray,
    uv: FloatArray,
    label: int,
    light: Light = room_light,
) -> int:
    """Draw one person.

    Parameters
    ----------
    buffers : Buffers
        Changed in place, where the person is nearer than what is there.
    camera : Camera
        Of the buffers' size.
    skin : Skin
    xyz : (V, 3) float64
        Vertices in the world, metres.
    uv : (V, 2) float64
        The same in the image; NaN behind the camera.
    label : int
        1 to 255.
    light : Light

    Returns
    -------
    int
        Pixels of the person's silhouette inside the image, also where something hides it.
    """
    corners = uv[skin.quads]
    across, down = corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1]
    area = across[:, 1] * down[:, 0] - across[:, 0] * down[:, 1]
    rows = np.flatnonzero(area > 2 * LEAST_AREA_PX)  # turned to the camera
    a, b, c, d = xyz[skin.quads[rows].T]
    middle = (a + b + c + d) / 4
    distance = middle @ camera.R[2] + camera.t[2]
    order = np.argsort(-distance)
    corners = corners[rows[order]]
    found = _silhouette(corners, camera.image_size)
    if found is None:
        return 0
    region, patch = found
    lit = skin.bgr[rows] * light(middle, np.cross(c - a, d - b))[:, None]
    paint = packed(np.clip(lit, 0, 255).astype(np.uint8)) | np.uint32(label << LABEL_SHIFT)
    # quadrilateral 0 is nothing: infinitely far
    own = np.append(np.float32(np.inf), (distance[order] - BIAS_M).astype(np.float32))[patch]
    front = own < buffers.depth[region]
    np.copyto(buffers.pixels[region], np.append(np.uint32(0), paint[order])[patch], where=front)
    np.copyto(buffers.depth[region], own, where=front)
    return int(np.count_nonzero(patch))


def _silhouette(
    corners: FloatArray, image_size: tuple[int, int]
) -> tuple[tuple[slice, slice], npt.NDArray[np.uint16]] | None:
    """Which quadrilateral (K, 4, 2), from 1, each pixel shows where the last one lies on top.

    The answer covers only a region of the image, and is None where they all lie outside.
    """
    if not len(corners):
        return None
    u, v = corners[..., 0], corners[..., 1]
    left, top = max(0, int(u.min())), max(0, int(v.min()))
    right = min(image_size[0], int(u.max()) + 2)
    bottom = min(image_size[1], int(v.max()) + 2)
    if right <= left or bottom <= top:
        return None
    patch = np.zeros((bottom - top, right - left), np.uint16)
    # cv2 counts from the middle of a pixel
    inner = np.clip(corners - [left + 0.5, top + 0.5], -FARTHEST_PX, FARTHEST_PX)
    fixed = np.rint(inner * (1 << SUBPIXEL_BITS)).astype(np.int32)
    fill = cv2.fillConvexPoly
    for number, corner in enumerate(fixed, 1):
        fill(patch, corner, number, cv2.LINE_8, SUBPIXEL_BITS)
    return (slice(top, bottom), slice(left, right)), patch
