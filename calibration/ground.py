"""Cameras that know the ground only: a homography, and covariance on the ground."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from .types import BoolArray, FloatArray, as_rows, checked_image_size, finite_array

OFF_GROUND_M = 1e-9
"""A homography knows no heights: points further from the ground than this have no pixel."""

SINGULAR = 1e-12
"""Reciprocal condition number, after scaling, below which a homography maps to a line."""


class GroundCamera(Protocol):
    """What :class:`~.camera.Camera` and :class:`HomographyCamera` have in common."""

    @property
    def name(self) -> str:
        """Name of the camera."""
        ...

    @property
    def image_size(self) -> tuple[int, int]:
        """Width and height, pixels."""
        ...

    def project(self, xyz: npt.ArrayLike) -> FloatArray:
        """Pixels (N, 2) of world points (N, 3), metres."""
        ...

    def image_from_ground(self, xy: npt.ArrayLike) -> FloatArray:
        """Pixels (N, 2) of ground points (N, 2), metres."""
        ...

    def ground_from_image(self, uv: npt.ArrayLike) -> FloatArray:
        """Ground points (N, 2), metres, of pixels (N, 2)."""
        ...

    def ground_from_image_with_covariance(
        self, uv: npt.ArrayLike, pixel_cov: npt.ArrayLike
    ) -> tuple[FloatArray, FloatArray]:
        """Ground points (N, 2) and their covariances (N, 2, 2)."""
        ...

    def visible(self, xyz: npt.ArrayLike) -> BoolArray:
        """Which world points (N, 3) fall into the image."""
        ...


def propagate_covariance(jacobian: FloatArray, pixel_cov: npt.ArrayLike) -> FloatArray:
    """First-order covariance of mapped pixels: J Σ Jᵀ, or σ² J Jᵀ.

    Parameters
    ----------
    jacobian : (N, 2, 2) float64
    pixel_cov : (N, 2, 2), or (N,), or float
        Covariances in px², or standard deviations in px.

    Returns
    -------
    (N, 2, 2) float64

    Raises
    ------
    ValueError
        On another shape.
    """
    sigma = np.asarray(pixel_cov, dtype=np.float64)
    transposed = jacobian.transpose(0, 2, 1)
    if sigma.ndim == 0 or sigma.shape == (len(jacobian),):
        scaled = sigma[..., None, None] * jacobian
        return scaled @ (sigma[..., None, None] * transposed)
    if sigma.shape != jacobian.shape:
        raise ValueError(
            f"pixel_cov: expected shape {jacobian.shape}, ({len(jacobian)},) or a number, "
            f"got {sigma.shape}"
        )
    return jacobian @ sigma @ transposed


@dataclass(frozen=True, eq=False)
class HomographyCamera:
    """A camera of which only the map between its image and the ground is known.

    It answers what a ground-plane tracker asks of a camera, but it has no position, no heights and
    so no ``person_box``; lens distortion is not modelled. (X, Y, 1) ~ H (u, v, 1).

    Attributes
    ----------
    name : str
    H : (3, 3) float64
        Image (pixels) to ground (metres). The scale is free; it is kept such that the third
        coordinate is positive on the side of the horizon where ``ground_pixel`` lies.
    image_size : (int, int)
        Width and height, pixels.
    ground_pixel : (float, float) or None
        A pixel that shows ground, to tell it from the sky; by default the middle of the lowest
        row.

    Raises
    ------
    ValueError
        On wrong shapes, NaN, a singular H, or a ground pixel on the horizon.
    """

    name: str
    H: FloatArray
    image_size: tuple[int, int]
    ground_pixel: tuple[float, float] | None = None
    _inverse: FloatArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        owner = f"camera {self.name!r}"
        size = checked_image_size(f"{owner}: image_size", self.image_size)
        object.__setattr__(self, "image_size", size)
        H = finite_array(f"{owner}: H", self.H, (3, 3))
        # pixels are thousands and metres are ones: judge the rank in units of the image
        scaled = H * [size[0], size[1], 1.0]
        norms = np.linalg.norm(scaled, axis=1, keepdims=True)
        if not norms.all() or np.linalg.cond(scaled / norms) > 1.0 / SINGULAR:
            raise ValueError(f"{owner}: H: expected an invertible homography, got {H.tolist()}")
        u, v = self.ground_pixel or (size[0] / 2.0, float(size[1]))
        side = float(H[2] @ [u, v, 1.0])
        if not abs(side) > 0.0:
            raise ValueError(f"{owner}: ground_pixel: expected a pixel of ground, got {(u, v)}")
        H = finite_array(f"{owner}: H", H if side > 0 else -H, (3, 3))
        object.__setattr__(self, "H", H)
        object.__setattr__(self, "_inverse", finite_array(owner, np.linalg.inv(H), (3, 3)))

    @property
    def is_mirrored(self) -> bool:
        """Whether its ground axes are left-handed as seen from above, as in pictures of maps.

        Harmless by itself, but every camera of a site must agree.
        """
        # seen from above, an image (x right, y down) of a right-handed ground changes orientation
        return bool(np.linalg.det(self.H) > 0)

    def project(self, xyz: npt.ArrayLike) -> FloatArray:
        """Pixels (N, 2) of world points (N, 3) in metres; NaN off the ground."""
        points = as_rows("xyz", xyz, 3)
        uv = self.image_from_ground(points[:, :2])
        uv[~(np.abs(points[:, 2]) <= OFF_GROUND_M)] = np.nan
        return uv

    def image_from_ground(self, xy: npt.ArrayLike) -> FloatArray:
        """Pixels (N, 2) of ground points (N, 2) in metres; NaN behind the camera."""
        return _apply(self._inverse, as_rows("xy", xy, 2))[0]

    def ground_from_image(self, uv: npt.ArrayLike) -> FloatArray:
        """Ground points (N, 2) in metres of pixels (N, 2); NaN at and above the horizon."""
        return _apply(self.H, as_rows("uv", uv, 2))[0]

    def ground_from_image_with_jacobian(self, uv: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """As :meth:`ground_from_image`, with the (N, 2, 2) derivatives, metres per pixel."""
        ground, scale = _apply(self.H, as_rows("uv", uv, 2))
        # d(a/w) = (da - (a/w) dw) / w
        slope = self.H[:2, :2] - ground[:, :, None] * self.H[2, :2]
        return ground, slope / scale[:, None, None]

    def ground_from_image_with_covariance(
        self, uv: npt.ArrayLike, pixel_cov: npt.ArrayLike
    ) -> tuple[FloatArray, FloatArray]:
        """Ground points with J Σ Jᵀ; see `Camera.ground_from_image_with_covariance`."""
        ground, jacobian = self.ground_from_image_with_jacobian(uv)
        return ground, propagate_covariance(jacobian, pixel_cov)

    def visible(self, xyz: npt.ArrayLike) -> BoolArray:
        """Which world points (N, 3) lie on the ground and fall into the image."""
        uv = self.project(xyz)
        return np.asarray(((uv >= 0) & (uv < self.image_size)).all(axis=1))

    def resized(self, image_size: tuple[int, int]) -> HomographyCamera:
        """The same camera with its image scaled to (width, height) pixels."""
        width, height = checked_image_size(f"camera {self.name!r}: image_size", image_size)
        shrink = np.array([self.image_size[0] / width, self.image_size[1] / height, 1.0])
        pixel = self.ground_pixel
        if pixel is not None:
            pixel = (pixel[0] / shrink[0], pixel[1] / shrink[1])
        return replace(self, H=self.H * shrink, image_size=(width, height), ground_pixel=pixel)


def _apply(homography: FloatArray, points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mapped points, NaN where the third coordinate is not positive; and that coordinate."""
    mapped = points @ homography[:, :2].T + homography[:, 2]
    scale = mapped[:, 2]
    result = np.full((len(points), 2), np.nan)
    np.divide(mapped[:, :2], scale[:, None], out=result, where=(scale > 0)[:, None])
    scale[~(scale > 0)] = np.nan
    return result, scale
