"""A first pose of a camera from its measured points on the floor, for refinement."""

from __future__ import annotations

import numpy as np
from scipy.optimize import least_squares

from .camera import Camera
from .intrinsics import Intrinsics
from .planar import fit_homography, other_pose, pose_from_homography, require_spread
from .point_pairs import PointPairs
from .rotation import rotation_from_vector
from .types import CalibrationError, FloatArray

FOCAL_STEPS = np.geomspace(0.4, 4.0, 13)
"""Focal lengths to try, in image widths, when none is known."""

MAX_STARTS = 4
"""How many of the poses to try are refined."""

LOST_PX = 1e4
"""Error of a place that a trial camera does not see."""

FLAT_M = 0.01
"""Heights that differ by less count as one plane."""


def initial_camera(pairs: PointPairs, intrinsics: Intrinsics, search_focal: bool) -> Camera:
    """The best pose of one camera, alone.

    Parameters
    ----------
    pairs : PointPairs
        Of this camera; places that were not measured are ignored.
    intrinsics : Intrinsics
    search_focal : bool
        Try focal lengths; those of the intrinsics are not used.

    Raises
    ------
    CalibrationError
        Fewer than four measured places on one plane, places or pixels on a line, mirrored axes.
    """
    where = f"camera {intrinsics.name!r}"
    measured = pairs.measured
    uv, xyz = pairs.uv[measured], pairs.xyz[measured]
    require_spread(where, "places on the floor", xyz[:, :2])
    require_spread(where, "pixels", uv)
    candidates = [intrinsics]
    if search_focal:
        candidates = [_with_focal(intrinsics, step) for step in FOCAL_STEPS]
    starts = [
        (_rms(candidate.at(*pose), uv, xyz), candidate, pose)
        for candidate in candidates
        for pose in _plane_poses(where, uv, xyz, candidate)
    ]
    best = sorted(starts, key=lambda start: start[0])[:MAX_STARTS]
    poses = [refine_pose(candidate, *pose, uv, xyz) for _, candidate, pose in best]
    above = [pose for pose in poses if pose[1].position[2] > xyz[:, 2].min()]
    error = min(pose[0] for pose in poses)
    if not above or min(above, key=lambda pose: pose[0])[0] > MIRRORED * (error + ROUNDING_PX):
        raise CalibrationError(
            f"{where}: the camera would stand below the floor: the floor's axes are mirrored; "
            "expected X and Y right-handed as seen from above (from X, turn left to Y)"
        )
    return min(above, key=lambda pose: pose[0])[1]


MIRRORED = 3.0
"""A pose below the floor must fit this many times better before we say that axes are mirrored."""

ROUNDING_PX = 1e-3
"""Errors below this are equal: a hundredth of what anybody can pick."""


def _with_focal(intrinsics: Intrinsics, widths: float) -> Intrinsics:
    width, height = intrinsics.image_size
    focal = widths * width
    K = np.array([[focal, 0.0, width / 2.0], [0.0, focal, height / 2.0], [0.0, 0.0, 1.0]])
    return Intrinsics(intrinsics.name, K, intrinsics.image_size, intrinsics.distortion)


def _plane_poses(
    where: str, uv: FloatArray, xyz: FloatArray, intrinsics: Intrinsics
) -> list[tuple[FloatArray, FloatArray]]:
    """Both poses that a homography of the plane with most points allows."""
    height = float(np.median(xyz[:, 2]))
    flat = np.abs(xyz[:, 2] - height) <= FLAT_M
    require_spread(where, f"places at one height ({height:g} m)", xyz[flat, :2])
    ideal = intrinsics.at(np.eye(3), np.zeros(3)).undistort(uv[flat])
    if np.isnan(ideal).any():
        raise CalibrationError(f"{where}: a pixel lies beyond what its lens model can show")
    H = fit_homography(where, xyz[flat, :2], ideal)
    R, t = pose_from_homography(H, height)
    return [(R, t), other_pose(R, t, xyz[flat].mean(axis=0))]


def refine_pose(
    intrinsics: Intrinsics, R: FloatArray, t: FloatArray, uv: FloatArray, xyz: FloatArray
) -> tuple[float, Camera]:
    """Reprojection error, and the camera, after robust least squares of the pose."""

    def camera(x: FloatArray) -> Camera:
        turned = rotation_from_vector(x[:3]) @ R
        return intrinsics.at(turned, turned @ R.T @ t + x[3:])

    def residuals(x: FloatArray) -> FloatArray:
        return np.nan_to_num(camera(x).project(xyz) - uv, nan=LOST_PX).ravel()

    found = least_squares(residuals, np.zeros(6), loss="soft_l1", x_scale="jac", max_nfev=50)
    return _rms(camera(found.x), uv, xyz), camera(found.x)


def _rms(camera: Camera, uv: FloatArray, xyz: FloatArray) -> float:
    """Root mean square reprojection error of the better three quarters of the points."""
    errors = np.nan_to_num(np.linalg.norm(camera.project(xyz) - uv, axis=1), nan=LOST_PX)
    kept = np.sort(errors)[: max(1, len(errors) - len(errors) // 4)]
    return float(np.sqrt(np.mean(kept**2)))
