"""Look for what is wrong with a sequence before a run stumbles over it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from mtmc.trackers.types import BoolArray

from ..errors import InputError
from ..mot_files import (
    NO_CLASS,
    MotTable,
    read_detections,
    read_feature_file,
    read_ground_truth,
)
from ..types import IntArray
from .sequence import Sequence, image_files

DECODED_IMAGES = 10  # images that are decoded to compare their size; all have their ends checked
TAIL_BYTES = 4096  # an end-of-image marker may be followed by some padding
END_MARKERS = {".jpg": b"\xff\xd9", ".jpeg": b"\xff\xd9", ".png": b"IEND"}
LARGEST_CLASS = 13  # MOTChallenge knows the classes 1 to 13


@dataclass(frozen=True)
class Finding:
    """Something noteworthy about a sequence.

    Attributes
    ----------
    severity : {"error", "warning"}
        An error stops a run or falsifies its scores; a warning is legal but surprising.
    path : Path
        File or folder it is about.
    message : str
        What was expected and what was found.
    """

    severity: Literal["error", "warning"]
    path: Path
    message: str


def check_sequence(sequence: Sequence) -> list[Finding]:
    """Check images, detections, ground truth and features of a sequence; an empty list is good.

    Missing or surplus frames, images of another size or cut off, rows beyond the end, bad boxes,
    rows out of order, duplicate identities, unknown classes. Files that do not exist are not
    missed: sequences without images or without ground truth are legal.
    """
    findings = list(_check_images(sequence))
    readers: list[tuple[Path | None, Callable[[Path], MotTable]]] = [
        (sequence.detections_path, read_detections),
        (sequence.ground_truth_path, read_ground_truth),
        (sequence.features_path, read_feature_file),
    ]
    for path, reader in readers:
        if path is None:
            continue
        try:
            table = reader(path)
        except InputError as error:
            reason = str(error).removeprefix(f"{path}: ")
            findings.append(Finding("error", path, reason))
            continue
        findings.extend(_check_table(sequence, path, table))
        if path == sequence.detections_path:
            findings.extend(_check_order(path, table))
        if path == sequence.ground_truth_path:
            findings.extend(_check_ground_truth(path, table))
    return findings


def _check_images(sequence: Sequence) -> Iterable[Finding]:
    folder = sequence.image_dir
    if folder is None:
        return
    images = image_files(sequence)
    numbers = np.fromiter(images, dtype=np.int64)
    expected = np.arange(1, sequence.frame_count + 1)
    missing = np.setdiff1d(expected, numbers)
    if len(missing):
        yield Finding(
            "error",
            folder,
            f"expected frames 1 to {sequence.frame_count} as {sequence.image_ext} files, "
            f"got no file for {_ranges(missing)}",
        )
    surplus = np.setdiff1d(numbers, expected)
    if len(surplus):
        yield Finding(
            "warning",
            folder,
            f"expected frames 1 to {sequence.frame_count}, got also {_ranges(surplus)}",
        )
    for path in images.values():
        if not _is_complete(path):
            yield Finding("error", path, "expected a whole image, got a file that is cut off")
    yield from _check_sizes(sequence, list(images.values()))


def _is_complete(path: Path) -> bool:
    marker = END_MARKERS.get(path.suffix.lower())
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(0, size - TAIL_BYTES))
        tail = stream.read()
    return size > 0 and (marker is None or marker in tail)


def _check_sizes(sequence: Sequence, paths: list[Path]) -> Iterable[Finding]:
    import cv2  # here, because finding sequences must not cost loading OpenCV

    width, height = sequence.image_size
    chosen = np.linspace(0, len(paths) - 1, min(DECODED_IMAGES, len(paths))).astype(int)
    for path in (paths[index] for index in chosen):
        image = cv2.imread(str(path)) if _is_complete(path) else None
        if image is None:
            if _is_complete(path):
                yield Finding("error", path, "expected an image, got something unreadable")
            continue
        if image.shape[:2] != (height, width):
            yield Finding(
                "error",
                path,
                f"expected {width}×{height} pixels as in seqinfo.ini, "
                f"got {image.shape[1]}×{image.shape[0]}",
            )


def _check_table(sequence: Sequence, path: Path, table: MotTable) -> Iterable[Finding]:
    if not len(table):
        yield Finding("warning", path, "expected rows, got an empty file")
        return
    beyond = table.frame > sequence.frame_count
    if beyond.any():
        yield Finding(
            "error",
            path,
            f"expected frames up to {sequence.frame_count}, got {_count(beyond)} beyond, "
            f"first in {_line(table, beyond)} (frame {table.frame[beyond][0]})",
        )
    flat = (table.tlwh[:, 2:] == 0).any(axis=1)
    if flat.any():
        yield Finding(
            "warning",
            path,
            f"expected boxes with an area, got {_count(flat)} without, "
            f"first in {_line(table, flat)}",
        )
    width, height = sequence.image_size
    xyxy = table.xyxy
    outside = (xyxy[:, 2] <= 0) | (xyxy[:, 3] <= 0) | (xyxy[:, 0] >= width) | (xyxy[:, 1] >= height)
    if outside.any():
        yield Finding(
            "warning",
            path,
            f"expected boxes that touch the image of {width}×{height}, "
            f"got {_count(outside)} outside, first in {_line(table, outside)}",
        )


def _check_order(path: Path, table: MotTable) -> Iterable[Finding]:
    # Sorting by frame was stable: lines go down exactly where the file was out of order.
    back = np.flatnonzero(np.diff(table.line) < 0)
    if len(back):
        yield Finding(
            "warning",
            path,
            f"expected rows in the order of frames, got line {table.line[back[0]]} "
            f"(frame {table.frame[back[0]]}) after line {table.line[back[0] + 1]} "
            f"(frame {table.frame[back[0] + 1]}); they are sorted on reading",
        )
    rows = np.column_stack([table.frame, table.tlwh, table.confidence])
    _, first, counts = np.unique(rows, axis=0, return_index=True, return_counts=True)
    if (counts > 1).any():
        repeated = int((counts - 1).sum())
        line = table.line[first[counts > 1]].min()
        yield Finding(
            "warning",
            path,
            f"expected every detection once, got {repeated} repeated, first that of line {line}",
        )


def _check_ground_truth(path: Path, table: MotTable) -> Iterable[Finding]:
    known = (table.class_id == NO_CLASS) | (
        (table.class_id >= 1) & (table.class_id <= LARGEST_CLASS)
    )
    if not known.all():
        yield Finding(
            "error",
            path,
            f"expected classes 1 to {LARGEST_CLASS}, got {table.class_id[~known][0]} "
            f"in {_line(table, ~known)}",
        )
    pedestrian = (table.class_id == 1) | (table.class_id == NO_CLASS)
    if len(table) and not (pedestrian & (table.confidence != 0)).any():
        yield Finding("warning", path, "expected boxes to score, got none that is not marked 0")


def _line(table: MotTable, rows: BoolArray) -> str:
    return f"line {table.line[rows].min()}"


def _count(rows: BoolArray) -> str:
    count = int(rows.sum())
    return f"{count} row{'' if count == 1 else 's'}"


def _ranges(numbers: IntArray, shown: int = 5) -> str:
    """Frame numbers as ``3, 7 to 9``, shortened after a few."""
    runs = np.split(numbers, np.flatnonzero(np.diff(numbers) > 1) + 1)
    texts = [f"{run[0]}" if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs]
    more = f" and {len(runs) - shown} more gaps" if len(runs) > shown else ""
    return ", ".join(texts[:shown]) + more
