"""A data set in one file: all encoded images one after another, with their labels.

A training machine then needs that single file. It is an ``.npz`` without pickles, and it holds the
JPEG bytes untouched, so it is as large as the images and reads back exactly.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from .types import IntArray, PersonDataset, Samples

FORMAT = "mtmc-reid-pack"
VERSION = 1
PARTS = ("train", "query", "gallery")

ByteArray = npt.NDArray[np.uint8]


class PackedBytes(Sequence[bytes]):
    """Encoded images inside one array of bytes."""

    def __init__(self, data: ByteArray, starts: IntArray, ends: IntArray) -> None:
        self._data, self._starts, self._ends = data, starts, ends

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, index: int) -> bytes: ...

    @overload
    def __getitem__(self, index: slice) -> PackedBytes: ...

    def __getitem__(self, index: int | slice) -> bytes | PackedBytes:
        """The bytes of one image, or a narrower sequence."""
        if isinstance(index, slice):
            return PackedBytes(self._data, self._starts[index], self._ends[index])
        return self._data[self._starts[index] : self._ends[index]].tobytes()


def write_pack(dataset: PersonDataset, path: Path, parts: Sequence[str] = PARTS) -> None:
    """Write a data set, or some of its parts, to one file.

    The images' terms of use go with them: a pack may be distributed no more than the images.

    Parameters
    ----------
    dataset : PersonDataset
    path : Path
        File to write; an ``.npz``.
    parts : sequence of str
        Which of ``train``, ``query`` and ``gallery``.

    Raises
    ------
    ValueError
        On an unknown part or a file name without ``.npz``.
    """
    if path.suffix != ".npz":
        raise ValueError(f"{path}: expected a file name that ends in .npz")
    unknown = sorted(set(parts) - set(PARTS))
    if unknown:
        raise ValueError(f"parts: expected some of {', '.join(PARTS)}, got {unknown[0]!r}")
    arrays: dict[str, npt.NDArray[Any]] = {
        "format": np.array([FORMAT, str(VERSION), dataset.name, dataset.terms])
    }
    for part in parts:
        arrays |= _part_arrays(part, getattr(dataset, part))
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    temporary.replace(path)


def read_pack(path: Path) -> PersonDataset:
    """Read what :func:`write_pack` wrote; parts that were left out are empty.

    Raises
    ------
    FileNotFoundError, ValueError
        When the file is missing, truncated, or something else.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such packed data set") from None
    except (ValueError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise ValueError(f"{path}: not a packed data set, or a damaged one: {error}") from error
    header = arrays.get("format")
    if header is None or header.shape != (4,) or str(header[0]) != FORMAT:
        raise ValueError(f"{path}: not a packed data set; write one with mtmc reid pack")
    if str(header[1]) != str(VERSION):
        raise ValueError(f"{path}: expected pack version {VERSION}, got {header[1]}")
    train, query, gallery = (_samples(path, arrays, part) for part in PARTS)
    return PersonDataset(str(header[2]), str(header[3]), train, query, gallery)


def _part_arrays(part: str, samples: Samples) -> dict[str, npt.NDArray[Any]]:
    images = [samples.encoded[row] for row in range(len(samples))]
    return {
        f"{part}.bytes": np.frombuffer(b"".join(images), np.uint8),
        f"{part}.lengths": np.array([len(image) for image in images], np.int64),
        f"{part}.identities": samples.identities,
        f"{part}.cameras": samples.cameras,
        f"{part}.names": np.frombuffer("\n".join(samples.names).encode(), np.uint8),
    }


def _samples(path: Path, arrays: dict[str, npt.NDArray[Any]], part: str) -> Samples:
    if f"{part}.lengths" not in arrays:
        return Samples.empty()
    try:
        data, lengths = arrays[f"{part}.bytes"], arrays[f"{part}.lengths"]
        identities, cameras = arrays[f"{part}.identities"], arrays[f"{part}.cameras"]
        names = tuple(arrays[f"{part}.names"].tobytes().decode().splitlines())
    except KeyError as error:
        raise ValueError(f"{path}: damaged: it lacks {error.args[0]}") from None
    ends = np.cumsum(lengths)
    if len(ends) and int(ends[-1]) != len(data):
        raise ValueError(f"{path}: damaged: {part} has {len(data)} bytes, expected {ends[-1]}")
    return Samples(PackedBytes(data, ends - lengths, ends), identities, cameras, names)
