"""A whole rig of cameras from one board that is carried around in front of them.

Every view of the board gives its pose to that camera; views taken at the same time tie cameras
together along the tree of most views in common; robust least squares then refines all cameras and
all board poses at once. One view with the board lying on the floor says where the floor is. The
board must be a ChArUco board: the corners of a chessboard may be counted from either end, and
cameras would disagree.

OpenCV 5 has ``calibrateMultiview`` for the first part. It was tried and not used: it diverges when
boards are seen in part, knows neither mixed lenses nor Tsai's, and OpenCV 4 has none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares
from scipy.sparse import lil_matrix
from scipy.spatial.transform import Rotation

from .boards import Board, BoardView
from .camera import Camera
from .initial_pose import refine_pose
from .intrinsics import Intrinsics
from .planar import fit_homography, other_pose, pose_from_homography
from .types import CalibrationError, FloatArray

Views = Mapping[str, Sequence[BoardView]]
"""Per camera what it saw; views of the same name were taken at the same time."""

LOST_PX = 1e4
"""Residual of a corner that a trial camera does not see at all."""

TOLERANCE = 1e-7
"""Relative change of cost or unknowns at which refinement stops."""

ROBUST_PX = 1.0
"""Residuals beyond this count less and less (soft L1)."""


@dataclass(frozen=True)
class Pose:
    """A rigid motion x -> R x + t."""

    R: FloatArray
    t: FloatArray

    def after(self, first: Pose) -> Pose:
        """First the other motion, then this one."""
        return Pose(self.R @ first.R, self.R @ first.t + self.t)

    def inverse(self) -> Pose:
        """The motion back."""
        return Pose(self.R.T, -self.R.T @ self.t)


@dataclass(frozen=True, eq=False)
class RigFit:
    """Cameras in the world, and how well they fit.

    Attributes
    ----------
    cameras : tuple of Camera
        Origin at corner (0, 0) of the board on the floor, X along its rows, Z up.
    rms_px : float
        Root mean square reprojection error over all views.
    view_errors_px : dict of (camera, view) to float
        The same of each view.
    """

    cameras: tuple[Camera, ...]
    rms_px: float
    view_errors_px: dict[tuple[str, str], float]


def solve_rig(
    board: Board, views: Views, intrinsics: Mapping[str, Intrinsics], floor_view: str
) -> RigFit:
    """Solve for the poses of all cameras.

    Parameters
    ----------
    board : Board
        ChArUco, with its true ``square_m``: it gives the scale.
    views : mapping of camera name to sequence of BoardView
    intrinsics : mapping of camera name to Intrinsics
        They are kept as they are.
    floor_view : str
        Name of the view in which the board lies on the floor, face up.

    Raises
    ------
    CalibrationError
        With a chessboard, without intrinsics, when a camera shares no view with the others, or
        when nobody sees the board on the floor.
    """
    if board.marker_m is None:
        raise CalibrationError("a rig needs a ChArUco board; a chessboard looks alike turned round")
    for name in views:
        if name not in intrinsics:
            raise CalibrationError(f"camera {name!r}: no intrinsics for it")
    if not any(view.name == floor_view for own in views.values() for view in own):
        raise CalibrationError(f"view {floor_view!r}: no camera sees the board on the floor in it")
    lenses = {name: intrinsics[name].at(np.eye(3), np.zeros(3)) for name in views}
    sightings = [
        _Sighting(lenses[name], view, _board_pose(intrinsics[name], view))
        for name, own in views.items()
        for view in own
    ]
    cameras = _first_cameras(list(views), sightings)
    boards = _first_boards(cameras, sightings)
    cameras, boards, errors = _refined(cameras, boards, sightings)
    # seen face up the board's y points down, and so its z into the floor: turn both round
    to_world = Pose(np.diag([1.0, -1.0, -1.0]), np.zeros(3)).after(boards[floor_view].inverse())
    placed = []
    for name, pose in cameras.items():
        final = pose.after(to_world.inverse())
        placed.append(intrinsics[name].at(final.R, final.t))
    squares = np.concatenate([error**2 for error in errors])
    by_view = {
        (sighting.lens.name, sighting.view.name): float(np.sqrt(np.mean(error**2)))
        for sighting, error in zip(sightings, errors, strict=True)
    }
    return RigFit(tuple(placed), float(np.sqrt(squares.mean())), by_view)


@dataclass(frozen=True, eq=False)
class _Sighting:
    """One view by one camera.

    ``lens`` is that camera at the origin: it projects camera coordinates. ``pose`` is the board's
    in them.
    """

    lens: Camera
    view: BoardView
    pose: Pose

    def errors(self, pose: Pose) -> FloatArray:
        """(N, 2) pixels between where corners would be and where they were seen."""
        points = self.view.xy @ pose.R[:, :2].T + pose.t  # the board is the plane z = 0
        return np.asarray(np.nan_to_num(self.lens.project(points) - self.view.uv, nan=LOST_PX))


def _board_pose(intrinsics: Intrinsics, view: BoardView) -> Pose:
    """The better of the two poses that a plane allows, refined."""
    where = f"camera {intrinsics.name!r}, view {view.name!r}"
    ideal = intrinsics.at(np.eye(3), np.zeros(3)).undistort(view.uv)
    if np.isnan(ideal).any():
        raise CalibrationError(f"{where}: a corner lies beyond what its lens model can show")
    R, t = pose_from_homography(fit_homography(where, view.xy, ideal), 0.0)
    xyz = np.column_stack([view.xy, np.zeros(len(view.xy))])
    poses = [(R, t), other_pose(R, t, xyz.mean(axis=0))]
    fits = [refine_pose(intrinsics, *pose, view.uv, xyz) for pose in poses]
    camera = min(fits, key=lambda fit: fit[0])[1]
    return Pose(camera.R, camera.t)


def _first_cameras(names: list[str], sightings: Sequence[_Sighting]) -> dict[str, Pose]:
    """Rig to camera, along the tree of most views in common; the first camera is the rig."""
    by_camera: dict[str, dict[str, _Sighting]] = {name: {} for name in names}
    for sighting in sightings:
        by_camera[sighting.lens.name][sighting.view.name] = sighting
    placed = {names[0]: Pose(np.eye(3), np.zeros(3))}
    while len(placed) < len(names):
        known, new, common = max(
            (
                (known, new, sorted(by_camera[known].keys() & by_camera[new].keys()))
                for known in placed
                for new in names
                if new not in placed
            ),
            key=lambda link: len(link[2]),
        )
        if not common:
            raise CalibrationError(
                f"camera {new!r}: shares no view of the board with the other cameras"
            )
        pairs = [(by_camera[known][name], by_camera[new][name]) for name in common]
        candidates = [there.pose.after(here.pose.inverse()) for here, there in pairs]
        scores = [
            np.median([np.abs(there.errors(step.after(here.pose))).mean() for here, there in pairs])
            for step in candidates
        ]
        placed[new] = candidates[int(np.argmin(scores))].after(placed[known])
    return {name: placed[name] for name in names}


def _first_boards(cameras: dict[str, Pose], sightings: Sequence[_Sighting]) -> dict[str, Pose]:
    """Board to rig in every view, by the camera that sees most of it."""
    best: dict[str, _Sighting] = {}
    for sighting in sightings:
        known = best.get(sighting.view.name)
        if known is None or len(sighting.view.uv) > len(known.view.uv):
            best[sighting.view.name] = sighting
    return {
        name: cameras[sighting.lens.name].inverse().after(sighting.pose)
        for name, sighting in best.items()
    }


def _refined(
    cameras: dict[str, Pose], boards: dict[str, Pose], sightings: Sequence[_Sighting]
) -> tuple[dict[str, Pose], dict[str, Pose], list[FloatArray]]:
    """Everything at once; also the length of every residual, per sighting."""
    bundle = _Bundle(cameras, boards, sightings)
    found = least_squares(
        bundle.residuals,
        np.zeros(6 * bundle.unknowns),
        jac_sparsity=bundle.sparsity(),
        x_scale="jac",
        loss="soft_l1",
        f_scale=ROBUST_PX,
        ftol=TOLERANCE,
        xtol=TOLERANCE,
    )
    lengths = np.linalg.norm(bundle.residuals(found.x).reshape(-1, 2), axis=1)
    ends = np.cumsum([len(one.view.uv) for one in sightings])[:-1]
    cameras, boards = bundle.poses(found.x)
    return cameras, boards, np.split(lengths, ends)


class _Bundle:
    """All poses but the first camera's as one vector, six numbers each; all corners at once."""

    def __init__(
        self, cameras: dict[str, Pose], boards: dict[str, Pose], sightings: Sequence[_Sighting]
    ) -> None:
        self._names = list(cameras), list(boards)
        self._start = [*cameras.values(), *boards.values()]
        self._R = np.array([pose.R for pose in self._start])
        self._t = np.array([pose.t for pose in self._start])
        camera_index = {name: index for index, name in enumerate(cameras)}
        board_index = {name: len(cameras) + index for index, name in enumerate(boards)}
        self._camera = np.array([camera_index[one.lens.name] for one in sightings])
        self._board = np.array([board_index[one.view.name] for one in sightings])
        self._counts = np.array([len(one.view.uv) for one in sightings])
        self._sighting = np.repeat(np.arange(len(sightings)), self._counts)
        self._xy = np.concatenate([one.view.xy for one in sightings])
        self._uv = np.concatenate([one.view.uv for one in sightings])
        owners = self._camera[self._sighting]
        self._rows = {one.lens: np.flatnonzero(owners == camera_index[one.lens.name])
                      for one in sightings}  # fmt: skip
        self.unknowns = len(self._start) - 1

    def _moved(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """All rotations (P, 3, 3) and translations (P, 3), cameras first."""
        steps = np.vstack([np.zeros(6), x.reshape(-1, 6)])
        turn = Rotation.from_rotvec(steps[:, :3]).as_matrix()
        return turn @ self._R, (turn @ self._t[:, :, None])[..., 0] + steps[:, 3:]

    def residuals(self, x: FloatArray) -> FloatArray:
        """Pixels, two per corner, in the order of the sightings."""
        R, t = self._moved(x)
        to_camera = R[self._camera] @ R[self._board]
        shift = (R[self._camera] @ t[self._board][:, :, None])[..., 0] + t[self._camera]
        turned = (to_camera[self._sighting, :, :2] @ self._xy[:, :, None])[..., 0]
        points = turned + shift[self._sighting]
        uv = np.empty_like(self._uv)
        for lens, rows in self._rows.items():
            uv[rows] = lens.project(points[rows])
        return np.asarray(np.nan_to_num(uv - self._uv, nan=LOST_PX).ravel())

    def sparsity(self) -> lil_matrix:
        """Which residual depends on which unknown."""
        pattern = lil_matrix((2 * len(self._uv), 6 * self.unknowns), dtype=np.int8)
        ends = 2 * np.cumsum(self._counts)
        for number, end in enumerate(ends):
            start = end - 2 * self._counts[number]
            for pose in (self._camera[number], self._board[number]):
                if pose > 0:  # the first camera stays
                    pattern[start:end, 6 * (pose - 1) : 6 * pose] = 1
        return pattern

    def poses(self, x: FloatArray) -> tuple[dict[str, Pose], dict[str, Pose]]:
        """Cameras and boards by name."""
        R, t = self._moved(x)
        moved = [Pose(*pair) for pair in zip(R, t, strict=True)]
        cameras, boards = self._names
        count = len(cameras)
        return (
            dict(zip(cameras, moved[:count], strict=True)),
            dict(zip(boards, moved[count:], strict=True)),
        )
