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

# Linear changes of format as matrices: for a few boxes one product costs less than four slices
# (and `dot` less than `@`).
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
    out: FloatArray = xyxy.dot(_CXCYWH_FROM_XYXY)
    return out


def xyxy_from_cxcywh(cxcywh: FloatArray) -> FloatArray:
    """Left, top, right, bottom from centre, width and height."""
    out: FloatArray = cxcywh.dot(_XYXY_FROM_CXCYWH)
    return out


def xyah_from_xyxy(xyxy: FloatArray) -> FloatArray:
    """Centre, aspect ratio and height; a height below `MIN_HEIGHT_PX` counts as that."""
    xyah: FloatArray = xyxy.dot(_CXCYWH_FROM_XYXY)
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
    out: FloatArray = cxcywh.dot(_XYXY_FROM_CXCYWH)
    return out


def xysr_from_xyxy(xyxy: FloatArray) -> FloatArray:
    """Centre, area and aspect ratio; a height below `MIN_HEIGHT_PX` counts as that."""
    xysr: FloatArray = xyxy.dot(_CXCYWH_FROM_XYXY)
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
    out: FloatArray = cxcywh.dot(_XYXY_FROM_CXCYWH)
    return out


def buffered(xyxy: FloatArray, buffer: float) -> FloatArray:
    """Boxes widened on each side by ``buffer`` times their width and height."""
    margin = buffer * (xyxy[:, 2:] - xyxy[:, :2])
    return np.hstack([xyxy[:, :2] - margin, xyxy[:, 2:] + margin])


def iou_matrix(xyxy: FloatArray, other_xyxy: FloatArray) -> FloatArray:
    """Intersection over union (N, M) of every box with every other; 0 for boxes without area."""
    # One contiguous plane per coordinate, (4, N, 1) against (4, 1, M): the inner loops run over M.
    box, other = xyxy.T.copy()[:, :, None], other_xyxy.T.copy()[:, None, :]
    overlap = np.minimum(box[2:], other[2:])
    overlap -= np.maximum(box[:2], other[:2])
    np.maximum(overlap, 0.0, out=overlap)
    shared: FloatArray = overlap[0]
    shared *= overlap[1]
    size, other_size = box[2:] - box[:2], other[2:] - other[:2]
    other_area = other_size[0] * other_size[1]
    other_area += _TINY  # so that boxes without area give 0, not 0 / 0
    union = size[0] * size[1] + other_area
    union -= shared
    shared /= union
    return shared


def iou_of_rows(xyxy: FloatArray, other_xyxy: FloatArray) -> FloatArray:
    """Intersection over union (N,) of row ``i`` with row ``i``; 0 for boxes without area."""
    box, other = xyxy.T.copy(), other_xyxy.T.copy()
    overlap = np.minimum(box[2:], other[2:])
    overlap -= np.maximum(box[:2], other[:2])
    np.maximum(overlap, 0.0, out=overlap)
    shared: FloatArray = overlap[0] * overlap[1]
    size, other_size = box[2:] - box[:2], other[2:] - other[:2]
    union = size[0] * size[1] + other_size[0] * other_size[1]
    union -= shared
    union += _TINY
    shared /= union
    return shared
