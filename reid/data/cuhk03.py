"""CUHK03 (Li et al., CVPR 2014) under the protocol of Zhong et al. (CVPR 2017): 767/700 people.

Read from the published folders of that protocol (CUHK03-NP), which are in Market-1501's layout; the
original MATLAB container holds the same images without this split.
"""

from __future__ import annotations

from pathlib import Path

from .market1501 import read_market_layout
from .types import Counts, PersonDataset, find_root

LABELED = (Counts(7368, 767), Counts(1400, 700), Counts(5328, 700))
DETECTED = (Counts(7365, 767), Counts(1400, 700), Counts(5332, 700))

_FOLDERS = ("CUHK03-NP", "cuhk03-np", "cuhk03")


def read_cuhk03_labeled(data_root: Path, *, check: bool = True) -> PersonDataset:
    """CUHK03 with boxes drawn by hand: 7,368 training, 1,400 query, 5,328 gallery images.

    Parameters
    ----------
    data_root : Path
        The folder with ``labeled`` and ``detected``, or one that holds ``CUHK03-NP``.
    check : bool
        Compare the number of images and people with the published ones.

    Raises
    ------
    FileNotFoundError, ValueError
        When a part is missing, a file name has no identity and camera, or a count is off.
    """
    root = find_root(data_root, "labeled", _FOLDERS) / "labeled"
    return read_market_layout("cuhk03_labeled", root, LABELED if check else None)


def read_cuhk03_detected(data_root: Path, *, check: bool = True) -> PersonDataset:
    """CUHK03 with boxes of a detector: 7,365 training, 1,400 query, 5,332 gallery images.

    Parameters and errors as of :func:`read_cuhk03_labeled`.
    """
    root = find_root(data_root, "detected", _FOLDERS) / "detected"
    return read_market_layout("cuhk03_detected", root, DETECTED if check else None)
