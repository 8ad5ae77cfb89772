"""The empty room as a camera sees it: one ray per pixel, done once, with the depth of everything.

Light comes from two lamps in the ceiling, weighed by the angle and the distance; corners and what
lies under furniture get less of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mtmc.calibration import Camera

from ..types import FloatArray, Image, IntArray
from .lab_room import ONE_DOOR, ROOM_X, ROOM_Y, WALL_HEIGHT_M, Door
from .render_furniture import DOOR_HEIGHT_M, Block, room_blocks
from .render_materials import MATERIALS

CORRIDOR_M = 1.5
LAMPS = np.array([[1.9, 2.5, WALL_HEIGHT_M], [4.1, 2.5, WALL_HEIGHT_M]])
AMBIENT = 0.52
LIGHT_CELL_M = 0.01
SLIMMEST_SHADOW_M = 0.1


@dataclass(frozen=True, eq=False)
class RoomView:
    """The empty room in one camera.

    Attributes
    ----------
    image : (H, W, 3) uint8
        BGR.
    depth : (H, W) float32
        Along the camera's axis, metres; infinite on the floor, which hides nobody.
    floor : (H, W) uint8
        255 where the floor shows, else 0.
    """

    image: Image
    depth: npt.NDArray[np.float32]
    floor: npt.NDArray[np.uint8]


def room_view(camera: Camera, doors: Sequence[Door] = ONE_DOOR) -> RoomView:
    """Look at the empty room; the image has the camera's size."""
    width, height = camera.image_size
    uv = np.stack(np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5), axis=-1)
    directions = camera.ray(uv.reshape(-1, 2))[1]
    distance, axis, material = _shell(camera.position, directions, doors)
    blocks = room_blocks(doors)
    for number, block in enumerate(blocks):
        rows = _pixels_around(camera, block)
        near, near_axis = _enter(camera.position, directions[rows], block)
        closer = near < distance[rows]
        rows = rows[closer]
        distance[rows], axis[rows] = near[closer], near_axis[closer]
        material[rows] = len(SHELL) + number
    points = camera.position + distance[:, None] * directions
    rgb = _material_colours(points, axis, material, blocks)
    rgb *= _light(points, axis, directions, blocks)[:, None]
    floor = material == SHELL.index("floor")
    depth = np.where(floor, np.inf, distance * (directions @ camera.R[2]))
    image = np.clip(rgb[:, ::-1], 0, 255).astype(np.uint8).reshape(height, width, 3)
    return RoomView(
        np.ascontiguousarray(image),
        depth.astype(np.float32).reshape(height, width),
        (255 * floor).astype(np.uint8).reshape(height, width),
    )


SHELL = ("floor", "ceiling", "wall x0", "wall x1", "wall y0", "wall y1", "corridor", "floor")


def _pixels_around(camera: Camera, block: Block) -> IntArray:
    """Rows of the pixels that a block can cover; all of them where it reaches behind the camera."""
    width, height = camera.image_size
    corners = np.array([[x, y, z] for x in (block.low[0], block.high[0])
                        for y in (block.low[1], block.high[1])
                        for z in (block.low[2], block.high[2])])  # fmt: skip
    uv = camera.project(corners)
    if not np.isfinite(uv).all():
        return np.arange(width * height)
    left, top = np.clip(uv.min(axis=0) - 2, 0, camera.image_size).astype(int)
    right, bottom = np.clip(uv.max(axis=0) + 3, 0, camera.image_size).astype(int)
    return (np.arange(top, bottom)[:, None] * width + np.arange(left, right)).ravel()


