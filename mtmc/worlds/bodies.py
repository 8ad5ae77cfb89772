"""The shape of people: a skin of quadrilaterals around the bones, for many people at once.

A body is a few tubes, each a stack of rings around a line of joints. A ring is a superellipse; its
half width and half depth come from a table, so a body is a table too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mtmc.trackers.types import BoolArray

from ..types import FloatArray, IntArray
from .body_tables import (
    ANKLE_END,
    ARM,
    BAG,
    FOOT,
    HAIR,
    HEAD,
    LEG,
    NECK,
    PACK,
    SIDES,
    SKIRT,
    SQUARENESS,
    TABLES,
    TORSO,
)
from .poses import HIP_HEIGHT, Skeleton, axes, spine_points


@dataclass(frozen=True, eq=False)
class BodyMesh:
    """Which quadrilaterals everybody's skin has; Q of them over V vertices.

    Attributes
    ----------
    quads : (Q, 4) int64
        Vertices, so that (b - a) x (d - a) points outwards.
    part : (Q,) int64
        Row of `SIDES`.
    angle : (Q,) float64
        Of the middle around its tube, radians: 0 left, π/2 front, π right, 3π/2 back.
    station : (Q,) float64
        Of the middle along its tube: the first column of the part's table.
    ring, cos, sin : (V,)
        Ring of each vertex, and where on the ring it lies.
    """

    quads: IntArray
    part: IntArray
    angle: FloatArray
    station: FloatArray
    ring: IntArray
    cos: FloatArray
    sin: FloatArray

    def of(self, *names: str) -> BoolArray:
        """Which quadrilaterals belong to the named parts."""
        rows = [list(SIDES).index(name) for name in names]
        return np.isin(self.part, rows)


def body_mesh() -> BodyMesh:
    """The mesh that all bodies share."""
    quads, part, angle, station = [], [], [], []
    ring, cos, sin = [], [], []
    vertices = rings = 0
    for row, (name, sides) in enumerate(SIDES.items()):
        stations = TABLES[name][:, 0]
        count = len(stations)
        theta = 2 * np.pi * np.arange(sides) / sides
        power = 2.0 / SQUARENESS.get(name, 2.0)
        ring.append(np.repeat(rings + np.arange(count), sides))
        cos.append(np.tile(np.sign(np.cos(theta)) * np.abs(np.cos(theta)) ** power, count))
        sin.append(np.tile(np.sign(np.sin(theta)) * np.abs(np.sin(theta)) ** power, count))
        here = np.arange(sides)
        after = (here + 1) % sides
        for upper in range(count - 1):
            top, bottom = vertices + upper * sides, vertices + (upper + 1) * sides
            quads.append(np.stack([top + here, top + after, bottom + after, bottom + here], 1))
            station.append(np.full(sides, stations[upper : upper + 2].mean()))
            angle.append(theta + np.pi / sides)
            part.append(np.full(sides, row))
        vertices, rings = vertices + count * sides, rings + count
    return BodyMesh(
        np.concatenate(quads), np.concatenate(part), np.concatenate(angle),
        np.concatenate(station), np.concatenate(ring), np.concatenate(cos), np.concatenate(sin),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Builds:
    """How N bodies differ besides height.

    Attributes
    ----------
    girth : (N,) float64
        Thickness relative to the average.
    waist : (N,) float64
        0 is straight; 1 has a narrow waist and shoulders, wide hips and a bust.
    loose_top, loose_legs : (N,) float64
        How much thicker clothes make the upper body, and legs.
    skirt_end : (N,) float64
        Where a skirt ends, between hip (0), knee (1) and ankle (2).
    """

    girth: FloatArray
    waist: FloatArray
    loose_top: FloatArray
    loose_legs: FloatArray
    skirt_end: FloatArray


def skin_points(
    mesh: BodyMesh, skeleton: Skeleton, height_m: FloatArray, builds: Builds
) -> npt.NDArray[np.float64]:
    """Vertices (N, V, 3) of all bodies, in their own coordinates, metres."""
    parts = [
        _upright(skeleton, height_m, *_torso(builds)),
        *_head(skeleton, height_m),
        _upright(skeleton, height_m, NECK[:, 0], NECK[:, 1], NECK[:, 2], NECK[:, 3]),
    ]
    for table, wide in ((LEG, builds.loose_legs * builds.girth), (ANKLE_END, builds.girth)):
        parts += [_limb(skeleton.legs[:, k], table, height_m, wide) for k in (0, 1)]
    sleeves = builds.girth * (0.5 + 0.5 * builds.loose_top)
    parts += [_limb(skeleton.arms[:, k], ARM, height_m, sleeves) for k in (0, 1)]
    parts += [_foot(skeleton, height_m, k) for k in (0, 1)]
    parts.append(_skirt(skeleton, height_m, builds))
    back, hip = -0.055 - 0.062 * builds.girth, -0.125 * builds.girth
    parts.append(_upright(skeleton, height_m, PACK[:, 0], PACK[:, 1], PACK[:, 2], back[:, None]))
    parts.append(_upright(skeleton, height_m, BAG[:, 0], BAG[:, 2], BAG[:, 1], 0.01, hip[:, None]))
    centre, wide, deep = (np.concatenate(column, axis=1) for column in zip(*parts, strict=True))
    ring = mesh.ring
    cos, sin = mesh.cos[:, None], mesh.sin[:, None]
    return np.asarray(centre[:, ring] + cos * wide[:, ring] + sin * deep[:, ring])


Rings = tuple[FloatArray, FloatArray, FloatArray]
"""Centres, and half axes to the left and to the front: (N, R, 3) metres each."""


def _torso(builds: Builds) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    level = TORSO[:, 0]
    narrow = np.exp(-(((level - 0.63) / 0.06) ** 2))
    hips = np.exp(-(((level - 0.51) / 0.05) ** 2))
    bust = np.exp(-(((level - 0.735) / 0.028) ** 2))
    shoulders = np.clip((level - 0.72) / 0.06, 0, 1)
    shape = -0.10 * narrow + 0.07 * hips - 0.07 * shoulders
    belly = np.clip(builds.girth - 1.0, 0, None)[:, None] * np.exp(-(((level - 0.62) / 0.07) ** 2))
    thick = (builds.girth * builds.loose_top)[:, None]
    wide = TORSO[:, 1] * thick * (1 + builds.waist[:, None] * shape)
    deep = TORSO[:, 2] * thick * (1 + builds.waist[:, None] * 0.12 * bust + 0.8 * belly)
    ahead = TORSO[:, 3] + 0.016 * builds.waist[:, None] * bust + 0.05 * belly
    return level, wide, deep, ahead


def _upright(
    skeleton: Skeleton,
    height_m: FloatArray,
    level: FloatArray,
    wide: FloatArray,
    deep: FloatArray,
    ahead: FloatArray | float,
    aside: FloatArray | float = 0.0,
) -> Rings:
    """A tube along the back."""
    shape = (len(height_m), len(level))
    columns = [np.broadcast_to(column, shape) for column in (ahead, aside, level - HIP_HEIGHT)]
    centre, left, forward = spine_points(skeleton, height_m, np.stack(columns, axis=-1))
    scale = height_m[:, None]
    return (
        centre,
        (np.broadcast_to(wide, shape) * scale)[..., None] * left,
        (np.broadcast_to(deep, shape) * scale)[..., None] * forward,
    )


def _head(skeleton: Skeleton, height_m: FloatArray) -> list[Rings]:
    """Head and hair, on top of the back."""
    chin = np.array([[0.004, 0.0, 0.872 - HIP_HEIGHT]])
    base, _, _ = spine_points(skeleton, height_m, chin)
    left, forward, up = (
        axis[:, None] for axis in axes(skeleton.head_yaw, skeleton.head_pitch)
    )  # fmt: skip
    rings = []
    for table in (HEAD, HAIR):
        size = table[None, :, :, None] * height_m[:, None, None, None]
        centre = base + size[:, :, 0] * up + size[:, :, 3] * forward
        rings.append((centre, size[:, :, 1] * left, size[:, :, 2] * forward))
    return rings


def _limb(joints: FloatArray, table: FloatArray, height_m: FloatArray, thick: FloatArray) -> Rings:
    """A tube along joints (N, J, 3), bent smoothly."""
    centre, way = _along(joints, table[:, 0])
    front = np.cross(way, [0.0, 1.0, 0.0])
    front /= np.linalg.norm(front, axis=-1, keepdims=True) + 1e-9
    left = np.cross(front, way)
    size = table[None, :, 1:] * (height_m * thick)[:, None, None]
    return centre, size[..., :1] * left, size[..., 1:] * front


def _along(joints: FloatArray, station: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Points at stations between joints, and unit directions that turn gently at a joint."""
    last = joints.shape[1] - 2
    segment = np.clip(np.floor(station).astype(int), 0, last)
    share = (station - segment)[:, None]
    centre = (1 - share) * joints[:, segment] + share * joints[:, segment + 1]
    step = np.diff(joints, axis=1)
    step /= np.linalg.norm(step, axis=-1, keepdims=True)
    softness = 0.2
    before = np.clip(np.floor(station - softness).astype(int), 0, last)
    after = np.clip(np.floor(station + softness).astype(int), 0, last)
    turn = np.clip((station - after + softness) / (2 * softness), 0, 1)[:, None]
    turn = np.where((before == after)[:, None], 1.0, turn)
    way = (1 - turn) * step[:, before] + turn * step[:, after]
    return centre, way / np.linalg.norm(way, axis=-1, keepdims=True)


