"""Two-dimensional Gaussians in batches: closed forms for stacks of symmetric 2x2 matrices."""

from __future__ import annotations

import numpy as np

from ..types import FloatArray


def inverse(matrices: FloatArray) -> FloatArray:
    """Inverses of symmetric positive definite matrices (..., 2, 2)."""
    a, b, c = matrices[..., 0, 0], matrices[..., 0, 1], matrices[..., 1, 1]
    factor = 1.0 / (a * c - b * b)
    result = np.empty_like(matrices)
    result[..., 0, 0] = c * factor
    result[..., 1, 1] = a * factor
    result[..., 0, 1] = result[..., 1, 0] = -b * factor
    return result


def apply(matrices: FloatArray, vectors: FloatArray) -> FloatArray:
    """Products of matrices (..., 2, 2) and vectors (..., 2)."""
    return np.asarray(np.matmul(matrices, vectors[..., None])[..., 0])


def squared_mahalanobis(
    difference: FloatArray, covariance: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """xᵀ S⁻¹ x of differences (..., 2) and covariances (..., 2, 2), and |S|; both (...)."""
    a, b, c = covariance[..., 0, 0], covariance[..., 0, 1], covariance[..., 1, 1]
    x, y = difference[..., 0], difference[..., 1]
    determinant = a * c - b * b
    return (c * x * x - 2.0 * b * x * y + a * y * y) / determinant, determinant
