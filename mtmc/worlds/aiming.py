"""Where a camera looks, as its rotation from the world.

Rotations (3, 3) have the directions of the camera's axes in the world as rows: right, down and
forward. The world has Z up.
"""

from __future__ import annotations

import numpy as np

from ..types import FloatArray


def look_along(forward: FloatArray) -> FloatArray:
    """Rotation of a camera that looks along a direction (3,) of length 1, its horizon level.

    Not along the vertical, where no horizon is level.
    """
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(forward, right), forward])


def look_at(position: FloatArray, target: FloatArray) -> FloatArray:
    """Rotation of a camera at a position (3,) that looks at ``target``, its horizon level."""
    return look_along((target - position) / np.linalg.norm(target - position))


def rolled(rotation: FloatArray, roll: float) -> FloatArray:
    """The rotation of a camera after a turn about where it looks, radians, right to down."""
    right, down, forward = rotation
    cos, sin = np.cos(roll), np.sin(roll)
    return np.stack([cos * right + sin * down, cos * down - sin * right, forward])
