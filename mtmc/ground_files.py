"""Ground tracks as CSV with a header: ``frame,id,x,y,xx,xy,yy,boxes``, a row per person and frame.

Positions are metres; ``xx``, ``xy`` and ``yy`` are the covariance in m² (empty where unknown), and
``boxes`` names what they were seen by, ``camera:row`` divided by spaces. To be scored, a file needs
only the first four columns.
"""

from __future__ import annotations

import csv
import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .errors import InputError
from .types import FloatArray, IntArray

COLUMNS = ("frame", "id", "x", "y", "xx", "xy", "yy", "boxes")


@dataclass(frozen=True, eq=False)
class GroundTable:
    """Positions of one file, sorted by frame.

    Attributes
    ----------
    frame, id : (N,) int64
        Every identity at most once per frame.
    xy : (N, 2) float64
        Metres.
    """

    frame: IntArray
    id: IntArray
    xy: FloatArray

    def __len__(self) -> int:
        return len(self.frame)


def read_ground(path: str | os.PathLike[str]) -> GroundTable:
    """Read ground tracks, rows in any order.

    Raises
    ------
    InputError
        Names file and line of what is wrong.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    rows: list[tuple[int, int, float, float]] = []
    lines: dict[tuple[int, int], int] = {}
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream)
        header = next(reader, [])
        if tuple(header[:4]) != COLUMNS[:4]:
            raise InputError(f"{path}: line 1: expected the header {','.join(COLUMNS[:4])}, ...")
        for fields in reader:
            row = _parse(path, reader.line_num, fields)
            before = lines.setdefault(row[:2], reader.line_num)
            if before != reader.line_num:
                raise InputError(
                    f"{path}: lines {before} and {reader.line_num}: expected every identity at "
                    f"most once in a frame, got id {row[1]} twice in frame {row[0]}"
                )
            rows.append(row)
    rows.sort(key=lambda row: row[:2])
    return _table(rows)


def _table(rows: list[tuple[int, int, float, float]]) -> GroundTable:
    return GroundTable(
        np.array([row[0] for row in rows], np.int64),
        np.array([row[1] for row in rows], np.int64),
        np.array([row[2:] for row in rows], np.float64).reshape(-1, 2),
    )


def _parse(path: Path, line: int, fields: list[str]) -> tuple[int, int, float, float]:
    try:
        row = int(fields[0]), int(fields[1]), float(fields[2]), float(fields[3])
    except (IndexError, ValueError):
        raise InputError(
            f"{path}: line {line}: expected frame, id, x, y, got {','.join(fields)[:40]!r}"
        ) from None
    if row[0] < 1 or row[1] < 0 or not np.isfinite(row[2:]).all():
        raise InputError(
            f"{path}: line {line}: expected a frame from 1, an identity from 0 and finite metres, "
            f"got {','.join(fields[:4])!r}"
        )
    return row


def read_first_shown(path: str | os.PathLike[str]) -> GroundTable:
    """Ground tracks under the identities that came out at once, before late decisions.

    Parameters
    ----------
    path : str or path-like
        ``ground.jsonl`` of a run (see `mtmc.site_sinks.GroundJsonLinesSink`).

    Raises
    ------
    InputError
        Names file and line of what is wrong.
    """
    path = Path(path)
    rows: list[tuple[int, int, float, float]] = []
    with path.open(encoding="utf-8") as stream:
        for number, line in enumerate(stream, 1):
            try:
                moment = json.loads(line)
                for one in moment.get("people", ()):
                    if one["x"] is not None:
                        row = int(moment["frame"]), int(one["id"]), float(one["x"]), float(one["y"])
                        rows.append(row)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise InputError(f"{path}: line {number}: expected a moment: {error!r}") from error
    rows.sort(key=lambda row: row[:2])
    return _table(rows)
