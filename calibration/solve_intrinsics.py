"""Camera matrix and lens from pictures of a calibration board.

OpenCV fits the model: ``calibrateCamera`` (Zhang, PAMI 2000) or ``fisheye.calibrate``. Pictures
that do not fit are dropped once, and what the pictures left open is an error instead of a number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from .boards import BoardView
from .distortion import Distortion, FisheyeDistortion
from .intrinsics import Intrinsics
from .opencv_distortion import OpenCVDistortion
from .types import CalibrationError, FloatArray

MIN_VIEWS = 4
"""Three views determine the model in theory, and a bad one cannot be told from a good one."""

BAD_VIEW = 3.0
"""A view is dropped when its error is this many times the median, ..."""
BAD_VIEW_PX = 0.5
"""... and at least this many pixels."""

MIN_TILT = np.radians(10.0)
"""Boards that are all parallel within this leave focal length and distance open."""

MODELS = ("opencv5", "opencv8", "fisheye")


@dataclass(frozen=True, eq=False)
class IntrinsicsFit:
    """A camera matrix and lens, and how well they fit.

    Attributes
    ----------
    intrinsics : Intrinsics
    rms_px : float
        Root mean square reprojection error over the views used.
    view_errors_px : dict of str to float
        The same for each view used.
    dropped : tuple of str
        Views that did not fit.
    coverage : float
        Share of the image (of a 10 × 10 grid) in which a corner was seen: below a half, the lens is
        guessed at the border.
    """

    intrinsics: Intrinsics
    rms_px: float
    view_errors_px: dict[str, float]
    dropped: tuple[str, ...]
    coverage: float


def solve_intrinsics(
    name: str, views: Sequence[BoardView], image_size: tuple[int, int], model: str = "opencv5"
) -> IntrinsicsFit:
    """Fit camera matrix and lens to board views.

    Parameters
    ----------
    name : str
        Of the camera.
    views : sequence of BoardView
    image_size : (int, int)
    model : str
        ``"opencv5"``, ``"opencv8"`` (wide angle) or ``"fisheye"`` (beyond about 120°).

    Raises
    ------
    CalibrationError
        Too few views, or views that leave the model open (all from one direction).
    """
    if model not in MODELS:
        raise CalibrationError(f"model: expected one of {', '.join(MODELS)}, got {model!r}")
    kept = list(views)
    dropped: tuple[str, ...] = ()
    for _ in range(2):
        if len(kept) < MIN_VIEWS:
            raise CalibrationError(
                f"camera {name!r}: expected at least {MIN_VIEWS} views of the board, got "
                f"{len(kept)}"
            )
        K, lens, errors = _fit(name, kept, image_size, model)
        limit = max(BAD_VIEW * float(np.median(errors)), BAD_VIEW_PX)
        bad = [view.name for view, error in zip(kept, errors, strict=True) if error > limit]
        if not bad or dropped:
            break
        dropped = tuple(bad)
        kept = [view for view in kept if view.name not in bad]
    counts = np.array([len(view.uv) for view in kept])
    rms = float(np.sqrt((errors**2 * counts).sum() / counts.sum()))
    by_view = {view.name: float(error) for view, error in zip(kept, errors, strict=True)}
    return IntrinsicsFit(
        Intrinsics(name, K, image_size, lens),
        rms,
        by_view,
        dropped,
        _coverage(kept, image_size),
    )


def _fit(
    name: str, views: Sequence[BoardView], image_size: tuple[int, int], model: str
) -> tuple[FloatArray, Distortion, FloatArray]:
    """K, lens, and the RMS error of each view."""
    world = [np.column_stack([view.xy, np.zeros(len(view.xy))]) for view in views]
    try:
        fit = _fit_fisheye if model == "fisheye" else _fit_opencv
        K, lens, rotations, errors = fit(world, views, image_size, model)
    except (cv2.error, ValueError) as error:
        raise CalibrationError(
            f"camera {name!r}: the views determine no camera ({_reason(error)})"
        ) from None
    if not (np.isfinite(K).all() and np.isfinite(errors).all()):
        raise CalibrationError(f"camera {name!r}: the views determine no camera")
    normals = np.array([cv2.Rodrigues(rotation)[0][:, 2] for rotation in rotations])
    widest = float(np.arccos(np.clip((normals @ normals.T).min(), -1.0, 1.0)))
    if widest < MIN_TILT:
        raise CalibrationError(
            f"camera {name!r}: the views leave the focal length open: the board is turned by "
            f"{np.degrees(widest):.1f}° at most between them; expected it tilted in several "
            "directions"
        )
    return K, lens, errors


def _reason(error: Exception) -> str:
    return " ".join(str(getattr(error, "err", "") or error).split())


Fit = tuple[FloatArray, Distortion, Sequence[Any], FloatArray]


def _fit_opencv(
    world: Sequence[FloatArray],
    views: Sequence[BoardView],
    image_size: tuple[int, int],
    model: str,
) -> Fit:
    calibrate: Any = cv2.calibrateCameraExtended  # its stubs do not know that None is allowed
    _, K, values, rotations, _, _, _, errors = calibrate(
        [points.astype(np.float32) for points in world],
        [view.uv.astype(np.float32) for view in views],
        image_size,
        None,
        None,
        flags=cv2.CALIB_RATIONAL_MODEL if model == "opencv8" else 0,
    )
    count = 8 if model == "opencv8" else 5
    lens = OpenCVDistortion(tuple(np.ravel(values)[:count]))
    return np.asarray(K, np.float64), lens, rotations, np.ravel(errors)


def _fit_fisheye(
    world: Sequence[FloatArray],
    views: Sequence[BoardView],
    image_size: tuple[int, int],
    _model: str,
) -> Fit:
    calibrate: Any = cv2.fisheye.calibrate
    _, K, values, rotations, translations = calibrate(
        [points[None] for points in world],
        [view.uv[None] for view in views],
        image_size,
        None,
        None,
        flags=_fisheye_flag("CALIB_RECOMPUTE_EXTRINSIC") | _fisheye_flag("CALIB_FIX_SKEW"),
    )
    errors = []
    for points, view, rotation, translation in zip(
        world, views, rotations, translations, strict=True
    ):
        again, _ = cv2.fisheye.projectPoints(points[None], rotation, translation, K, values)
        errors.append(np.sqrt(np.mean(np.sum((again.reshape(-1, 2) - view.uv) ** 2, axis=1))))
    lens = FisheyeDistortion(tuple(np.ravel(values)))
    return np.asarray(K, np.float64), lens, rotations, np.array(errors)


def _fisheye_flag(name: str) -> int:
    """OpenCV 5 moved the flags out of ``cv2.fisheye``, and gave them other values."""
    return int(getattr(cv2.fisheye, name, None) or getattr(cv2, name))


def _coverage(views: Sequence[BoardView], image_size: tuple[int, int]) -> float:
    cells = np.zeros((10, 10), bool)
    for view in views:
        column, row = np.clip((view.uv / image_size * 10).astype(int), 0, 9).T
        cells[row, column] = True
    return float(cells.mean())
