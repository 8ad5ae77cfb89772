"""From boxes to the ground: where each detection stands, how sure that is, and how tall it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mtmc.calibration import Camera, HomographyCamera
from mtmc.calibration.ground import propagate_covariance
from mtmc.trackers.types import BoolArray

from ..types import Float32Array, FloatArray, IntArray, View


@dataclass(frozen=True)
class ObserveConfig:
    """How a box becomes an observation of the ground.

    Attributes
    ----------
    sigma_px : float
        Least standard deviation of a box's edge, pixels.
    sigma_share : float
        The same as a share of the box's height; the greater one counts.
    sigma_m : float
        Standard deviation of the middle of the feet around the person's place, metres.
    border_px : float
        Boxes whose lower edge is this close to the image's, or beyond, are cut there: the top is
        used instead, at the height of a head.
    head_m, head_sigma_m : float
        Height of people whose feet are cut, and its standard deviation, metres.
    height_sigma_m : float
        Standard deviation of the height that one box shows, metres.
    max_sigma_m : float
        Observations that are less certain than this in any direction are not used, metres.
    """

    sigma_px: float = 2.0
    sigma_share: float = 0.05
    sigma_m: float = 0.10
    border_px: float = 2.0
    head_m: float = 1.7
    head_sigma_m: float = 0.12
    height_sigma_m: float = 0.06
    max_sigma_m: float = 1.5

    def __post_init__(self) -> None:
        for name in ("sigma_px", "sigma_m", "head_m", "head_sigma_m", "height_sigma_m"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: expected a value above 0, got {getattr(self, name)}")
        if self.sigma_share < 0 or not self.max_sigma_m > 0:
            raise ValueError("sigma_share: expected 0 or more, and max_sigma_m above 0")


@dataclass(frozen=True, eq=False)
class Observations:
    """All detections of a moment that have a place on the ground; arrays of D rows.

    Attributes
    ----------
    camera : (D,) int64
        Position of the camera in the tracker's list; rows are sorted by it.
    row : (D,) int64
        Row in that camera's detections.
    xy : (D, 2) float64
        Metres.
    covariance : (D, 2, 2) float64
        Square metres.
    height : (D,) float64
        Of somebody who stands at ``xy``, metres; NaN where the box does not show it.
    height_slope : (D, 2) float64
        How that height changes with the place: the ray of the box's upper edge is a line, so that
        somebody at X is ``height + height_slope @ (X - xy)`` tall, wherever the feet may be hidden.
    lead_s : (D,) float64
        How much later than the moment the frame was taken, seconds.
    score : (D,) float64
    embedding : (D, E) float32 or None
        L2-normalised; NaN rows where there is none.
    starts : (C + 1,) int64
        Where each camera's rows begin.
    """

    camera: IntArray
    row: IntArray
    xy: FloatArray
    covariance: FloatArray
    height: FloatArray
    height_slope: FloatArray
    lead_s: FloatArray
    score: FloatArray
    embedding: Float32Array | None
    starts: IntArray

    def __len__(self) -> int:
        return len(self.camera)


def observe(
    views: Sequence[View],
    cameras: Mapping[str, Camera | HomographyCamera],
    time_s: float,
    config: ObserveConfig,
) -> Observations:
    """Carry the detections of all views to the ground.

    Boxes above the horizon, or too uncertain there, are left out.

    Raises
    ------
    ValueError
        For a view of an unknown camera, or two views of one.
    """
    position = {name: number for number, name in enumerate(cameras)}
    ordered: list[View | None] = [None] * len(position)
    for view in views:
        name = view.frame.camera
        if name not in position:
            raise ValueError(f"view: expected one of the cameras {', '.join(position)}, got {name}")
        if ordered[position[name]] is not None:
            raise ValueError(f"view: expected one per camera, got two of {name}")
        ordered[position[name]] = view
    parts = [_nothing()]
    embeddings = []
    dim = next((v.detections.embeddings.shape[1] for v in views
                if v.detections.embeddings is not None), None)  # fmt: skip
    counts = np.zeros(len(position), np.int64)
    for number, (view_, camera) in enumerate(zip(ordered, cameras.values(), strict=True)):
        if view_ is None or not len(view_.detections):
            continue
        detections = view_.detections
        xy, covariance, height, slope = _stand(detections.xyxy, camera, config)
        keep = np.flatnonzero(_is_certain(xy, covariance, config))
        counts[number] = len(keep)
        parts.append(
            (
                np.full(len(keep), number, np.int64),
                keep,
                xy[keep],
                covariance[keep],
                height[keep],
                slope[keep],
                np.full(len(keep), view_.frame.time_s - time_s),
                detections.scores[keep],
            )
        )
        if dim is not None:
            own = detections.embeddings
            embeddings.append(
                np.full((len(keep), dim), np.nan, np.float32) if own is None else own[keep]
            )
    camera_, row, xy, covariance, height, slope, lead_s, score = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    embedding = None
    if dim is not None:
        embedding = np.concatenate([np.zeros((0, dim), np.float32), *embeddings])
    starts = np.concatenate([[0], np.cumsum(counts)])
    return Observations(
        camera_, row, xy, covariance, height, slope, lead_s, score, embedding, starts
    )


def heights_at(observations: Observations, rows: IntArray, xy: FloatArray) -> FloatArray:
    """How tall people at ``xy`` (M, 2) are by the observations of these rows (M,): metres."""
    moved = xy - observations.xy[rows]
    return np.asarray(
        observations.height[rows] + (observations.height_slope[rows] * moved).sum(axis=1)
    )


_Part = tuple[
    IntArray, IntArray, FloatArray, FloatArray, FloatArray, FloatArray, FloatArray, FloatArray
]


def _nothing() -> _Part:
    whole, real = np.zeros(0, np.int64), np.zeros(0)
    return whole, whole, np.zeros((0, 2)), np.zeros((0, 2, 2)), real, np.zeros((0, 2)), real, real


def _stand(
    xyxy: FloatArray, camera: Camera | HomographyCamera, config: ObserveConfig
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Places, covariances, heights and slopes of boxes (N, 4) of one camera; NaN for none."""
    middle = (xyxy[:, 0] + xyxy[:, 2]) / 2
    is_cut = xyxy[:, 3] >= camera.image_size[1] - config.border_px
    sigma = np.maximum(config.sigma_px, config.sigma_share * (xyxy[:, 3] - xyxy[:, 1]))
    if isinstance(camera, HomographyCamera):
        foot = np.stack([middle, xyxy[:, 3]], axis=1)
        xy, covariance = camera.ground_from_image_with_covariance(foot, sigma)
        xy[is_cut] = np.nan
        height, slope = np.full(len(xyxy), np.nan), np.zeros((len(xyxy), 2))
    else:
        foot, top = _ends(xyxy, middle, camera, config)
        point = np.where(is_cut[:, None], top, foot)
        plane = np.where(is_cut, config.head_m, 0.0)
        xy, jacobian = camera.ground_from_image_with_jacobian(point, plane)
        covariance = propagate_covariance(jacobian, sigma)
        if is_cut.any():
            covariance[is_cut] += _head_covariance(xy[is_cut], camera, config)
        height, slope = _heights(xy, top, camera)
        height[is_cut | (xyxy[:, 1] <= config.border_px)] = np.nan
    covariance += config.sigma_m**2 * np.eye(2)
    return xy, covariance, height, slope


