"""OpenCV's polynomial and rational lens models."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.polynomial import polynomial

from .distortion import (
    ACCEPTED,
    MAX_ANGLE,
    NEWTON_STEPS,
    RESIDUAL,
    TABLE_SIZE,
    RadialInverse,
    checked_coefficients,
    first_positive_root,
)
from .types import FloatArray

EDGE_DIRECTIONS = 32
"""Directions in which the fold is looked for."""

EDGE_DETERMINANT = 1e-3
"""Where the lens shrinks areas below this share, it is about to fold."""


@dataclass(frozen=True)
class OpenCVDistortion:
    """OpenCV's polynomial model (k1, k2, p1, p2[, k3]) or its rational one (…, k3, k4, k5, k6).

    x' = x·N/D + 2 p1 xy + p2 (r² + 2x²), y' = y·N/D + p1 (r² + 2y²) + 2 p2 xy with
    N = 1 + k1 r² + k2 r⁴ + k3 r⁶ and D = 1 + k4 r² + k5 r⁴ + k6 r⁶ (OpenCV documentation, "Camera
    Calibration and 3D Reconstruction"; Brown 1966).

    Attributes
    ----------
    coefficients : tuple of 4, 5 or 8 floats
    max_radius : float
        Ideal radius up to which nothing folds back, at most tan 89°.

    Raises
    ------
    ValueError
        On another number of coefficients, or on NaN.
    """

    model: ClassVar[str] = "opencv"
    coefficients: tuple[float, ...]
    max_radius: float = field(init=False, repr=False, compare=False)
    _k: tuple[float, ...] = field(init=False, repr=False, compare=False)
    _inverse: RadialInverse = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        values = checked_coefficients("OpenCV", self.coefficients, (4, 5, 8))
        object.__setattr__(self, "coefficients", values)
        padded = values + (0.0,) * (8 - len(values))
        object.__setattr__(self, "_k", (*padded[:2], *padded[4:8], *padded[2:4]))
        numerator = np.array([1.0, *self._k[:3]])
        denominator = np.array([1.0, *self._k[3:6]])
        limit = min(_fold(numerator, denominator), first_positive_root(denominator))
        radius = min(math.sqrt(limit), math.tan(MAX_ANGLE))
        if self._k[6] or self._k[7]:
            radius = self._tangential_edge(radius)
        object.__setattr__(self, "max_radius", radius)
        radii = np.tan(np.linspace(0.0, math.atan(radius), TABLE_SIZE))
        inverse = RadialInverse.tabulate(lambda r: r * self._radial(r * r)[0], radii)
        object.__setattr__(self, "_inverse", inverse)

    def _radial(self, r2: FloatArray) -> tuple[FloatArray, FloatArray]:
        """N/D, and its derivative by r²."""
        k1, k2, k3, k4, k5, k6 = self._k[:6]
        numerator = 1.0 + r2 * (k1 + r2 * (k2 + r2 * k3))
        slope = k1 + r2 * (2.0 * k2 + r2 * (3.0 * k3))
        if k4 == 0.0 and k5 == 0.0 and k6 == 0.0:
            return numerator, slope
        denominator = 1.0 + r2 * (k4 + r2 * (k5 + r2 * k6))
        ratio = numerator / denominator
        return ratio, (slope - ratio * (k4 + r2 * (2.0 * k5 + r2 * (3.0 * k6)))) / denominator

    def _tangential_edge(self, radius: float) -> float:
        """The largest radius, up to the radial fold, within which nothing folds in any direction.

        Tangential terms bend the fold's circle: near it two ideal points share one image point.
        """
        radii = np.tan(np.linspace(0.0, math.atan(radius), TABLE_SIZE))
        angles = np.linspace(0.0, 2.0 * np.pi, EDGE_DIRECTIONS, endpoint=False)
        x, y = (np.outer(radii, axis(angles)) for axis in (np.cos, np.sin))
        r2 = x * x + y * y
        with np.errstate(all="ignore"):
            radial, slope = self._radial(r2)
            a, b, c = self._derivatives(x, y, radial, slope)
            folded = ~((a * c - b * b > EDGE_DETERMINANT).all(axis=1))
        return float(radii[max(0, int(folded.argmax()) - 1)]) if folded.any() else radius

    def _derivatives(
        self, x: FloatArray, y: FloatArray, radial: FloatArray, slope: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The matrix [[a, b], [b, c]] of derivatives of the distorted by the ideal point."""
        p1, p2 = self._k[6:]
        diagonal = radial + 2.0 * (p1 * y + p2 * x)
        return (
            diagonal + 2.0 * slope * x * x + 4.0 * p2 * x,
            2.0 * (slope * x * y + p1 * x + p2 * y),
            diagonal + 2.0 * slope * y * y + 4.0 * p1 * y,
        )

    def distort(self, xy: FloatArray) -> FloatArray:
        """Where the lens puts ideal points (N, 2); NaN beyond the fold."""
        x, y = xy.T
        r2 = x * x + y * y
        inside = r2 <= self.max_radius * self.max_radius
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            radial, _ = self._radial(r2)
            p1, p2 = self._k[6:]
            across = 2.0 * (p1 * y + p2 * x)
            moved = xy * (radial + across)[:, None] + r2[:, None] * np.array([p2, p1])
        return np.where(inside[:, None], moved, np.nan)

    def undistort(self, xy: FloatArray) -> FloatArray:
        """Ideal points (N, 2) of distorted ones; NaN where no ideal point lands."""
        return self._solve(xy)[0]

    def undistort_with_jacobian(self, xy: FloatArray) -> tuple[FloatArray, FloatArray]:
        """As :meth:`undistort`, with (N, 2, 2) derivatives."""
        ideal, (a, b, c, determinant) = self._solve(xy)
        jacobian = np.empty((len(xy), 2, 2))
        jacobian[:, 0, 0] = c / determinant
        jacobian[:, 0, 1] = jacobian[:, 1, 0] = -b / determinant
        jacobian[:, 1, 1] = a / determinant
        return ideal, jacobian

    def _solve(
        self, xy: FloatArray
    ) -> tuple[FloatArray, tuple[FloatArray, FloatArray, FloatArray, FloatArray]]:
        """Newton's method from the radial table; also the derivatives [[a, b], [b, c]] there."""
        p1, p2 = self._k[6:]
        target_x, target_y = xy.T
        radius = np.sqrt(target_x * target_x + target_y * target_y)
        scale = self._inverse.guess(radius)
        x, y = target_x * scale, target_y * scale
        tolerance = RESIDUAL * (1.0 + radius)
        with np.errstate(all="ignore"):  # points that diverge are no image points: NaN below
            for _ in range(NEWTON_STEPS):
                r2 = x * x + y * y
                radial, slope = self._radial(r2)
                diagonal = radial + 2.0 * (p1 * y + p2 * x)
                error_x = x * diagonal + p2 * r2 - target_x
                error_y = y * diagonal + p1 * r2 - target_y
                a, b, c = self._derivatives(x, y, radial, slope)
                determinant = a * c - b * b
                error = np.maximum(np.abs(error_x), np.abs(error_y))
                if not (error > tolerance).any():
                    break
                x = x - (c * error_x - b * error_y) / determinant
                y = y - (a * error_y - b * error_x) / determinant
            good = (error <= ACCEPTED * (1.0 + radius)) & (r2 <= self.max_radius**2)
        ideal = np.stack([x, y], axis=1)
        ideal[~good] = np.nan
        return ideal, (a, b, c, determinant)


def _fold(numerator: FloatArray, denominator: FloatArray) -> float:
    """Smallest u = r² at which r N/D stops growing: N D + 2u (N' D - N D') = 0."""
    slope = polynomial.polysub(
        polynomial.polymul(polynomial.polyder(numerator), denominator),
        polynomial.polymul(numerator, polynomial.polyder(denominator)),
    )
    fold = polynomial.polyadd(
        polynomial.polymul(numerator, denominator), polynomial.polymulx(2.0 * slope)
    )
    return first_positive_root(np.asarray(fold, np.float64))
