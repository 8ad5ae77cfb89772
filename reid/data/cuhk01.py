"""CUHK01 (Li, Zhao and Wang, ACCV 2012): 971 people, two cameras, two images from each."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from .market1501 import image_files
from .types import RESEARCH_ONLY, Counts, PersonDataset, Samples, check_counts, find_root

ALL = Counts(3884, 971)

TRAIN_IDENTITIES = 485
"""The usual 485/486 split; ours is by number instead of at random, so that it is always the same"""

_NAME = re.compile(r"(\d{4})(\d{3})\.png$")


def read_cuhk01(data_root: Path, *, check: bool = True) -> PersonDataset:
    """CUHK01: people 1-485 to learn from; of people 486-971 camera 1 is searched in camera 2.

    Files are named ``PPPPIII.png``: images 1 and 2 of a person are of camera 1, 3 and 4 of
    camera 2. Papers draw the 485/486 split at random, so compare figures with care. Models that
    never saw CUHK01 are better tested on all 971 people: :func:`read_cuhk01_all`.

    Parameters
    ----------
    data_root : Path
        The folder with ``campus``, or one that holds ``CUHK01``.
    check : bool
        Compare the number of images and people with the published ones.

    Raises
    ------
    FileNotFoundError, ValueError
        When the folder is missing, a file name is of another form, or a count is off.
    """
    samples = _read(data_root, check)
    test = samples.identities > TRAIN_IDENTITIES
    return PersonDataset("cuhk01", RESEARCH_ONLY, samples.select(~test), *_search(samples, test))


def read_cuhk01_all(data_root: Path, *, check: bool = True) -> PersonDataset:
    """CUHK01 as a test of strangers: nothing to learn from, camera 1 searched in camera 2.

    Parameters and errors as of :func:`read_cuhk01`.
    """
    samples = _read(data_root, check)
    everyone = np.ones(len(samples), np.bool_)
    return PersonDataset("cuhk01_all", RESEARCH_ONLY, Samples.empty(), *_search(samples, everyone))


def _search(samples: Samples, rows: np.ndarray) -> tuple[Samples, Samples]:
    return samples.select(rows & (samples.cameras == 1)), samples.select(
        rows & (samples.cameras == 2)
    )


def _read(data_root: Path, check: bool) -> Samples:
    root = find_root(data_root, "campus", ("CUHK01", "cuhk01"))
    paths, identities, cameras = [], [], []
    for path in image_files(root / "campus"):
        match = _NAME.match(path.name)
        if match is None:
            raise ValueError(f"{path}: expected a file name like 0001003.png")
        paths.append(path)
        identities.append(int(match[1]))
        cameras.append(1 if int(match[2]) <= 2 else 2)
    samples = Samples.from_files(root, paths, identities, cameras)
    if check:
        check_counts(str(root / "campus"), "CUHK01", samples, ALL)
    return samples