def _ends(
    xyxy: FloatArray, middle: FloatArray, camera: Camera, config: ObserveConfig
) -> tuple[FloatArray, FloatArray]:
    """Pixels of the feet and of the top of the head, (N, 2): people lean where a camera looks down.

    The image of a vertical line is upright in the middle of the image only. Towards its sides the
    feet are nearer to the middle than the head, by as much over a box's height as the image of
    somebody who stands there says.
    """
    half = (xyxy[:, 3] - xyxy[:, 1]) / 2
    foot = np.stack([middle, xyxy[:, 3]], axis=1)
    xy = camera.ground_from_image(foot)
    head = camera.project(np.column_stack([xy, np.full(len(xy), config.head_m)]))
    rise = np.maximum(foot[:, 1] - head[:, 1], 1.0)
    lean = np.nan_to_num((head[:, 0] - foot[:, 0]) / rise, nan=0.0) * half
    foot[:, 0] -= lean
    return foot, np.stack([middle + lean, xyxy[:, 1]], axis=1)


def _head_covariance(xy: FloatArray, camera: Camera, config: ObserveConfig) -> FloatArray:
    """What an unknown height does to the place along the ray: dX/dz = (X - C) / (z - C_z)."""
    slope = (xy - camera.position[:2]) / (config.head_m - camera.position[2])
    return np.asarray(config.head_sigma_m**2 * slope[:, :, None] * slope[:, None, :])


def _heights(xy: FloatArray, top: FloatArray, camera: Camera) -> tuple[FloatArray, FloatArray]:
    """Heights (N,) at which the vertical lines through ``xy`` pass the rays of pixels, metres.

    And how they change with the place, (N, 2): the ray (O + s r) is above X where s = (X - O) r.
    """
    origin, ray = camera.ray(top)
    flat = ray[:, :2]
    slope = ray[:, 2:] * flat / np.maximum((flat * flat).sum(axis=1, keepdims=True), 1e-9)
    return origin[2] + ((xy - origin[:2]) * slope).sum(axis=1), slope


def _is_certain(xy: FloatArray, covariance: FloatArray, config: ObserveConfig) -> BoolArray:
    """Whether the greater eigenvalue is below the limit; False for NaN."""
    a, b, c = covariance[:, 0, 0], covariance[:, 0, 1], covariance[:, 1, 1]
    largest = (a + c) / 2 + np.sqrt(((a - c) / 2) ** 2 + b * b)
    return np.asarray(np.isfinite(xy).all(axis=1) & (largest <= config.max_sigma_m**2))
