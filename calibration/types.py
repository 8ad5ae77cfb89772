"""Array types, checks of arguments, and the error that every reader of calibrations raises."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


class CalibrationError(ValueError):
    """A calibration file, or data to calibrate from, is wrong; the message names file and place."""


def as_rows(name: str, values: npt.ArrayLike, columns: int) -> FloatArray:
    """``values`` as an (N, columns) float64 array.

    Raises
    ------
    ValueError
        On any other shape.
    """
    rows = np.asarray(values, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] != columns:
        raise ValueError(f"{name}: expected shape (N, {columns}), got {rows.shape}")
    return rows


def finite_array(name: str, values: Any, shape: tuple[int, ...]) -> FloatArray:
    """``values`` as a finite, read-only float64 array of the given shape.

    Raises
    ------
    ValueError
        On another shape, NaN or infinity.
    """
    array = np.array(values, dtype=np.float64)
    if array.shape != shape:
        raise ValueError(f"{name}: expected shape {shape}, got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: expected finite numbers, got {array.tolist()}")
    array.setflags(write=False)
    return array


def checked_image_size(name: str, size: Any) -> tuple[int, int]:
    """``size`` as (width, height) in whole pixels, at least 1 each.

    Raises
    ------
    ValueError
        When it is anything else.
    """
    values = tuple(size)
    if len(values) != 2 or any(value != int(value) or value < 1 for value in values):
        raise ValueError(f"{name}: expected (width, height) in pixels, got {values}")
    return int(values[0]), int(values[1])
