"""Where cameras stand, from pixels and the places on the floor that they show.

Every camera is first solved alone, from the homography between floor and image. Then all of them
are refined together by robust least squares: the poses, on request focal lengths and one radial
term, the positions of places that were not measured but tie cameras together, and, when the
measuring tape is not trusted to the last centimetre, corrections of the measured ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import least_squares

from .camera import Camera
from .initial_pose import initial_camera
from .intrinsics import Intrinsics
from .opencv_distortion import OpenCVDistortion
from .point_pairs import PointPairs
from .rotation import rotation_from_vector
from .types import CalibrationError, FloatArray

LOST_PX = 1e4
"""Residual of a place that a trial camera does not see at all."""

ROBUST_HALF = np.sqrt(3.0)
"""Soft-L1 halves the weight of a residual of this many scales: what we call an outlier."""

MAX_FOCAL_ERROR = 0.25
"""Relative standard deviation beyond which an estimated focal length means nothing."""

SINGULAR = 1e-12
"""Relative singular value below which unknowns are not determined at all."""


@dataclass(frozen=True)
class SolveConfig:
    """How to solve for cameras.

    Attributes
    ----------
    pixel_sigma : float
        Standard deviation of a picked pixel, px.
    floor_sigma_m : float
        Standard deviation of a measured place on the floor, metres; 0 takes them as exact.
    robust_sigmas : float
        Residuals beyond this many standard deviations count less and less (soft L1).
    estimate_focal : bool
        Also estimate each camera's focal length, with square pixels and the principal point in the
        middle; for cameras of which only the image size is known.
    estimate_distortion : bool
        Also estimate one radial coefficient; it replaces the lens of the intrinsics.
    """

    pixel_sigma: float = 1.0
    floor_sigma_m: float = 0.0
    robust_sigmas: float = 2.0
    estimate_focal: bool = False
    estimate_distortion: bool = False

    def __post_init__(self) -> None:
        for name in ("pixel_sigma", "robust_sigmas"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: expected a positive number, got {getattr(self, name)}")
        if not self.floor_sigma_m >= 0:
            raise ValueError(f"floor_sigma_m: expected 0 or more, got {self.floor_sigma_m}")


@dataclass(frozen=True, eq=False)
class CameraFit:
    """How well one camera fits its points.

    Attributes
    ----------
    camera : Camera
    points : tuple of str
        The places it saw.
    errors_px : (N,) float64
        Reprojection error of each.
    position_sigma_m : (3,) float64
        Standard deviation of its position, given the noise in the config.
    focal_sigma_px : float or None
        Standard deviation of the focal length, if that was estimated.
    outliers : tuple of str
        Places that fit so badly that they were mostly ignored.
    """

    camera: Camera
    points: tuple[str, ...]
    errors_px: FloatArray
    position_sigma_m: FloatArray
    focal_sigma_px: float | None
    outliers: tuple[str, ...]

    @property
    def rms_px(self) -> float:
        """Root mean square reprojection error."""
        return float(np.sqrt(np.mean(self.errors_px**2)))


@dataclass(frozen=True, eq=False)
class SiteSolution:
    """All cameras of a site, and where the places on the floor came to lie.

    Attributes
    ----------
    fits : tuple of CameraFit
        In the order of the pairs.
    points : dict of str to (3,) float64
        Metres; corrected, or found, where the config or the data left that open.
    """

    fits: tuple[CameraFit, ...]
    points: dict[str, FloatArray]

    @property
    def cameras(self) -> list[Camera]:
        """The cameras, in the order of the pairs."""
        return [fit.camera for fit in self.fits]


def solve_site(
    pairs: PointPairs, intrinsics: Mapping[str, Intrinsics], config: SolveConfig | None = None
) -> SiteSolution:
    """Solve for the poses of all cameras of ``pairs``.

    Parameters
    ----------
    pairs : PointPairs
    intrinsics : mapping of camera name to Intrinsics
        With ``estimate_focal`` only their image sizes count (see :func:`intrinsics_guess`).
    config : SolveConfig, optional

    Raises
    ------
    CalibrationError
        Naming camera and reason: no intrinsics, fewer than four measured places, places on a line,
        mirrored axes, places and pixels that fit no camera, a focal length that stays open.
    """
    settings = config or SolveConfig()
    cameras = []
    for name in pairs.camera_names():
        if name not in intrinsics:
            raise CalibrationError(f"camera {name!r}: no intrinsics for it")
        own = pairs.of_camera(name)
        cameras.append(initial_camera(own, intrinsics[name], settings.estimate_focal))
    problem = _Problem(pairs, cameras, settings)
    found = least_squares(
        problem.residuals,
        problem.start(),
        jac="3-point",
        x_scale="jac",
        loss="soft_l1",
        f_scale=settings.robust_sigmas,
        xtol=1e-12,
        ftol=1e-12,
        gtol=1e-12,
    )
    return problem.solution(found.x, found.jac)


def intrinsics_guess(name: str, image_size: tuple[int, int]) -> Intrinsics:
    """A pinhole with square pixels, the centre in the middle, and a focal length of one width."""
    width, height = image_size
    K = np.array([[width, 0.0, width / 2.0], [0.0, width, height / 2.0], [0.0, 0.0, 1.0]])
    return Intrinsics(name, K, image_size)


class _Problem:
    """The unknowns as one vector: per camera (rotation, position[, log f][, k1]), then floor xy."""

    def __init__(self, pairs: PointPairs, cameras: list[Camera], config: SolveConfig) -> None:
        self._config = config
        self._cameras = cameras
        self._pairs = pairs
        names = [camera.name for camera in cameras]
        self._rows = [
            np.array([row for row, owner in enumerate(pairs.cameras) if owner == name])
            for name in names
        ]
        self._point_names = list(dict.fromkeys(pairs.points))
        index = {name: number for number, name in enumerate(self._point_names)}
        self._point_of_row = np.array([index[name] for name in pairs.points])
        self._xyz = np.empty((len(index), 3))
        self._xyz[self._point_of_row] = pairs.xyz
        self._tie = np.isnan(self._xyz[:, 0])
        self._free = self._tie | (config.floor_sigma_m > 0)
        self._xyz[self._tie, :2] = self._guess_ties()
        self._width = 6 + config.estimate_focal + config.estimate_distortion

    def _guess_ties(self) -> FloatArray:
        """Mean of where the cameras as solved alone see each tie on the plane of its height."""
        found: list[list[FloatArray]] = [[] for _ in self._point_names]
        for camera, rows in zip(self._cameras, self._rows, strict=True):
            points = self._point_of_row[rows]
            ground = camera.ground_from_image(self._pairs.uv[rows], self._xyz[points, 2])
            for point, xy in zip(points, ground, strict=True):
                if self._tie[point] and np.isfinite(xy).all():
                    found[point].append(xy)
        for point in np.flatnonzero(self._tie):
            if len(found[point]) < 2:
                raise CalibrationError(
                    f"point {self._point_names[point]!r}: expected x and y, or two cameras that "
                    "see it"
                )
        means = [np.mean(found[point], axis=0) for point in np.flatnonzero(self._tie)]
        return np.array(means).reshape(-1, 2)

    def start(self) -> FloatArray:
        poses = np.zeros((len(self._cameras), self._width))
        for row, camera in zip(poses, self._cameras, strict=True):
            row[3:6] = camera.position
        return np.concatenate([poses.ravel(), np.zeros(2 * int(self._free.sum()))])

    def _unpack(self, x: FloatArray) -> tuple[list[Camera], FloatArray, FloatArray]:
        poses = x[: self._width * len(self._cameras)].reshape(-1, self._width)
        moves = x[poses.size :].reshape(-1, 2)
        xyz = self._xyz.copy()
        xyz[self._free, :2] += moves
        return [self._camera(*pair) for pair in zip(self._cameras, poses, strict=True)], xyz, moves

    def _camera(self, camera: Camera, pose: FloatArray) -> Camera:
        R = rotation_from_vector(pose[:3]) @ camera.R
        K, lens = camera.K, camera.distortion
        if self._config.estimate_focal:
            K = K * np.array([[np.exp(pose[6]), 1, 1], [1, np.exp(pose[6]), 1], [1, 1, 1]])
        if self._config.estimate_distortion:
            lens = OpenCVDistortion((pose[-1], 0.0, 0.0, 0.0))
        return replace(camera, K=K, R=R, t=-R @ pose[3:6], distortion=lens)

    def residuals(self, x: FloatArray) -> FloatArray:
        """All residuals in standard deviations."""
        cameras, xyz, moves = self._unpack(x)
        parts = [
            self._errors(camera, rows, xyz).ravel() / self._config.pixel_sigma
            for camera, rows in zip(cameras, self._rows, strict=True)
        ]
        if self._config.floor_sigma_m > 0:
            measured = ~self._tie[self._free]
            parts.append(moves[measured].ravel() / self._config.floor_sigma_m)
        return np.concatenate(parts)

    def _errors(self, camera: Camera, rows: FloatArray, xyz: FloatArray) -> FloatArray:
        uv = camera.project(xyz[self._point_of_row[rows]])
        return np.asarray(np.nan_to_num(uv - self._pairs.uv[rows], nan=LOST_PX))

    def solution(self, x: FloatArray, jacobian: FloatArray) -> SiteSolution:
        """Cameras and their quality; refuses what the data left open."""
        cameras, xyz, _ = self._unpack(x)
        sigmas = _standard_deviations(jacobian)
        fits = []
        for number, (camera, rows) in enumerate(zip(cameras, self._rows, strict=True)):
            own = sigmas[number * self._width : (number + 1) * self._width]
            fits.append(self._fit(camera, rows, xyz, own))
        points = {name: xyz[number] for number, name in enumerate(self._point_names)}
        return SiteSolution(tuple(fits), points)

    def _fit(
        self, camera: Camera, rows: FloatArray, xyz: FloatArray, sigmas: FloatArray
    ) -> CameraFit:
        errors = np.linalg.norm(self._errors(camera, rows, xyz), axis=1)
        limit = ROBUST_HALF * self._config.robust_sigmas * self._config.pixel_sigma
        names = tuple(self._pairs.points[row] for row in rows)
        if errors.min() > limit:
            raise CalibrationError(
                f"camera {camera.name!r}: no point fits within {limit:.1f} px (best "
                f"{errors.min():.1f}); expected right pairs, x and y not swapped, and fitting "
                "intrinsics"
            )
        focal_sigma = None
        if self._config.estimate_focal:
            focal_sigma = float(sigmas[6] * camera.K[0, 0])
            if not 0 < sigmas[6] < MAX_FOCAL_ERROR:
                raise CalibrationError(
                    f"camera {camera.name!r}: these points leave the focal length open "
                    f"({camera.K[0, 0]:.0f} ± {focal_sigma:.0f} px); give intrinsics"
                )
        outliers = tuple(name for name, error in zip(names, errors, strict=True) if error > limit)
        return CameraFit(camera, names, errors, sigmas[3:6], focal_sigma, outliers)


def _standard_deviations(jacobian: FloatArray) -> FloatArray:
    """Square roots of the diagonal of (JᵀJ)⁻¹, huge where J leaves an unknown open."""
    lengths = np.linalg.norm(jacobian, axis=0)
    lengths[lengths == 0.0] = 1.0
    _, singular, vt = np.linalg.svd(jacobian / lengths, full_matrices=False)
    singular = np.maximum(singular, SINGULAR * singular[0])
    return np.asarray(np.linalg.norm(vt / singular[:, None], axis=0) / lengths)
