"""Which camera should see whom: inside its image, and not behind somebody nearer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mtmc.calibration import Camera, HomographyCamera

from ..types import FloatArray

ASPECT = 0.38
"""Width of a person's box over its height."""


def predicted_boxes(
    xy: FloatArray, height_m: FloatArray, cameras: Sequence[Camera | HomographyCamera]
) -> tuple[FloatArray, FloatArray]:
    """Boxes of upright people in all cameras.

    Parameters
    ----------
    xy : (T, 2)
        Metres.
    height_m : (T,)

    Returns
    -------
    xyxy : (C, T, 4) float64
        Pixels; NaN behind the camera. A camera without full calibration knows no heights: there a
        box is as good as a point.
    distance : (C, T) float64
        To tell the nearer of two: metres, or pixels above the image's lower edge.
    """
    count = len(xy)
    xyxy = np.empty((len(cameras), count, 4))
    distance = np.empty((len(cameras), count))
    feet_and_heads = np.zeros((2 * count, 3))
    feet_and_heads[:, :2] = np.concatenate([xy, xy])
    feet_and_heads[count:, 2] = height_m
    for number, camera in enumerate(cameras):
        if isinstance(camera, HomographyCamera):
            foot = camera.image_from_ground(xy)
            head = foot - [0.0, 1.0]
            distance[number] = camera.image_size[1] - foot[:, 1]
        else:
            pixels = camera.project(feet_and_heads)
            foot, head = pixels[:count], pixels[count:]
            offset = xy - camera.position[:2]
            distance[number] = (offset * offset).sum(axis=1)
        half = 0.5 * ASPECT * np.abs(foot[:, 1] - head[:, 1])
        middle = (foot[:, 0] + head[:, 0]) / 2
        xyxy[number, :, 0], xyxy[number, :, 2] = middle - half, middle + half
        xyxy[number, :, 1], xyxy[number, :, 3] = head[:, 1], foot[:, 1]
    return xyxy, distance


def share_inside(xyxy: FloatArray, cameras: Sequence[Camera | HomographyCamera]) -> FloatArray:
    """Share of each box (C, T, 4) that lies in its camera's image: (C, T); 0 for NaN."""
    sizes = np.array([camera.image_size for camera in cameras], np.float64)[:, None, :]
    inner = np.minimum(xyxy[..., 2:], sizes) - np.maximum(xyxy[..., :2], 0.0)
    outer = np.maximum(xyxy[..., 2:] - xyxy[..., :2], 1e-9)
    with np.errstate(invalid="ignore"):
        share = (np.maximum(inner, 0.0) / outer).prod(axis=2)
    return np.asarray(np.nan_to_num(share, nan=0.0))


def share_uncovered(
    xyxy: FloatArray, distance: FloatArray, other: FloatArray, other_distance: FloatArray
) -> FloatArray:
    """Share of each box (C, T, 4) that no nearer box of ``other`` (C, O, 4) covers: (C, T).

    Covers are taken as independent: the product of what each of them leaves.
    """
    low = np.maximum(xyxy[:, :, None, :2], other[:, None, :, :2])
    high = np.minimum(xyxy[:, :, None, 2:], other[:, None, :, 2:])
    with np.errstate(invalid="ignore"):
        common = np.maximum(high - low, 0.0).prod(axis=3)
        area = np.maximum((xyxy[..., 2:] - xyxy[..., :2]).prod(axis=2), 1e-9)
        covered = np.minimum(common / area[:, :, None], 1.0)
        nearer = other_distance[:, None, :] < distance[:, :, None]
    covered = np.where(nearer & np.isfinite(covered), covered, 0.0)
    return np.asarray((1.0 - covered).prod(axis=2))
