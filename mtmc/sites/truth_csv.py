"""Where people stood, as CSV: ``frame,id,x,y`` with this header, metres; id -1 is unknown."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from ..errors import InputError
from .site import UNKNOWN_ID, GroundTruth

COLUMNS = ["frame", "id", "x", "y"]


def read_truth(path: Path) -> GroundTruth:
    """Read positions; rows in any order. All frames from the first to the last are annotated.

    Raises
    ------
    InputError
        Names file and line of what is wrong.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    rows: list[tuple[int, int, float, float]] = []
    lines: dict[tuple[int, int], int] = {}
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream)
        if next(reader, []) != COLUMNS:
            raise InputError(f"{path}: line 1: expected the header {','.join(COLUMNS)}")
        for fields in reader:
            row = _row(path, reader.line_num, fields)
            before = lines.setdefault(row[:2], reader.line_num)
            if row[1] != UNKNOWN_ID and before != reader.line_num:
                raise InputError(
                    f"{path}: lines {before} and {reader.line_num}: expected every identity at "
                    f"most once in a frame, got id {row[1]} twice in frame {row[0]}"
                )
            rows.append(row)
    rows.sort(key=lambda row: row[0])
    frame = np.array([row[0] for row in rows], np.int64)
    annotated = np.arange(frame[0], frame[-1] + 1) if len(frame) else frame
    return GroundTruth(
        annotated,
        frame,
        np.array([row[1] for row in rows], np.int64),
        np.array([row[2:] for row in rows], np.float64).reshape(-1, 2),
    )


def _row(path: Path, line: int, fields: list[str]) -> tuple[int, int, float, float]:
    try:
        frame, identity, x, y = fields
        row = int(frame), int(identity), float(x), float(y)
    except ValueError:
        raise InputError(f"{path}: line {line}: expected frame, id, x, y, got {fields}") from None
    if row[0] < 1 or row[1] < UNKNOWN_ID or not np.isfinite(row[2:]).all():
        raise InputError(
            f"{path}: line {line}: expected a frame from 1, an id from {UNKNOWN_ID} and finite "
            f"metres, got {fields}"
        )
    return row
