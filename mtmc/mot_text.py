"""Parse text tables of numbers at once, and say precisely what is wrong when that fails."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .errors import InputError
from .types import FloatArray, IntArray

COLUMNS = ("frame", "id", "left", "top", "width", "height", "confidence")
"""Names of the columns that all MOT files share; only for messages."""

# Every byte that may occur in a well-formed file. It leaves out the letters of nan and inf, and the
# underscore that Python accepts inside a number.
ALLOWED_BYTES = b"0123456789+-.eE, \t\n"

SHOWN = 40  # characters of a bad line or field that a message repeats


def read_numbers(path: Path, widths: tuple[int, ...]) -> tuple[FloatArray, IntArray]:
    """Parse a text file of numbers, separated by commas or by white space.

    Returns
    -------
    values : (N, columns) float64
        May hold infinities, where a number was too large; never NaN.
    lines : (N,) int64
        Line of the file that each row stands in, from 1.

    Raises
    ------
    InputError
        When the file is missing, is no text, holds something else than numbers, or a row has
        another number of columns than the first one or than ``widths`` allows.
    """
    data = _read_bytes(path)
    if data.translate(None, ALLOWED_BYTES):
        raise _first_error(path, data, widths)
    lines = data.decode("ascii").split("\n")
    numbers = [number for number, line in enumerate(lines, 1) if line and not line.isspace()]
    if not numbers:
        return np.zeros((0, widths[0])), np.zeros(0, np.int64)
    rows = lines if len(numbers) == len(lines) else [lines[number - 1] for number in numbers]
    delimiter = "," if b"," in data else None
    try:
        values = np.loadtxt(rows, delimiter=delimiter, comments=None, ndmin=2)
    except ValueError:
        raise _first_error(path, data, widths) from None
    if values.shape[1] not in widths:
        raise _first_error(path, data, widths)
    return values, np.array(numbers, dtype=np.int64)


def column_name(column: int) -> str:
    """Say which column is meant, counted from 1: ``column 1 (frame)``."""
    name = f" ({COLUMNS[column]})" if column < len(COLUMNS) else ""
    return f"column {column + 1}{name}"


def _read_bytes(path: Path) -> bytes:
    if not path.exists():
        raise InputError(f"{path}: no such file")
    if not path.is_file():
        raise InputError(f"{path}: expected a file, got a folder")
    data = path.read_bytes().removeprefix(b"\xef\xbb\xbf")  # a byte order mark from Windows
    return data.replace(b"\r\n", b"\n")


def _first_error(path: Path, data: bytes, widths: tuple[int, ...]) -> InputError:
    """Find, line by line, what the quick parser stumbled over."""
    separator = b"," if b"," in data else None
    expected = " or ".join(map(str, widths))
    first_width = 0
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        where = f"{path}: line {number}"
        try:
            fields = [field.decode("utf-8") for field in line.split(separator)]
        except UnicodeDecodeError:
            return InputError(f"{where}: expected text, got bytes that are not UTF-8")
        if len(fields) not in widths or len(fields) != (first_width or len(fields)):
            wanted = f"{first_width} columns as above" if first_width else f"{expected} columns"
            return InputError(f"{where}: expected {wanted}, got {len(fields)}: {_shorten(line)}")
        first_width = len(fields)
        for column, field in enumerate(fields):
            if not _is_number(field):
                name = column_name(column)
                return InputError(f"{where}, {name}: expected a number, got {field[:SHOWN]!r}")
    return InputError(f"{path}: expected rows of {expected} numbers")


def _is_number(field: str) -> bool:
    if field.encode().translate(None, ALLOWED_BYTES):
        return False
    try:
        float(field)
    except ValueError:
        return False
    return True


def _shorten(line: bytes) -> str:
    text = line.decode("utf-8", errors="replace").strip()
    return repr(text if len(text) <= SHOWN else text[:SHOWN] + "…")
