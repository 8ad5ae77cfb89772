"""Person re-identification data sets and the batches made of them.

Adding a data set is one file with a function ``read_NAME(data_root, *, check=True)`` and one line
in :data:`DATASETS`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from .cuhk01 import read_cuhk01, read_cuhk01_all
from .cuhk03 import read_cuhk03_detected, read_cuhk03_labeled
from .dukemtmc import read_dukemtmc
from .folder import read_folder
from .market1501 import read_market1501
from .merged import merge
from .msmt17 import read_msmt17
from .pack import read_pack, write_pack
from .rendered import read_rendered
from .splits import hold_out, keep_identities, split_queries
from .types import PersonDataset, Samples

__all__ = [
    "DATASETS",
    "PersonDataset",
    "Samples",
    "hold_out",
    "keep_identities",
    "merge",
    "read_dataset",
    "read_pack",
    "split_queries",
    "write_pack",
]

DATASETS: dict[str, Callable[..., PersonDataset]] = {
    "cuhk01": read_cuhk01,
    "cuhk01_all": read_cuhk01_all,
    "cuhk03_detected": read_cuhk03_detected,
    "cuhk03_labeled": read_cuhk03_labeled,
    "dukemtmc": read_dukemtmc,
    "folder": read_folder,
    "market1501": read_market1501,
    "msmt17": read_msmt17,
    "rendered_people": read_rendered,
}
"""Name -> ``reader(data_root, *, check=True)``."""


def read_dataset(
    names: str | Sequence[str], data_root: str | Path, *, check: bool = True
) -> PersonDataset:
    """Read one data set, or several merged into one.

    Parameters
    ----------
    names : str or sequence of str
        Keys of :data:`DATASETS`.
    data_root : str or Path
        Folder that is or holds the data sets, or a file written by ``mtmc reid pack``.
    check : bool
        Compare the number of images and people with the published ones.

    Raises
    ------
    FileNotFoundError, ValueError
        When a name is unknown or its data cannot be read.
    """
    wanted = [names] if isinstance(names, str) else list(names)
    root = Path(data_root)
    for name in wanted:
        if name not in DATASETS:
            raise ValueError(f"dataset {name!r} is unknown; known are {', '.join(DATASETS)}")
    if root.suffix == ".npz":
        packed = read_pack(root)
        if packed.name != "+".join(wanted):
            raise ValueError(f"{root}: holds {packed.name}, not {'+'.join(wanted)}")
        return packed
    return merge([DATASETS[name](root, check=check) for name in wanted])
