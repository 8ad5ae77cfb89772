"""From the output of the shipped network to boxes, and from boxes to what it should answer.

The network answers on a grid of cells of `STRIDE` pixels: a map of how likely a person's middle
lies in a cell (Zhou et al., "Objects as Points", 2019), and the ways from the middle of the cell to
the four sides of that person's box (Tian et al., FCOS, ICCV 2019), as logarithms.
"""

from __future__ import annotations

import cv2
import numpy as np

from mtmc.types import Float32Array, FloatArray, IntArray

STRIDE = 8
LARGEST_LOG = 5.0
"""Ways are at most exp of this many cells."""


def cell_middles(rows: int, columns: int) -> FloatArray:
    """Middles (rows, columns, 2) of the cells, x and y in pixels of the input."""
    y, x = np.mgrid[0:rows, 0:columns]
    return np.stack([x + 0.5, y + 0.5], axis=-1) * float(STRIDE)


def decode(output: Float32Array, least_score: float) -> tuple[FloatArray, FloatArray]:
    """Boxes of the cells in which the map has a peak.

    Parameters
    ----------
    output : (5, rows, columns)
        Probability of a middle, and logarithms of the ways left, up, right and down, in cells.
    least_score : float
        Cells below are left out.

    Returns
    -------
    xyxy : (N, 4) float64
        Pixels of the input.
    scores : (N,) float64
    """
    heat = np.ascontiguousarray(output[0])
    peaks = (heat >= cv2.dilate(heat, np.ones((3, 3), np.uint8))) & (heat >= least_score)
    rows, columns = np.nonzero(peaks)
    return boxes_at(output, rows, columns), heat[rows, columns].astype(np.float64)


def boxes_at(output: Float32Array, rows: IntArray, columns: IntArray) -> FloatArray:
    """Boxes (N, 4) ``xyxy`` that N cells speak of."""
    logs = np.asarray(output[1:, rows, columns], np.float64).T
    ways = np.exp(np.clip(logs, -LARGEST_LOG, LARGEST_LOG)) * STRIDE
    middle = np.stack([columns + 0.5, rows + 0.5], axis=1) * float(STRIDE)
    return np.hstack([middle - ways[:, :2], middle + ways[:, 2:]])