def _exit(
    origin: FloatArray, directions: FloatArray, low: FloatArray, high: FloatArray
) -> tuple[FloatArray, npt.NDArray[np.int8]]:
    """Where rays that start in a box leave it: distance, and side (2 axis + 1 if the high one)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        sides = np.where(directions > 0, high - origin, low - origin) / directions
    sides = np.where(directions == 0, np.inf, sides)
    axis = sides.argmin(axis=1)
    rows = np.arange(len(directions))
    return sides[rows, axis], (2 * axis + (directions[rows, axis] > 0)).astype(np.int8)


def _shell(
    origin: FloatArray, directions: FloatArray, doors: Sequence[Door]
) -> tuple[FloatArray, npt.NDArray[np.int8], npt.NDArray[np.int16]]:
    """Distance, side and material of floor, walls and ceiling; the corridor behind the doors."""
    low = np.array([ROOM_X[0], ROOM_Y[0], 0.0])
    high = np.array([ROOM_X[1], ROOM_Y[1], WALL_HEIGHT_M])
    distance, side = _exit(origin, directions, low, high)
    names = np.array([SHELL.index(n) for n in ("wall x0", "wall x1", "wall y0", "wall y1",
                                               "floor", "ceiling")], np.int16)  # fmt: skip
    material = names[side]
    points = origin + distance[:, None] * directions
    lintel = points[:, 2] < DOOR_HEIGHT_M
    for left, right in doors:
        door = (side == 2) & (points[:, 0] > left) & (points[:, 0] < right) & lintel
        if door.any():
            low = np.array([left - 0.8, -CORRIDOR_M, 0.0])
            high = np.array([right + 1.2, high[1], WALL_HEIGHT_M])
            distance[door], side[door] = _exit(origin, directions[door], low, high)
            corridor = np.where(side[door] == 4, SHELL.index("floor"), SHELL.index("corridor"))
            material[door] = corridor
    return distance, side, material


def _enter(
    origin: FloatArray, directions: FloatArray, block: Block
) -> tuple[FloatArray, npt.NDArray[np.int8]]:
    """Where rays meet a block from outside: distance (infinite if never), and side."""
    with np.errstate(divide="ignore", invalid="ignore"):
        first = (np.array(block.low) - origin) / directions
        second = (np.array(block.high) - origin) / directions
    near, far = np.fmin(first, second), np.fmax(first, second)
    axis = near.argmax(axis=1)
    rows = np.arange(len(directions))
    entry = near[rows, axis]
    met = (entry <= far.min(axis=1)) & (entry > 0)
    side = 2 * axis + (directions[rows, axis] < 0)
    return np.where(met, entry, np.inf), side.astype(np.int8)


def _material_colours(
    points: FloatArray,
    side: npt.NDArray[np.int8],
    material: npt.NDArray[np.int16],
    blocks: list[Block],
) -> FloatArray:
    rgb = np.zeros_like(points)
    names = [*SHELL, *(block.material for block in blocks)]
    origins = [(0.0, 0.0, 0.0)] * len(SHELL) + [block.low for block in blocks]
    for number in np.unique(material):
        here = material == number
        local = points[here] - origins[number]
        rgb[here] = MATERIALS[names[number]](local, side[here])
    return rgb


def _light(
    points: FloatArray, side: npt.NDArray[np.int8], directions: FloatArray, blocks: list[Block]
) -> FloatArray:
    """Brightness of surfaces: lamps, and less where furniture or a corner is near."""
    normal = np.zeros_like(points)
    rows, axis = np.arange(len(points)), side // 2
    # the side that faces the ray
    normal[rows, axis] = -np.sign(directions[rows, axis])
    light = AMBIENT + lamp_light(points, normal)
    to_wall = np.stack([points[:, 0] - ROOM_X[0], ROOM_X[1] - points[:, 0],
                        points[:, 1] - ROOM_Y[0], ROOM_Y[1] - points[:, 1],
                        points[:, 2]])  # fmt: skip
    for row, wall in enumerate(to_wall):
        facing = axis == (row // 2)
        light *= np.where(facing, 1.0, 1 - 0.22 * np.exp(-np.clip(wall, 0, None) / 0.16))
    low = points[:, 2] < 0.02
    light[low] *= _floor_light(points[low], blocks)
    return np.where(points[:, 1] < -0.02, 0.55 * light, light)


def lamp_light(points: FloatArray, normal: FloatArray) -> FloatArray:
    """Light (...,) of the lamps on surfaces at points (..., 3) with unit normals (..., 3)."""
    total = np.zeros(points.shape[:-1])
    for lamp in LAMPS:
        way = lamp - points
        squared = (way**2).sum(axis=-1) + 0.8
        cosine = (way * normal).sum(axis=-1) / np.sqrt(squared)
        total += 2.0 * np.maximum(cosine, 0.0) / squared
    return total


def _floor_light(points: FloatArray, blocks: list[Block]) -> FloatArray:
    """How much light the furniture leaves on the floor (N,): computed on a grid, then looked up."""
    origin = np.array([ROOM_X[0], ROOM_Y[0]])
    size = (np.array([ROOM_X[1], ROOM_Y[1]]) - origin) / LIGHT_CELL_M
    x, y = (origin[k] + LIGHT_CELL_M * np.arange(size[k] + 1) for k in (0, 1))
    light = np.ones((len(y), len(x)))
    for block in blocks:
        width = block.high[0] - block.low[0]
        if block.low[1] < ROOM_Y[0] or width < SLIMMEST_SHADOW_M:
            continue
        across = np.maximum(block.low[0] - x, x - block.high[0])[None]
        along = np.maximum(block.low[1] - y, y - block.high[1])[:, None]
        outside = np.hypot(np.maximum(across, 0), np.maximum(along, 0))
        gap = np.where(outside > 0, outside, np.maximum(across, along))
        soft = 0.06 + 0.25 * block.low[2]  # the higher a block hangs, the softer its shadow
        light *= 1 - 0.42 * min(1.0, 3 * width) / (1 + np.exp(np.clip(gap / soft, -30, 30)))
    cells = np.rint((points[:, :2] - origin) / LIGHT_CELL_M).astype(int)
    return np.asarray(light[cells[:, 1].clip(0, len(y) - 1), cells[:, 0].clip(0, len(x) - 1)])
