"""DukeMTMC-reID (Ristani et al., ECCVW 2016; Zheng et al., ICCV 2017), layout only.

Its authors withdrew it in 2019; who still has it under its terms can read it here.
"""

from __future__ import annotations

from pathlib import Path

from .market1501 import read_market_layout
from .types import Counts, PersonDataset, find_root

TRAIN = Counts(16522, 702)
QUERY = Counts(2228, 702)
GALLERY = Counts(17661, 1110)


def read_dukemtmc(data_root: Path, *, check: bool = True) -> PersonDataset:
    """DukeMTMC-reID: 16,522 training, 2,228 query and 17,661 gallery images of 8 cameras.

    Parameters
    ----------
    data_root : Path
        The folder with ``bounding_box_train``, or one that holds ``DukeMTMC-reID``.
    check : bool
        Compare the number of images and people with the published ones.

    Raises
    ------
    FileNotFoundError, ValueError
        When a part is missing, a file name has no identity and camera, or a count is off.
    """
    root = find_root(
        data_root, "bounding_box_train", ("DukeMTMC-reID", "dukemtmc-reid/DukeMTMC-reID")
    )
    expected = (TRAIN, QUERY, GALLERY) if check else None
    return read_market_layout("dukemtmc", root, expected)
