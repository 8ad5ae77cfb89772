"""Read and write the text files of MOTChallenge, strictly and quickly.

One row is one box in one frame::

    frame, id, left, top, width, height, confidence, ...

with frames from 1 and boxes in pixels. What follows the seventh column depends on the file: nothing
or three world coordinates (detections, results, MOT15 ground truth), or class and visibility
(ground truth since MOT16). Fields are separated by commas or by white space; blank lines are
skipped.

A whole file is parsed at once; only when something in it is wrong is it read line by line, to say
where. A reader returns a valid table or raises :class:`~mtmc.errors.InputError`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .atomic import atomic_writer
from .errors import InputError
from .mot_text import COLUMNS, column_name, read_numbers
from .types import Detections, Float32Array, FloatArray, IntArray

__all__ = [
    "NO_CLASS",
    "MotTable",
    "detections_by_frame",
    "frame_rows",
    "read_detections",
    "read_feature_file",
    "read_ground_truth",
    "read_results",
    "write_results",
]

NO_CLASS = -1
"""``MotTable.class_id`` where the file has no class column."""

CLASS_COLUMN, VISIBILITY_COLUMN = 7, 8
GROUND_TRUTH_WITH_CLASSES = 9  # columns since MOT16; MOT15 has 10 and no classes

LARGEST_INTEGER = 2.0**53  # beyond it float64 no longer tells neighbours apart
LARGEST_PIXEL = 1e9  # no image is so large; areas and sums of such boxes still have digits to spare


@dataclass(frozen=True, eq=False)
class MotTable:
    """The boxes of one file, one row each, sorted by frame (rows of a frame in file order).

    Attributes
    ----------
    frame : (N,) int64
        Frame number from 1, never decreasing.
    id : (N,) int64
        Identity; -1 in detection files.
    tlwh : (N, 4) float64
        Left, top, width, height in pixels; sizes are not negative.
    confidence : (N,) float64
        Detector score on the detector's own scale; in ground truth 0 marks a box to be left out.
    class_id : (N,) int64
        MOTChallenge class (1 is a pedestrian), or ``NO_CLASS`` where the file has no such column.
    visibility : (N,) float64
        Visible share of the box, or NaN where the file has no such column.
    line : (N,) int64
        Line of the file (or row of the array) that the row came from, from 1.
    features : (N, D) float32 or None
        L2-normalised appearance vectors of a feature file; NaN rows where the vector was zero.

    Raises
    ------
    ValueError
        When arrays differ in length or rows are not in the order of frames.
    """

    frame: IntArray
    id: IntArray
    tlwh: FloatArray
    confidence: FloatArray
    class_id: IntArray
    visibility: FloatArray
    line: IntArray
    features: Float32Array | None = None

    def __post_init__(self) -> None:
        rows = len(self.frame)
        for name in ("id", "tlwh", "confidence", "class_id", "visibility", "line", "features"):
            values = getattr(self, name)
            if values is not None and len(values) != rows:
                raise ValueError(f"MotTable.{name}: expected {rows} rows, got {len(values)}")
        if (np.diff(self.frame) < 0).any():
            raise ValueError("MotTable.frame: expected rows in the order of frames")

    def __len__(self) -> int:
        return len(self.frame)

    def __getitem__(self, rows: npt.NDArray[np.bool_] | IntArray | slice) -> MotTable:
        """Select rows by mask, index array or slice; the order by frame must be kept."""
        features = None if self.features is None else self.features[rows]
        return MotTable(
            self.frame[rows],
            self.id[rows],
            self.tlwh[rows],
            self.confidence[rows],
            self.class_id[rows],
            self.visibility[rows],
            self.line[rows],
            features,
        )

    @property
    def xyxy(self) -> FloatArray:
        """The boxes as left, top, right, bottom: (N, 4) float64 pixels."""
        return np.hstack([self.tlwh[:, :2], self.tlwh[:, :2] + self.tlwh[:, 2:]])


def read_detections(path: str | os.PathLike[str]) -> MotTable:
    """Read a detection file (``det.txt``): 7 or 10 columns, rows in any order; it may be empty.

    Raises
    ------
    InputError
        Names file, line, column, what was expected and what was found.
    """
    values, lines = read_numbers(Path(path), (7, 10))
    return _table(Path(path), values, lines)


def read_ground_truth(path: str | os.PathLike[str]) -> MotTable:
    """Read ground truth (``gt.txt``): 9 columns since MOT16, 10 columns without classes in MOT15.

    Raises
    ------
    InputError
        As :func:`read_detections`, and for an identity that is negative or given twice in a frame.
    """
    values, lines = read_numbers(Path(path), (GROUND_TRUTH_WITH_CLASSES, 10))
    has_classes = values.shape[1] == GROUND_TRUTH_WITH_CLASSES
    table = _table(Path(path), values, lines, has_classes=has_classes)
    if has_classes:
        order = np.argsort(values[:, 0], kind="stable")
        classes = values[order, CLASS_COLUMN].astype(np.int64)
        table = replace(table, class_id=classes, visibility=values[order, VISIBILITY_COLUMN])
    _check_identities(Path(path), table)
    return table


def read_results(path: str | os.PathLike[str]) -> MotTable:
    """Read a tracker's results: 7 to 10 columns, of which the first seven are used.

    Raises
    ------
    InputError
        As :func:`read_detections`, and for an identity that is negative or given twice in a frame.
    """
    values, lines = read_numbers(Path(path), (7, 8, 9, 10))
    table = _table(Path(path), values, lines)
    _check_identities(Path(path), table)
    return table


def read_feature_file(path: str | os.PathLike[str], *, mot_columns: int | None = None) -> MotTable:
    """Read detections with appearance vectors: an ``.npy`` array of MOT columns and D features.

    Files of deep_sort have 10 MOT columns, others 7. Without ``mot_columns`` the split is the one
    after which every row has unit length; failing that it is 10 where columns 8 to 10 are -1 in
    every row. An array without rows counts as 10. Anything else is an error that asks for
    ``mot_columns``. Rows are normalised to unit length.

    Raises
    ------
    InputError
        For a file that is not such an array, and for bad rows as :func:`read_detections`.
    """
    path = Path(path)
    values = _load_array(path)
    columns = _feature_split(path, values) if mot_columns is None else mot_columns
    if not len(COLUMNS) <= columns < max(values.shape[1], 1):
        raise InputError(
            f"{path}: expected {columns} MOT columns and features after them, "
            f"got {values.shape[1]} columns"
        )
    table = _table(path, values[:, :columns], np.arange(1, len(values) + 1), unit="row")
    features = values[table.line - 1, columns:]
    norms = _norms(features)
    if not np.isfinite(norms).all():
        row = table.line[np.flatnonzero(~np.isfinite(norms))[0]]
        raise InputError(f"{path}: row {row}: expected finite features, got some that are not")
    norms[norms == 0] = np.nan
    return replace(table, features=(features / norms[:, None]).astype(np.float32))


def write_results(path: str | os.PathLike[str], table: MotTable) -> None:
    """Write results in MOT format, atomically: ten columns, pixels with two decimals.

    Raises
    ------
    OSError
        When the folder cannot be written.
    """
    rows = zip(
        table.frame.tolist(),
        table.id.tolist(),
        table.tlwh.tolist(),
        table.confidence.tolist(),
        strict=True,
    )
    with atomic_writer(path) as stream:
        for frame, identity, (left, top, width, height), confidence in rows:
            stream.write(
                f"{frame},{identity},{left:.2f},{top:.2f},{width:.2f},{height:.2f},"
                f"{confidence:.4f},-1,-1,-1\n"
            )


def frame_rows(table: MotTable) -> dict[int, slice]:
    """Rows of each frame that has any."""
    frames, counts = np.unique(table.frame, return_counts=True)
    stops = np.cumsum(counts).tolist()
    return {
        frame: slice(stop - count, stop)
        for frame, count, stop in zip(frames.tolist(), counts.tolist(), stops, strict=True)
    }


def detections_by_frame(table: MotTable) -> dict[int, Detections]:
    """Detections of each frame that has any; scores are the file's, on the detector's own scale."""
    xyxy = table.xyxy
    features = table.features
    return {
        frame: Detections(
            xyxy[rows], table.confidence[rows], None if features is None else features[rows]
        )
        for frame, rows in frame_rows(table).items()
    }


def _table(
    path: Path,
    values: FloatArray,
    lines: IntArray,
    *,
    has_classes: bool = False,
    unit: str = "line",
) -> MotTable:
    """Check the columns that all files share, and sort by frame."""

    def check(ok: npt.NDArray[np.bool_], expected: str) -> None:
        if ok.all():
            return
        row, column = (int(index) for index in np.argwhere(~ok)[0])
        raise InputError(
            f"{path}: {unit} {lines[row]}, {column_name(column)}: expected {expected}, "
            f"got {values[row, column]:g}"
        )

    check(np.isfinite(values), "a finite number")
    column = np.arange(values.shape[1])
    is_integer = (column < 2) | (has_classes & (column == CLASS_COLUMN))
    whole = (values == np.floor(values)) & (np.abs(values) <= LARGEST_INTEGER)
    check(~is_integer | whole, "a whole number")
    check((column != 0) | (values >= 1), "a frame number from 1")
    is_box = (column >= 2) & (column < 6)
    check(~is_box | (np.abs(values) <= LARGEST_PIXEL), f"at most {LARGEST_PIXEL:g} pixels")
    check(~is_box | (column < 4) | (values >= 0), "a size of 0 or more")
    order = np.argsort(values[:, 0], kind="stable")
    values = values[order]
    return MotTable(
        frame=values[:, 0].astype(np.int64),
        id=values[:, 1].astype(np.int64),
        tlwh=np.ascontiguousarray(values[:, 2:6]),
        confidence=values[:, 6].copy(),
        class_id=np.full(len(values), NO_CLASS, np.int64),
        visibility=np.full(len(values), np.nan),
        line=lines[order].astype(np.int64),
    )


def _check_identities(path: Path, table: MotTable) -> None:
    negative = np.flatnonzero(table.id < 0)
    if len(negative):
        row = negative[np.argmin(table.line[negative])]
        raise InputError(
            f"{path}: line {table.line[row]}, column 2 (id): expected an identity of 0 or more, "
            f"got {table.id[row]} (is this a detection file?)"
        )
    order = np.lexsort((table.line, table.id, table.frame))
    frame, identity, line = table.frame[order], table.id[order], table.line[order]
    same = (frame[1:] == frame[:-1]) & (identity[1:] == identity[:-1])
    if same.any():
        row = int(np.flatnonzero(same)[0])
        raise InputError(
            f"{path}: lines {line[row]} and {line[row + 1]}: expected every identity at most once "
            f"in a frame, got id {identity[row]} twice in frame {frame[row]}"
        )


def _load_array(path: Path) -> FloatArray:
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        # Mapped, so that a damaged header cannot ask for more memory than the file has bytes.
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # a damaged header makes numpy raise nearly anything
        raise InputError(f"{path}: expected an .npy array of numbers: {error}") from error
    if not isinstance(values, np.ndarray) or values.ndim != 2 or values.dtype.kind not in "fiu":
        found = f"{values.dtype} {values.shape}" if isinstance(values, np.ndarray) else "an archive"
        raise InputError(f"{path}: expected a 2-D array of numbers, got {found}")
    return np.array(values, dtype=np.float64)


def _feature_split(path: Path, values: FloatArray) -> int:
    """Tell 10 MOT columns from 7; see :func:`read_feature_file`."""
    if not len(values):
        return 10
    for columns in (10, 7):
        norms = _norms(values[:, columns:])
        if values.shape[1] > columns and np.allclose(norms, 1.0, atol=1e-3):
            return columns
    if values.shape[1] > 10 and (values[:, 7:10] == -1).all():
        return 10
    raise InputError(
        f"{path}: cannot tell whether 7 or 10 of the {values.shape[1]} columns come before the "
        "features; give mot_columns"
    )


def _norms(rows: FloatArray) -> FloatArray:
    """Euclidean lengths; not finite where a row holds NaN, infinity or enormous numbers."""
    with np.errstate(over="ignore", invalid="ignore"):
        norms: FloatArray = np.sqrt((rows * rows).sum(axis=1))
    return norms
