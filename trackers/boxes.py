"""Box formats and overlap.

Formats, as the names say them: ``xyxy`` (left, top, right, bottom), ``tlwh`` (left, top, width,
height), ``cxcywh`` (centre, width, height), ``xyah`` (centre, aspect ratio width / height, height;
the state of DeepSORT and ByteTrack) and ``xysr`` (centre, area, aspect ratio; the state of SORT).
All arrays are (N, 4) float64 in pixels. Functions return new arrays.
"""

from __future__ import annotations

import numpy as np

from .types import FloatArray

# A box may have no height (a detector's slip); its aspect ratio is taken at this height instead.
MIN_HEIGHT_PX = 1e-6
_TINY = np.finfo(np.float64).tiny

# Linear changes of format as matrices, because one matrix product costs less than four slices.
_CXCYWH_FROM_XYXY = np.array(
    [[0.5, 0.0, -1.0, 0.0], [0.0, 0.5, 0.0, -1.0], [0.5, 0.0, 1.0, 0.0], [0.0, 0.5, 0.0, 1.0]]
)
_XYXY_FROM_CXCYWH = np.array(
    [[1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0], [-0.5, 0.0, 0.5, 0.0], [0.0, -0.5, 0.0, 0.5]]
)


def xyxy_from_tlwh(tlwh: FloatArray) -> FloatArray:
    """Left, top, right, bottom from left, top, width, height."""
    xyxy = np.array(tlwh, dtype=np.float64)
    xyxy[:, 2:] += xyxy[:, :2]
    return xyxy


def tlwh_from_xyxy(xyxy: FloatArray) -> FloatArray:
    """Left, top, width, height from left, top, right, bottom."""
    tlwh = np.array(xyxy, dtype=np.float64)
    tlwh[:, 2:] -= tlwh[:, :2]
    return tlwh


def cxcywh_from_xyxy(xyxy: FloatArray) -> FloatArray:
    """Centre, width and height from left, top, right, bottom."""
    out: FloatArray = xyxy @ _CXCYWH_FROM_XYXY
    return out


def xyxy_from_cxcywh(cxcywh: FloatArray) -> FloatArray:
    """Left, top, right, bottom from centre, width and height."""
    out: FloatArray = cxcywh @ _XYXY_FROM_CXCYWH
    return out


def xyah_from_xyxy(xyxy: FloatArray) -> FloatArray:
    """Centre, aspect ratio and height; a height below `MIN_HEIGHT_PX` counts as that."""
    xyah: FloatArray = xyxy @ _CXCYWH_FROM_XYXY
    height = xyah[:, 3]
    np.maximum(height, MIN_HEIGHT_PX, out=height)
    xyah[:, 2] /= height
    return xyah


def xyxy_from_xyah(xyah: FloatArray) -> FloatArray:
    """Corners from centre, aspect ratio and height; negative aspect ratio or height count as 0.

    A motion model may predict either below zero; the answer is a valid box all the same.
    """
    cxcywh = xyah.copy()
    size = cxcywh[:, 2:]
    np.maximum(size, 0.0, out=size)
    cxcywh[:, 2] *= cxcywh[:, 3]
    out: FloatArray = cxcywh @ _XYXY_FROM_CXCYWH
    return out


def xysr_from_xyxy(xyxy: FloatArray) -> FloatArray:
    """Centre, area and aspect ratio; a height below `MIN_HEIGHT_PX` counts as that."""
    xysr: FloatArray = xyxy @ _CXCYWH_FROM_XYXY
    width, height = xysr[:, 2], np.maximum(xysr[:, 3], MIN_HEIGHT_PX)
    xysr[:, 3] = width / height
    width *= height
    return xysr


def xyxy_from_xysr(xysr: FloatArray) -> FloatArray:
    """Corners from centre, area and aspect ratio; what is below zero counts as an empty box."""
    cxcywh = xysr.copy()
    ratio = np.maximum(xysr[:, 3], _TINY)
    height = np.sqrt(np.maximum(xysr[:, 2], 0.0) / ratio)
    cxcywh[:, 2] = height * ratio
    cxcywh[:, 3] = height
    out: FloatArray = cxcywh @ _XYXY_FROM_CXCYWH
    return out


def area(xyxy: FloatArray) -> FloatArray:
    """Area (N,) in square pixels."""
    size = xyxy[:, 2:] - xyxy[:, :2]
    product: FloatArray = size[:, 0] * size[:, 1]
    return product


def iou_matrix(xyxy: FloatArray, other_xyxy: FloatArray) -> FloatArray:
    """Intersection over union (N, M) of every box with every other; 0 for boxes without area."""
    overlap = np.minimum(xyxy[:, None, 2:], other_xyxy[:, 2:])
    overlap -= np.maximum(xyxy[:, None, :2], other_xyxy[:, :2])
    np.maximum(overlap, 0.0, out=overlap)
    shared: FloatArray = overlap[..., 0] * overlap[..., 1]
    union = area(xyxy)[:, None] + area(other_xyxy)
    union -= shared
    np.maximum(union, _TINY, out=union)
    shared /= union
    return shared


def iou_of_rows(xyxy: FloatArray, other_xyxy: FloatArray) -> FloatArray:
    """Intersection over union (N,) of row ``i`` with row ``i``; 0 for boxes without area."""
    overlap = np.minimum(xyxy[:, 2:], other_xyxy[:, 2:])
    overlap -= np.maximum(xyxy[:, :2], other_xyxy[:, :2])
    np.maximum(overlap, 0.0, out=overlap)
    shared: FloatArray = overlap[:, 0] * overlap[:, 1]
    union = area(xyxy) + area(other_xyxy) - shared
    np.maximum(union, _TINY, out=union)
    shared /= union
    return shared
