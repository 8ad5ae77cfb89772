"""Geometry of a plane seen by a camera: homographies, poses from them, and when they fail."""

from __future__ import annotations

from itertools import combinations, islice

import numpy as np

from .rotation import nearest_rotation, rotation_from_vector
from .types import BoolArray, CalibrationError, FloatArray

MIN_POINTS = 4

MIN_SPREAD = 0.02
"""Width over length of a cloud of points; narrower ones count as lying on a line."""

MIN_CONDITION = 1e-6
"""Second smallest over largest singular value of the homography's equations; below, there are
several homographies (as with four points of which three are on a line)."""

MAX_SUBSETS = 500
"""How many foursomes of points are tried in search of wrong ones; all when there are fewer."""

OUTLIER_FACTOR = 3.0
"""Points count as right up to this many times the error of the worst of the best three quarters."""

ROUNDING = 1e-9
"""Errors below this, in units of the spread of the points, are none."""


def require_spread(where: str, what: str, points: FloatArray) -> None:
    """Refuse fewer than four distinct points, and points on a line.

    Raises
    ------
    CalibrationError
    """
    distinct = np.unique(np.round(points, 9), axis=0)
    if len(distinct) < MIN_POINTS:
        raise CalibrationError(
            f"{where}: expected at least {MIN_POINTS} different {what}, got {len(distinct)}"
        )
    scatter = np.linalg.svd(distinct - distinct.mean(axis=0), compute_uv=False)
    if scatter[1] < MIN_SPREAD * scatter[0]:
        raise CalibrationError(
            f"{where}: the {what} lie on a line; expected points spread over an area"
        )


def fit_homography(where: str, source: FloatArray, target: FloatArray) -> FloatArray:
    """H (3, 3) with target ~ H source, from (N, 2) points of which up to a quarter may be wrong.

    The best of many homographies through four points each decides which points are right (least
    quantile of squares, Rousseeuw 1984); all of those then give H by the normalised direct linear
    transform (Hartley and Zisserman, "Multiple View Geometry", algorithm 4.2). Its sign makes the
    third coordinate positive at these points.

    Raises
    ------
    CalibrationError
        When the points leave it open, or lie on both sides of the horizon.
    """
    right = _consistent(source, target)
    source, target = source[right], target[right]
    to_source, to_target = _normaliser(source), _normaliser(target)
    equations = _equations(_map(to_source, source), _map(to_target, target))
    _, singular, vt = np.linalg.svd(equations)
    if singular[7] < MIN_CONDITION * singular[0]:
        raise CalibrationError(
            f"{where}: the points do not determine a homography; expected four of which no three "
            "are on a line"
        )
    H = np.linalg.inv(to_target) @ vt[-1].reshape(3, 3) @ to_source
    depth = source @ H[2, :2] + H[2, 2]
    if (depth > 0).all():
        return np.asarray(H)
    if (depth < 0).all():
        return np.asarray(-H)
    raise CalibrationError(
        f"{where}: the points fit no view of a floor; expected right pairs of pixel and place"
    )


def _equations(source: FloatArray, target: FloatArray) -> FloatArray:
    """The (..., 2N, 9) equations of H from (..., N, 2) points."""
    homogeneous = np.concatenate([source, np.ones_like(source[..., :1])], axis=-1)
    zeros = np.zeros_like(homogeneous)
    u, v = target[..., :1], target[..., 1:]
    rows = [
        np.concatenate([homogeneous, zeros, -u * homogeneous], axis=-1),
        np.concatenate([zeros, homogeneous, -v * homogeneous], axis=-1),
    ]
    return np.concatenate(rows, axis=-2)


def _consistent(source: FloatArray, target: FloatArray) -> BoolArray:
    """Which points agree with the homography on which most of them agree."""
    count = len(source)
    if count < MIN_POINTS + 2:  # one wrong point among five cannot be told from the right ones
        return np.ones(count, bool)
    source, target = (_map(_normaliser(points), points) for points in (source, target))
    subsets = np.array(list(islice(combinations(range(count), MIN_POINTS), MAX_SUBSETS + 1)))
    if len(subsets) > MAX_SUBSETS:
        draw = np.random.default_rng(0)
        subsets = np.array([draw.permutation(count)[:MIN_POINTS] for _ in range(MAX_SUBSETS)])
    _, _, vt = np.linalg.svd(_equations(source[subsets], target[subsets]))
    H = vt[:, -1].reshape(-1, 3, 3)
    with np.errstate(all="ignore"):  # three on a line give a useless H
        mapped = source @ H[:, :, :2].transpose(0, 2, 1) + H[:, None, :, 2]
        errors = np.linalg.norm(mapped[..., :2] / mapped[..., 2:] - target, axis=-1)
    errors = np.nan_to_num(errors, nan=np.inf)
    rank = count - max(1, count // 4) - 1
    scores = np.partition(errors, rank, axis=1)[:, rank]
    best = int(np.argmin(scores))
    return np.asarray(errors[best] <= OUTLIER_FACTOR * scores[best] + ROUNDING)


def pose_from_homography(H: FloatArray, z: float) -> tuple[FloatArray, FloatArray]:
    """R (3, 3), t (3,) of a plane at height ``z`` from H: plane metres to normalised image."""
    scale = 2.0 / (np.linalg.norm(H[:, 0]) + np.linalg.norm(H[:, 1]))
    first, second, third = (H * scale).T
    R = nearest_rotation(np.column_stack([first, second, np.cross(first, second)]))
    return R, third - R[:, 2] * z


def other_pose(R: FloatArray, t: FloatArray, centroid: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The pose that looks nearly the same: the plane's tilt mirrored at the line of sight.

    A small or distant plane has two such poses (Schweighofer and Pinz, "Robust pose estimation from
    a planar target", PAMI 2006); which one is right only the fit can tell.
    """
    middle = R @ centroid + t
    sight = middle / np.linalg.norm(middle)
    normal = R[:, 2]
    mirrored = 2.0 * (normal @ sight) * sight - normal
    axis = np.cross(normal, mirrored)
    size = float(np.linalg.norm(axis))
    angle = np.arctan2(size, normal @ mirrored)
    turned = rotation_from_vector(axis / size * angle) @ R if size > 0 else R
    return turned, middle - turned @ centroid


def _normaliser(points: FloatArray) -> FloatArray:
    """Similarity that moves points to mean 0 and mean distance √2 (Hartley, PAMI 1997)."""
    middle = points.mean(axis=0)
    scale = np.sqrt(2.0) / np.linalg.norm(points - middle, axis=1).mean()
    return np.array([[scale, 0, -scale * middle[0]], [0, scale, -scale * middle[1]], [0, 0, 1.0]])


def _map(H: FloatArray, points: FloatArray) -> FloatArray:
    mapped = points @ H[:, :2].T + H[:, 2]
    return np.asarray(mapped[:, :2] / mapped[:, 2:])
