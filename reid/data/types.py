"""What a person re-identification data set is: labelled images in a training and a test part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

RESEARCH_ONLY = "research only; the images may not be redistributed"

DISTRACTOR = 0
"""Identity of Market-style distractors: people (or not) that no query shows."""


class FileImages(Sequence[bytes]):
    """Encoded images in files, read when asked for."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = tuple(paths)

    def __len__(self) -> int:
        return len(self._paths)

    @overload
    def __getitem__(self, index: int) -> bytes: ...

    @overload
    def __getitem__(self, index: slice) -> FileImages: ...

    def __getitem__(self, index: int | slice) -> bytes | FileImages:
        """The bytes of one file, or a narrower sequence."""
        if isinstance(index, slice):
            return FileImages(self._paths[index])
        return self._paths[index].read_bytes()


class PickedImages(Sequence[bytes]):
    """A selection, in a new order, of images of other sequences."""

    def __init__(self, sources: Sequence[Sequence[bytes]], source: IntArray, row: IntArray) -> None:
        self._sources, self._source, self._row = tuple(sources), source, row

    def __len__(self) -> int:
        return len(self._row)

    @overload
    def __getitem__(self, index: int) -> bytes: ...

    @overload
    def __getitem__(self, index: slice) -> PickedImages: ...

    def __getitem__(self, index: int | slice) -> bytes | PickedImages:
        """The bytes of one image, or a narrower sequence."""
        if isinstance(index, slice):
            return PickedImages(self._sources, self._source[index], self._row[index])
        return self._sources[int(self._source[index])][int(self._row[index])]


@dataclass(frozen=True, eq=False)
class Samples:
    """Labelled images of people, one row per image.

    Attributes
    ----------
    encoded : sequence of N bytes objects
        The images as JPEG or PNG, decoded by whoever needs pixels.
    identities : (N,) int64
        As the data set counts them, from 1; :data:`DISTRACTOR` (0) for people without an identity,
        who are negatives for every query.
    cameras : (N,) int64
        Camera of each image, from 1.
    names : tuple of N str
        What to call an image in messages and pictures: its path below the data set.

    Raises
    ------
    ValueError
        When the lengths differ or an identity is negative.
    """

    encoded: Sequence[bytes]
    identities: IntArray
    cameras: IntArray
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "identities", np.asarray(self.identities, dtype=np.int64))
        object.__setattr__(self, "cameras", np.asarray(self.cameras, dtype=np.int64))
        rows = len(self.encoded)
        if self.identities.shape != (rows,) or self.cameras.shape != (rows,):
            raise ValueError(
                f"Samples: expected {rows} identities and cameras, "
                f"got shapes {self.identities.shape} and {self.cameras.shape}"
            )
        if len(self.names) != rows:
            raise ValueError(f"Samples.names: expected {rows} names, got {len(self.names)}")
        if rows and self.identities.min() < 0:
            row = int(self.identities.argmin())
            raise ValueError(
                f"Samples.identities: expected identities from 0, "
                f"got {int(self.identities[row])} for {self.names[row]}"
            )

    def __len__(self) -> int:
        return len(self.names)

    @property
    def num_identities(self) -> int:
        """Number of different people, distractors not counted."""
        return len(np.unique(self.identities[self.identities != DISTRACTOR]))

    def select(self, rows: IntArray | BoolArray) -> Samples:
        """The rows of a mask or an index array, in that order."""
        rows = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows.astype(np.int64)
        picked = PickedImages([self.encoded], np.zeros(len(rows), np.int64), rows)
        names = tuple(self.names[row] for row in rows)
        return Samples(picked, self.identities[rows], self.cameras[rows], names)

    @staticmethod
    def from_files(
        root: Path, paths: Sequence[Path], identities: Sequence[int], cameras: Sequence[int]
    ) -> Samples:
        """Samples of image files; their names are the paths below ``root``."""
        names = tuple(path.relative_to(root).as_posix() for path in paths)
        return Samples(
            FileImages(paths),
            np.array(identities, dtype=np.int64),
            np.array(cameras, dtype=np.int64),
            names,
        )

    @staticmethod
    def empty() -> Samples:
        """No image at all, for data sets without that part."""
        return Samples(FileImages(()), np.zeros(0, np.int64), np.zeros(0, np.int64), ())


@dataclass(frozen=True, eq=False)
class PersonDataset:
    """A re-identification data set.

    Attributes
    ----------
    name : str
        Name in :data:`mtmc.reid.data.DATASETS`.
    terms : str
        Terms of use in words; models trained on it carry them along.
    train : Samples
        Images to learn from. Their people never appear in the two other parts.
    query, gallery : Samples
        The test: each query image is searched in the gallery.
    """

    name: str
    terms: str
    train: Samples
    query: Samples
    gallery: Samples


@dataclass(frozen=True)
class Counts:
    """The size of one part of a data set, as its authors state it."""

    images: int
    identities: int


def check_counts(where: str, part: str, samples: Samples, expected: Counts) -> None:
    """Compare one part of a data set with what its authors state.

    Raises
    ------
    ValueError
        When a figure differs: files are missing, or it is another edition.
    """
    got = Counts(len(samples), samples.num_identities)
    if got != expected:
        raise ValueError(
            f"{where}: expected {expected.images} {part} images of {expected.identities} people, "
            f"got {got.images} of {got.identities}; the copy is incomplete or another edition"
        )


def find_root(data_root: Path, marker: str, folders: Sequence[str]) -> Path:
    """The folder of a data set at or below ``data_root``.

    Parameters
    ----------
    data_root : Path
        The data set's own folder, or one that holds it.
    marker : str
        A folder or file inside that tells the data set.
    folders : sequence of str
        Names under which it is usually kept, tried in order.

    Raises
    ------
    FileNotFoundError
        When none of the places has the marker.
    """
    places = [data_root, *(data_root / folder for folder in folders)]
    for place in places:
        if (place / marker).exists():
            return place
    raise FileNotFoundError(
        f"{data_root}: expected {marker} in it or in {' or '.join(folders)} below it"
    )
