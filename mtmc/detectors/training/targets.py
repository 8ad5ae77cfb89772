"""What the network should answer for an image whose people are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mtmc.types import Float32Array, FloatArray

from ..heatmap import STRIDE, cell_middles

SPREAD = 0.09
"""Standard deviation of the bump around a middle, as a share of the box's sides: 0.54 / 6 as
in TTFNet (Liu et al., AAAI 2020)."""
LEAST_SPREAD = 0.35
"""Of it in cells: bumps of tiny people still reach their neighbours."""
LEAST_WEIGHT = 0.15
"""Cells where the bump is lower learn no box."""
IGNORED = -1.0


@dataclass(frozen=True, eq=False)
class Target:
    """For one image; a grid of R x C cells.

    Attributes
    ----------
    heat : (R, C) float32
        1 in the cell of a person's middle, less around it, 0 elsewhere; `IGNORED` teaches nothing.
    weight : (R, C) float32
        How much each cell's box counts; those of one person sum to 1.
    xyxy : (4, R, C) float32
        Box that the cell should answer, pixels.
    """

    heat: Float32Array
    weight: Float32Array
    xyxy: Float32Array


def target(xyxy: FloatArray, ignored: npt.NDArray[np.bool_], size: tuple[int, int]) -> Target:
    """Draw the boxes (N, 4) on the grid of an image of ``size`` (height, width).

    ``ignored`` (N,) boxes belong to people too hidden to be asked for: whatever the network answers
    there is right. Where people overlap, a cell belongs to the one whose bump is higher.
    """
    rows, columns = size[0] // STRIDE, size[1] // STRIDE
    middles = cell_middles(rows, columns)
    heat = np.zeros((rows, columns), np.float32)
    best = np.zeros((rows, columns), np.float32)
    owner = np.full((rows, columns), -1)
    boxes = np.zeros((4, rows, columns), np.float32)
    for number in np.argsort(~ignored, kind="stable"):  # ignored ones first: others lie on top
        bump, cell = _bump(xyxy[number], middles)
        if ignored[number]:
            heat[bump >= LEAST_WEIGHT] = IGNORED
            continue
        heat = np.where(bump > LEAST_WEIGHT, np.maximum(heat, bump), heat)
        heat[cell] = 1.0
        bump[cell] = 1.0
        mine = (bump > best) & (bump >= LEAST_WEIGHT)
        owner[mine], best[mine] = number, bump[mine]
        boxes[:, mine] = xyxy[number][:, None]
    weight = np.zeros_like(heat)
    for number in np.unique(owner[owner >= 0]):
        mine = owner == number
        weight[mine] = best[mine] / best[mine].sum()
    return Target(heat.astype(np.float32), weight, boxes)


def _bump(box: FloatArray, middles: FloatArray) -> tuple[Float32Array, tuple[int, int]]:
    """Gaussian (R, C) around a box's middle, and the cell in which the middle lies."""
    middle = (box[:2] + box[2:]) / 2
    spread = np.maximum(SPREAD * (box[2:] - box[:2]), LEAST_SPREAD * STRIDE)
    rows, columns = middles.shape[:2]
    column, row = np.clip((middle / STRIDE).astype(int), 0, [columns - 1, rows - 1])
    bump = np.exp(-(((middles - middle) / spread) ** 2).sum(axis=-1) / 2)
    return bump.astype(np.float32), (int(row), int(column))
