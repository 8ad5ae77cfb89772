"""Offline post-processing of finished tracks: fill gaps, and smooth what a tracker wrote.

It looks into the future, so that what it makes is no online result any more; files it writes lie in
a folder of their own beside a note of what was done (see `interpolate_file`), and figures of them
are to be called *interpolated*. Identities are never changed.

Linear filling is the usual one (e.g. Zhang et al., "ByteTrack", ECCV 2022, section 4). Smoothing
follows the idea of Du et al., "StrongSORT: make DeepSORT great again", IEEE TMM 2023, section 3.5,
that motion between detections is smooth, with a local linear regression in place of their Gaussian
process: its cost is linear in the length of a track, and it has no bias at a track's ends.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from .atomic import atomic_writer
from .errors import InputError
from .mot_files import NO_CLASS, MotTable, read_results, write_results
from .types import FloatArray, IntArray

Method = Literal["linear", "gaussian"]

_KERNEL_SIGMAS = 4.0  # weights beyond are below 0.04 %


@dataclass(frozen=True)
class InterpolationConfig:
    """How tracks are completed after the fact.

    Attributes
    ----------
    method : {"linear", "gaussian"}
        ``linear``: gaps are filled along a straight line, boxes that are there stay.
        ``gaussian``: after that all boxes are smoothed.
    max_gap : int
        Gaps of up to so many missing frames are filled; longer ones stay, and end a smooth piece.
    sigma : float
        Width of the smoothing, frames: the standard deviation of its weights.

    Raises
    ------
    ValueError
        On an unknown method or a number out of range.
    """

    method: Method = "linear"
    max_gap: int = 20
    sigma: float = 3.0

    def __post_init__(self) -> None:
        if self.method not in get_args(Method):
            raise ValueError(
                f"interpolation.method: expected one of {', '.join(get_args(Method))}, "
                f"got {self.method!r}"
            )
        if self.max_gap < 0:
            raise ValueError(f"interpolation.max_gap: expected 0 or more, got {self.max_gap}")
        if not (math.isfinite(self.sigma) and self.sigma > 0.0):
            raise ValueError(f"interpolation.sigma: expected above 0, got {self.sigma}")


def interpolate(table: MotTable, config: InterpolationConfig | None = None) -> MotTable:
    """Complete the tracks of a result file.

    Parameters
    ----------
    table : MotTable
        Results, each identity at most once per frame.
    config : InterpolationConfig or None

    Returns
    -------
    MotTable sorted by frame and identity; ``line`` is 0 in rows that were filled in, whose
    confidence lies between those of the rows around the gap.
    """
    config = config or InterpolationConfig()
    order = np.lexsort((table.frame, table.id))
    bounds = np.flatnonzero(np.diff(table.id[order])) + 1
    pieces = [
        _complete(table.frame[rows], _values(table, rows), int(table.id[rows[0]]), config)
        for rows in np.split(order, bounds)
        if len(rows)
    ]
    if not pieces:
        return table
    frame = np.concatenate([piece[0] for piece in pieces])
    identity = np.concatenate([piece[1] for piece in pieces])
    values = np.concatenate([piece[2] for piece in pieces])
    order = np.lexsort((identity, frame))
    return MotTable(
        frame=frame[order],
        id=identity[order],
        tlwh=values[order, :4],
        confidence=values[order, 4],
        class_id=np.full(len(frame), NO_CLASS),
        visibility=np.full(len(frame), np.nan),
        line=values[order, 5].astype(np.int64),
    )


def interpolate_file(
    source: Path, target: Path, config: InterpolationConfig | None = None
) -> tuple[int, int]:
    """Complete the tracks of a result file into another file.

    Beside ``NAME.txt`` it writes ``NAME.interpolated.json``, which says that and how the results
    were post-processed.

    Returns
    -------
    Rows that were there, and rows that were filled in.

    Raises
    ------
    InputError, OSError
        When the file cannot be read, the target is the source, or it cannot be written.
    """
    config = config or InterpolationConfig()
    if target.resolve() == source.resolve():
        raise InputError(f"{target}: expected another folder than that of the online results")
    table = read_results(source)
    completed = interpolate(table, config)
    filled = len(completed) - len(table)
    note = {
        "post_process": "offline interpolation",
        "source": str(source),
        "config": asdict(config),
        "rows": len(table),
        "filled": filled,
    }
    with atomic_writer(target.with_suffix(".interpolated.json")) as stream:
        json.dump(note, stream, indent=2)
        stream.write("\n")
    write_results(target, completed)
    return len(table), filled


def _values(table: MotTable, rows: IntArray) -> FloatArray:
    """Box, confidence and line of rows as (N, 6)."""
    return np.column_stack([table.tlwh[rows], table.confidence[rows], table.line[rows]])


def _complete(
    frame: IntArray, values: FloatArray, identity: int, config: InterpolationConfig
) -> tuple[IntArray, IntArray, FloatArray]:
    """Frames, identity and values of one track, filled and smoothed piece by piece."""
    frames, rows = [], []
    long_gaps = np.flatnonzero(np.diff(frame) > config.max_gap + 1) + 1
    for piece, part in zip(np.split(frame, long_gaps), np.split(values, long_gaps), strict=True):
        every = np.arange(piece[0], piece[-1] + 1)
        filled = np.column_stack([np.interp(every, piece, column) for column in part.T])
        filled[~np.isin(every, piece), 5] = 0.0
        if config.method == "gaussian":
            filled[:, :4] = smooth(filled[:, :4], config.sigma)
            filled[:, 2:4] = np.maximum(filled[:, 2:4], 0.0)
        frames.append(every)
        rows.append(filled)
    every = np.concatenate(frames)
    return every, np.full(len(every), identity), np.concatenate(rows)


def smooth(values: FloatArray, sigma: float) -> FloatArray:
    """Local linear regression of equidistant values (N, C) with Gaussian weights.

    At each place t the value at t of the straight line that minimises the sum of
    w(i - t) (y_i - a - b (i - t))² with w(k) = exp(-k² / 2σ²):
    a = (S₂T₀ - S₁T₁) / (S₀S₂ - S₁²), S_j = Σ w kʲ, T_j = Σ w kʲ y. A straight line stays as it is.
    """
    length = len(values)
    reach = min(math.ceil(_KERNEL_SIGMAS * sigma), length - 1)
    if reach < 1:
        return values.copy()
    offset = np.arange(-reach, reach + 1)
    weight = np.exp(-0.5 * (offset / sigma) ** 2)

    def sums(power: int, series: FloatArray) -> FloatArray:
        # Convolution flips its kernel, so that the kernel at -k meets the value k places on.
        kernel = (weight * offset**power)[::-1]
        full: FloatArray = np.convolve(series, kernel)[reach : reach + length]
        return full

    ones = np.ones(length)
    s0, s1, s2 = (sums(power, ones) for power in range(3))
    spread = s0 * s2 - s1 * s1
    smoothed = [(s2 * sums(0, y) - s1 * sums(1, y)) / spread for y in values.T]
    return np.column_stack(smoothed)
