"""A calibrated camera, and what can be asked of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from .distortion import Distortion
from .ground import propagate_covariance
from .rotation import checked_rotation
from .types import BoolArray, FloatArray, as_rows, checked_image_size, finite_array

MIN_DEPTH_M = 1e-9
"""Points nearer to the camera's own plane than this are not in front of it."""

HORIZON = 1e-12
"""Sine below which a viewing ray is parallel to the plane it is to meet."""

CYLINDER_SIDES = 16
"""Points around each end of the cylinder that stands for a person."""


@dataclass(frozen=True, eq=False)
class Camera:
    """A pinhole camera with a lens, at a place in the world.

    The world is in metres with Z up and the ground at Z = 0; camera coordinates are x_c = R x + t,
    with x right, y down and z forward; u = K distort(x_c / z_c). Pixels are continuous, and the
    image covers 0 <= u < width, 0 <= v < height. All methods are batched, float64, and
    NaN where there is no answer: behind the camera, above the horizon, beyond the lens model.

    Attributes
    ----------
    name : str
    K : (3, 3) float64
        Upper triangular with positive focal lengths in pixels; skew is allowed.
    R : (3, 3) float64
        Rotation from world to camera.
    t : (3,) float64
        Translation from world to camera, metres.
    image_size : (int, int)
        Width and height, pixels.
    distortion : Distortion or None
        The lens; ``None`` is an ideal pinhole.

    Raises
    ------
    ValueError
        On wrong shapes, NaN, an R that is no rotation within 1e-6, a K that is no camera matrix,
        or an image without area.
    """

    name: str
    K: FloatArray
    R: FloatArray
    t: FloatArray
    image_size: tuple[int, int]
    distortion: Distortion | None = None
    position: FloatArray = field(init=False, repr=False)
    """(3,) optical centre in the world, metres: -Rᵀt."""
    _focal: FloatArray = field(init=False, repr=False)
    _focal_inverse: FloatArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        owner = f"camera {self.name!r}"
        object.__setattr__(self, "image_size", checked_image_size(f"{owner}: image_size",
                                                                  self.image_size))  # fmt: skip
        K = finite_array(f"{owner}: K", self.K, (3, 3))
        if K[1, 0] != 0.0 or (K[2] != [0.0, 0.0, 1.0]).any():
            raise ValueError(
                f"{owner}: K: expected [[fx, s, cx], [0, fy, cy], [0, 0, 1]], got {K.tolist()}"
            )
        if not (K[0, 0] > 0 and K[1, 1] > 0):
            raise ValueError(
                f"{owner}: K: expected positive focal lengths, got {K[0, 0]} and {K[1, 1]}"
            )
        R = checked_rotation(f"{owner}: R", self.R)
        t = finite_array(f"{owner}: t", self.t, (3,))
        object.__setattr__(self, "K", K)
        object.__setattr__(self, "R", R)
        object.__setattr__(self, "t", t)
        object.__setattr__(self, "position", finite_array(f"{owner}: position", -R.T @ t, (3,)))
        object.__setattr__(self, "_focal", np.ascontiguousarray(K[:2, :2].T))
        inverse = np.linalg.inv(K)
        # (u, v) -> ideal point of the sensor: uv @ inverse[:2] + inverse[2]
        object.__setattr__(self, "_focal_inverse", np.ascontiguousarray(inverse[:2, :2]))

    def project(self, xyz: npt.ArrayLike) -> FloatArray:
        """Pixels (N, 2) of world points (N, 3) in metres; NaN behind the camera."""
        points = as_rows("xyz", xyz, 3) @ self.R.T + self.t
        depth = points[:, 2:]
        xy = np.full((len(points), 2), np.nan)
        np.divide(points[:, :2], depth, out=xy, where=depth > MIN_DEPTH_M)
        if self.distortion is not None:
            xy = self.distortion.distort(xy)
        return xy @ self._focal + self.K[:2, 2]

    def image_from_ground(self, xy: npt.ArrayLike, z: float | FloatArray = 0.0) -> FloatArray:
        """Pixels (N, 2) of points (N, 2) on the ground, or at height ``z`` (metres; or (N,))."""
        ground = as_rows("xy", xy, 2)
        xyz = np.empty((len(ground), 3))
        xyz[:, :2] = ground
        xyz[:, 2] = z
        return self.project(xyz)

    def undistort(self, uv: npt.ArrayLike) -> FloatArray:
        """Ideal normalised points (N, 2), x_c / z_c and y_c / z_c, of pixels (N, 2)."""
        xy = self._sensor(as_rows("uv", uv, 2))
        return xy if self.distortion is None else self.distortion.undistort(xy)

    def ray(self, uv: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Viewing rays of pixels (N, 2).

        Returns
        -------
        origin : (3,) float64
            The camera's position, metres.
        directions : (N, 3) float64
            Unit vectors in the world.
        """
        directions = self._directions(self.undistort(uv))
        return self.position, directions / np.linalg.norm(directions, axis=1, keepdims=True)

    def ground_from_image(self, uv: npt.ArrayLike, z: float | FloatArray = 0.0) -> FloatArray:
        """Where pixels (N, 2) meet the plane at height ``z`` (metres; or (N,)): (N, 2) metres.

        NaN for pixels at or above the horizon.
        """
        directions = self._directions(self.undistort(uv))
        return self.position[:2] + self._distance(directions, z)[:, None] * directions[:, :2]

    def ground_from_image_with_jacobian(
        self, uv: npt.ArrayLike, z: float | FloatArray = 0.0
    ) -> tuple[FloatArray, FloatArray]:
        """As :meth:`ground_from_image`, with the (N, 2, 2) derivatives, metres per pixel."""
        pixels = as_rows("uv", uv, 2)
        xy = self._sensor(pixels)
        lens = None
        if self.distortion is not None:
            xy, lens = self.distortion.undistort_with_jacobian(xy)
        directions = self._directions(xy)
        distance = self._distance(directions, z)[:, None]
        ground = self.position[:2] + distance * directions[:, :2]
        # X = C + s d with s = h / d_z, so dX = s (dd - d dd_z / d_z); dd/dx is the first row of R
        with np.errstate(all="ignore"):
            tilt = distance * directions[:, :2] / directions[:, 2:]
        jacobian = (
            distance[:, :, None] * self.R[:2, :2].T - tilt[:, :, None] * self.R[None, None, :2, 2]
        )
        if lens is not None:
            jacobian = jacobian @ lens
        return ground, jacobian @ self._focal_inverse

    def ground_from_image_with_covariance(
        self, uv: npt.ArrayLike, pixel_cov: npt.ArrayLike, z: float | FloatArray = 0.0
    ) -> tuple[FloatArray, FloatArray]:
        """Ground points with the covariance of the pixels carried through: J Σ Jᵀ.

        Parameters
        ----------
        uv : (N, 2)
        pixel_cov : (N, 2, 2), or (N,), or float
            Covariance of each pixel in px², or its standard deviation in px.
        z : float or (N,)
            Height of the plane, metres.

        Returns
        -------
        xy : (N, 2) float64
            Metres; NaN at or above the horizon.
        covariance : (N, 2, 2) float64
            Square metres.
        """
        ground, jacobian = self.ground_from_image_with_jacobian(uv, z)
        return ground, propagate_covariance(jacobian, pixel_cov)

    def world_from_image_on_plane(
        self, uv: npt.ArrayLike, normal: npt.ArrayLike, offset: float
    ) -> FloatArray:
        """Where pixels (N, 2) meet the plane normal·x = offset: (N, 3) metres, or NaN."""
        plane = finite_array("normal", normal, (3,))
        origin, directions = self.ray(uv)
        towards = directions @ plane
        gap = offset - float(origin @ plane)
        distance = np.full(len(directions), np.nan)
        limit = HORIZON * abs(gap) * float(np.linalg.norm(plane))
        np.divide(gap, towards, out=distance, where=gap * towards > limit)
        return origin + distance[:, None] * directions

    def visible(self, xyz: npt.ArrayLike) -> BoolArray:
        """Which world points (N, 3) fall into the image; nothing is said of what stands between."""
        uv = self.project(xyz)
        return np.asarray(((uv >= 0) & (uv < self.image_size)).all(axis=1))

    def person_box(
        self,
        xy: npt.ArrayLike,
        height_m: float | FloatArray = 1.75,
        radius_m: float | FloatArray = 0.25,
    ) -> FloatArray:
        """Image boxes of upright cylinders that stand on the ground.

        Parameters
        ----------
        xy : (N, 2)
            Where they stand, metres.
        height_m, radius_m : float or (N,)

        Returns
        -------
        xyxy : (N, 4) float64
            Pixels, not cut at the border of the image; NaN where any part is behind the camera.
        """
        ground = as_rows("xy", xy, 2)
        count = len(ground)
        radius = np.asarray(radius_m, np.float64)
        xyz = np.empty((2, CYLINDER_SIDES, count, 3))  # reducing over leading axes is quickest
        xyz[..., :2] = ground + radius[..., None] * _CIRCLE[:, None]
        xyz[0, ..., 2] = 0.0
        xyz[1, ..., 2] = height_m
        uv = self.project(xyz.reshape(-1, 3)).reshape(2 * CYLINDER_SIDES, count, 2)
        return np.concatenate([uv.min(axis=0), uv.max(axis=0)], axis=1)

    def resized(self, image_size: tuple[int, int]) -> Camera:
        """The same camera with its image scaled to (width, height) pixels."""
        width, height = checked_image_size(f"camera {self.name!r}: image_size", image_size)
        scale = np.array([width / self.image_size[0], height / self.image_size[1], 1.0])
        return replace(self, K=scale[:, None] * self.K, image_size=(width, height))

    def _sensor(self, uv: FloatArray) -> FloatArray:
        return np.asarray((uv - self.K[:2, 2]) @ self._focal_inverse.T)

    def _directions(self, xy: FloatArray) -> FloatArray:
        """World directions Rᵀ(x, y, 1): (N, 3), of depth 1."""
        return np.asarray(xy @ self.R[:2] + self.R[2])

    def _distance(self, directions: FloatArray, z: float | FloatArray) -> FloatArray:
        """How many directions it takes to reach the plane at height ``z``; NaN if never."""
        drop = z - self.position[2]
        climb = directions[:, 2]
        distance = np.full(len(directions), np.nan)
        np.divide(drop, climb, out=distance, where=drop * climb > HORIZON * np.abs(drop))
        return distance


_ANGLES = np.arange(CYLINDER_SIDES) * (2.0 * np.pi / CYLINDER_SIDES)
_CIRCLE = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)
