"""Rotation matrices and rotation vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from .types import FloatArray, finite_array

ROTATION_TOLERANCE = 1e-6
"""How far RᵀR may be from the identity, in any entry."""

ROUNDING = 1e-12
"""A rotation further from orthonormal than this is replaced by the nearest one."""


def checked_rotation(name: str, values: Any) -> FloatArray:
    """``values`` as a rotation matrix: orthonormal within 1e-6, and then to rounding.

    Raises
    ------
    ValueError
        When it is a reflection, not orthonormal, not 3×3 or not finite.
    """
    R = finite_array(name, values, (3, 3))
    error = float(np.abs(R @ R.T - np.eye(3)).max())
    if error > ROTATION_TOLERANCE:
        raise ValueError(f"{name}: expected a rotation, but R Rᵀ is {error:.2g} off the identity")
    if np.linalg.det(R) < 0:
        raise ValueError(f"{name}: expected a rotation with determinant 1, got a reflection (-1)")
    return R if error <= ROUNDING else finite_array(name, nearest_rotation(R), (3, 3))


def nearest_rotation(matrix: FloatArray) -> FloatArray:
    """The rotation closest to a 3×3 matrix in the Frobenius norm (orthogonal Procrustes)."""
    u, _, vt = np.linalg.svd(matrix)
    return np.asarray(u @ np.diag([1.0, 1.0, np.linalg.det(u @ vt)]) @ vt)


def rotation_from_vector(vector: FloatArray) -> FloatArray:
    """R (3, 3) of a rotation vector (3,): axis times angle in radians (Rodrigues)."""
    return np.asarray(Rotation.from_rotvec(vector).as_matrix())


def vector_from_rotation(R: FloatArray) -> FloatArray:
    """The rotation vector (3,), radians, of R (3, 3)."""
    return np.asarray(Rotation.from_matrix(R).as_rotvec())
