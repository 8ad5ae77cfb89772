"""Market-1501 (Zheng et al., ICCV 2015), and the folder layout that other data sets took from it.

Traps of the published archive: some files end in ``.jpg.jpg``, ``Thumbs.db`` files lie between the
images, identity -1 is junk (bad boxes, ignored by the protocol) and identity 0 is distractors
(kept: they are negatives of every query).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from .types import RESEARCH_ONLY, Counts, PersonDataset, Samples, check_counts, find_root

JUNK = -1

_NAME = re.compile(r"(-?\d+)_c(\d+)\D")
_SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})

TRAIN = Counts(12936, 751)
QUERY = Counts(3368, 750)
GALLERY = Counts(15913, 750)


def read_market1501(data_root: Path, *, check: bool = True) -> PersonDataset:
    """Market-1501: 12,936 training, 3,368 query and 15,913 gallery images of 6 cameras.

    Parameters
    ----------
    data_root : Path
        The folder with ``bounding_box_train``, or one that holds ``Market-1501-v15.09.15``.
    check : bool
        Compare the number of images and people with the published ones.

    Raises
    ------
    FileNotFoundError, ValueError
        When a part is missing, a file name has no identity and camera, or a count is off.
    """
    root = find_root(
        data_root,
        "bounding_box_train",
        ("Market-1501-v15.09.15", "market1501/Market-1501-v15.09.15", "market1501", "Market-1501"),
    )
    expected = (TRAIN, QUERY, GALLERY) if check else None
    return read_market_layout("market1501", root, expected)


def read_market_layout(
    name: str, root: Path, expected: tuple[Counts, Counts, Counts] | None
) -> PersonDataset:
    """A data set in Market-1501's layout: three folders of files named ``ID_cCAMERA…``.

    Parameters
    ----------
    name : str
        Name of the data set.
    root : Path
        Folder with ``bounding_box_train``, ``query`` and ``bounding_box_test``.
    expected : tuple of three Counts or None
        Published sizes of training, query and gallery part.
    """
    train = _read_folder(root, root / "bounding_box_train")
    query = _read_folder(root, root / "query")
    gallery = _read_folder(root, root / "bounding_box_test")
    if expected is not None:
        check_counts(str(root / "bounding_box_train"), "training", train, expected[0])
        check_counts(str(root / "query"), "query", query, expected[1])
        check_counts(str(root / "bounding_box_test"), "gallery", gallery, expected[2])
    return PersonDataset(name, RESEARCH_ONLY, train, query, gallery)


def image_files(folder: Path) -> Iterator[Path]:
    """The images in a folder, by name; other files (``Thumbs.db``) and hidden ones are passed over.

    Raises
    ------
    FileNotFoundError
        When the folder does not exist.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder")
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in _SUFFIXES and not path.name.startswith("."):
            yield path


def _read_folder(root: Path, folder: Path) -> Samples:
    paths, identities, cameras = [], [], []
    for path in image_files(folder):
        match = _NAME.match(path.name)
        if match is None:
            raise ValueError(f"{path}: expected a file name like 0002_c1s1_000451_03.jpg")
        identity, camera = int(match[1]), int(match[2])
        if identity == JUNK:
            continue
        paths.append(path)
        identities.append(identity)
        cameras.append(camera)
    return Samples.from_files(root, paths, identities, cameras)
