"""Lens distortion: OpenCV's polynomial and rational models, its fisheye, and Tsai's.

All of them work on *normalised* image points: the ideal pinhole point (X/Z, Y/Z) of a point in
camera coordinates, and where the lens puts it. Pixels come in only with the camera matrix.

Every model has an edge. A polynomial with negative coefficients folds back: beyond some angle the
image point moves inwards again, so that people far outside the field of view would seem to appear
in the image. What lies beyond the first fold is NaN, in both directions; within it the two
directions are inverses of each other to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import numpy as np

from .types import FloatArray

MAX_ANGLE = math.radians(89.0)
"""No lens model is trusted beyond this angle from the optical axis."""

TABLE_SIZE = 512
ROOT_MARGIN = 1e-9
NEWTON_STEPS = 20
RESIDUAL = 1e-14
"""Newton stops at this residual, relative to 1 + radius: about 1e-11 pixels."""
ACCEPTED = 1e-12
"""A residual above this means that no ideal point lands there."""
TANGENTIAL_MARGIN = 1.25
"""Tangential terms move the edge of the radial part; nobody looks for points beyond this."""


class Distortion(Protocol):
    """A lens: what it does to normalised image points, and the inverse."""

    model: ClassVar[str]

    @property
    def coefficients(self) -> tuple[float, ...]:
        """The numbers of the model, in its usual order."""
        ...

    def distort(self, xy: FloatArray) -> FloatArray:
        """Where the lens puts ideal points (N, 2); NaN beyond the edge of the model."""
        ...

    def undistort(self, xy: FloatArray) -> FloatArray:
        """Ideal points (N, 2) of distorted ones; NaN where no ideal point lands."""
        ...

    def undistort_with_jacobian(self, xy: FloatArray) -> tuple[FloatArray, FloatArray]:
        """As :meth:`undistort`, with the (N, 2, 2) derivatives of the ideal by the distorted."""
        ...


def checked_coefficients(
    model: str, values: tuple[float, ...], counts: tuple[int, ...]
) -> tuple[float, ...]:
    """Finite coefficients of an allowed number, or a ValueError that says what was expected."""
    coefficients = tuple(float(value) for value in values)
    if len(coefficients) not in counts:
        expected = " or ".join(str(count) for count in counts)
        raise ValueError(
            f"{model} distortion: expected {expected} coefficients, got {len(coefficients)}"
        )
    if not all(math.isfinite(value) for value in coefficients):
        raise ValueError(f"{model} distortion: expected finite coefficients, got {coefficients}")
    return coefficients


def first_positive_root(polynomial: FloatArray) -> float:
    """Smallest positive real root (coefficients from the lowest power), or infinity.

    A hair less, so that nothing is evaluated beyond a pole.
    """
    roots = np.polynomial.polynomial.polyroots(np.trim_zeros(polynomial, "b"))
    real = roots[np.abs(roots.imag) <= 1e-9 * np.maximum(np.abs(roots), 1.0)].real
    positive = real[real > 0]
    return float(positive.min()) * (1.0 - ROOT_MARGIN) if len(positive) else math.inf


@dataclass(frozen=True)
class RadialInverse:
    """A table of the inverse of a monotone radial function, good enough to start Newton from."""

    distorted: FloatArray
    ratio: FloatArray

    @staticmethod
    def tabulate(forward: Callable[[FloatArray], FloatArray], ideal: FloatArray) -> RadialInverse:
        """The inverse of ``forward`` over increasing ideal radii that begin with 0."""
        distorted = forward(ideal)
        ratio = np.ones_like(ideal)
        np.divide(ideal, distorted, out=ratio, where=distorted > 0)
        beyond = distorted[-1] * TANGENTIAL_MARGIN
        return RadialInverse(np.append(distorted, beyond), np.append(ratio, ratio[-1]))

    def guess(self, distorted: FloatArray) -> FloatArray:
        """Ideal radius divided by distorted radius; NaN far beyond the edge."""
        return np.interp(distorted, self.distorted, self.ratio, right=np.nan)


def _radial_jacobian(xy: FloatArray, scale: FloatArray, slope: FloatArray) -> FloatArray:
    """Derivatives of xy -> xy·scale(r), with the slope of r·scale(r): s I + (slope - s) nnᵀ."""
    r2 = xy[:, 0] * xy[:, 0] + xy[:, 1] * xy[:, 1]
    stretch = np.divide(slope - scale, r2, out=np.zeros_like(r2), where=r2 > 0)
    jacobian = stretch[:, None, None] * (xy[:, :, None] * xy[:, None, :])
    jacobian[:, 0, 0] += scale
    jacobian[:, 1, 1] += scale
    return jacobian


@dataclass(frozen=True)
class FisheyeDistortion:
    """OpenCV's fisheye (k1, k2, k3, k4): θ' = θ (1 + k1 θ² + k2 θ⁴ + k3 θ⁶ + k4 θ⁸), r' = θ'.

    θ is the angle from the optical axis (Kannala and Brandt, PAMI 2006; OpenCV documentation,
    ``cv::fisheye``). Only directions in front of the camera, below 89°, are modelled.

    Attributes
    ----------
    coefficients : tuple of 4 floats
    max_angle : float
        Angle in radians at which the polynomial folds back, at most 89°.

    Raises
    ------
    ValueError
        On another number of coefficients, or on NaN.
    """

    model: ClassVar[str] = "fisheye"
    coefficients: tuple[float, ...]
    max_angle: float = field(init=False, repr=False, compare=False)
    _inverse: RadialInverse = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        values = checked_coefficients("fisheye", self.coefficients, (4,))
        object.__setattr__(self, "coefficients", values)
        # dθ'/dθ = 0 as a polynomial in θ²
        fold = np.array([1.0, *values]) * [1.0, 3.0, 5.0, 7.0, 9.0]
        edge = min(math.sqrt(first_positive_root(fold)), MAX_ANGLE)
        object.__setattr__(self, "max_angle", edge)
        angles = np.linspace(0.0, edge, TABLE_SIZE)
        object.__setattr__(
            self, "_inverse", RadialInverse.tabulate(lambda angle: self._bend(angle)[0], angles)
        )

    def _bend(self, angle: FloatArray) -> tuple[FloatArray, FloatArray]:
        """θ', and its derivative by θ."""
        k1, k2, k3, k4 = self.coefficients
        a2 = angle * angle
        value = angle * (1.0 + a2 * (k1 + a2 * (k2 + a2 * (k3 + a2 * k4))))
        slope = 1.0 + a2 * (3.0 * k1 + a2 * (5.0 * k2 + a2 * (7.0 * k3 + a2 * (9.0 * k4))))
        return value, slope

    def distort(self, xy: FloatArray) -> FloatArray:
        """Where the lens puts ideal points (N, 2); NaN beyond the edge."""
        radius = np.hypot(xy[:, 0], xy[:, 1])
        angle = np.arctan(radius)
        bent, _ = self._bend(angle)
        scale = np.divide(bent, radius, out=np.ones_like(radius), where=radius > 0)
        scale[~(angle <= self.max_angle)] = np.nan
        return xy * scale[:, None]

    def undistort(self, xy: FloatArray) -> FloatArray:
        """Ideal points (N, 2) of distorted ones; NaN where no ideal point lands."""
        return xy * self._solve(np.hypot(xy[:, 0], xy[:, 1]))[0][:, None]

    def undistort_with_jacobian(self, xy: FloatArray) -> tuple[FloatArray, FloatArray]:
        """As :meth:`undistort`, with (N, 2, 2) derivatives."""
        scale, slope = self._solve(np.hypot(xy[:, 0], xy[:, 1]))
        return xy * scale[:, None], _radial_jacobian(xy, scale, slope)

    def _solve(self, bent: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The ratio tan θ / θ' and d tan θ / dθ', by Newton's method from the table."""
        angle = bent * self._inverse.guess(bent)
        tolerance = RESIDUAL * (1.0 + bent)
        with np.errstate(all="ignore"):
            for _ in range(NEWTON_STEPS):
                value, slope = self._bend(angle)
                error = value - bent
                if not (np.abs(error) > tolerance).any():
                    break
                angle = angle - error / slope
            good = np.abs(error) <= ACCEPTED * (1.0 + bent)
            good &= (angle >= 0.0) & (angle <= self.max_angle)  # other roots are not this lens
        angle[~good] = np.nan
        tangent = np.tan(angle)
        scale = np.divide(tangent, bent, out=np.ones_like(bent), where=bent > 0)
        return scale, (1.0 + tangent * tangent) / slope


@dataclass(frozen=True)
class TsaiDistortion:
    """Tsai's single radial coefficient, which maps *distorted* to ideal: x = x' (1 + κ r'²).

    Here κ is in normalised units: Tsai's kappa1 (1/mm² on the sensor) times the focal length in mm
    squared. Both directions are closed forms; the ideal point needs no iteration (Tsai, IEEE
    Journal of Robotics and Automation 1987; the cubic by its hyperbolic or trigonometric root).

    Attributes
    ----------
    coefficients : tuple of 1 float
        (κ,).

    Raises
    ------
    ValueError
        On another number of coefficients, or on NaN.
    """

    model: ClassVar[str] = "tsai"
    coefficients: tuple[float, ...]

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "coefficients", checked_coefficients("Tsai", self.coefficients, (1,))
        )

    def distort(self, xy: FloatArray) -> FloatArray:
        """Where the lens puts ideal points (N, 2): the root of κ r'³ + r' = r; NaN beyond it."""
        kappa = self.coefficients[0]
        radius = np.hypot(xy[:, 0], xy[:, 1])
        if kappa == 0.0:
            return xy.copy()
        root = math.sqrt(3.0 * abs(kappa))
        argument = 1.5 * root * radius
        if kappa > 0:
            distorted = 2.0 / root * np.sinh(np.arcsinh(argument) / 3.0)
        else:
            argument = np.where(argument <= 1.0, argument, np.nan)
            distorted = 2.0 / root * np.sin(np.arcsin(argument) / 3.0)
        scale = np.divide(distorted, radius, out=np.ones_like(radius), where=radius != 0)
        return xy * scale[:, None]

    def undistort(self, xy: FloatArray) -> FloatArray:
        """Ideal points (N, 2) of distorted ones; NaN beyond the fold of negative κ."""
        return xy * self._scale(xy)[0][:, None]

    def undistort_with_jacobian(self, xy: FloatArray) -> tuple[FloatArray, FloatArray]:
        """As :meth:`undistort`, with (N, 2, 2) derivatives."""
        scale, slope = self._scale(xy)
        return xy * scale[:, None], _radial_jacobian(xy, scale, slope)

    def _scale(self, xy: FloatArray) -> tuple[FloatArray, FloatArray]:
        """1 + κ r², and the slope 1 + 3 κ r²."""
        stretch = self.coefficients[0] * (xy[:, 0] * xy[:, 0] + xy[:, 1] * xy[:, 1])
        slope = 1.0 + 3.0 * stretch
        return np.where(slope >= 0.0, 1.0 + stretch, np.nan), slope