def _foot(skeleton: Skeleton, height_m: FloatArray, side: int) -> Rings:
    """A shoe: a tube from heel to toe."""
    pitch = skeleton.foot_pitch[:, side]
    outward = 0.12 * (1 if side == 0 else -1)
    left, forward, up = (
        axis[:, None] for axis in axes(np.full_like(pitch, outward), -pitch)
    )  # fmt: skip
    size = FOOT[None, :, :, None] * height_m[:, None, None, None]
    ankle = skeleton.legs[:, None, side, 2]
    drop = 0.042 * height_m[:, None, None]
    centre = ankle + size[:, :, 0] * forward + (size[:, :, 3] - drop) * up
    return centre, size[:, :, 1] * left, size[:, :, 2] * up


def _skirt(skeleton: Skeleton, height_m: FloatArray, builds: Builds) -> Rings:
    """Cloth around both legs, as wide as they are apart."""
    station = SKIRT[:, 0]
    station = np.where(station > 0, station[None] * builds.skirt_end[:, None] / 1.2, station[None])
    share = np.clip(station, 0, 1)[..., None]
    lower = np.clip(station - 1, 0, 1)[..., None]
    legs = skeleton.legs
    points = [
        legs[:, None, k, 0] + np.minimum(station, 0)[..., None] * (legs[:, None, k, 1]
        - legs[:, None, k, 0]) * [0, 0, 1] + share * (legs[:, None, k, 1] - legs[:, None, k, 0])
        + lower * (legs[:, None, k, 2] - legs[:, None, k, 1]) for k in (0, 1)
    ]  # fmt: skip
    middle, apart = (points[0] + points[1]) / 2, np.abs(points[0] - points[1]) / 2
    seated = np.linalg.norm(apart[..., [0, 2]], axis=-1, keepdims=True)
    way = np.gradient(middle, axis=1)
    way[:, :2] = [0.0, 0.0, -1.0]
    way /= np.linalg.norm(way, axis=-1, keepdims=True)
    front = np.cross(way, [0.0, 1.0, 0.0])
    front /= np.linalg.norm(front, axis=-1, keepdims=True)
    thick = (height_m * builds.girth)[:, None, None]
    wide = SKIRT[None, :, 1:2] * thick + np.maximum(apart[..., 1:2] - 0.05 * thick, 0)
    deep = SKIRT[None, :, 2:3] * thick + np.where(SKIRT[None, :, 2:3] > 0, seated, 0)
    return middle, wide * np.cross(front, way), deep * front
