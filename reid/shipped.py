"""Weights by name: those installed with the package, and those in a folder of one's own."""

from __future__ import annotations

import os
from pathlib import Path

DATA_ROOT_VARIABLE = "MTMC_DATA"
FOLDER = Path(__file__).with_name("weights")
SUFFIX = ".pt"


def shipped_weights() -> dict[str, Path]:
    """File name -> path of the checkpoints inside the package, in the order of their names."""
    return {path.name: path for path in sorted(FOLDER.glob(f"*{SUFFIX}"))}


def is_shipped(path: Path) -> bool:
    """Whether a file is one of the package's own, which nothing may change."""
    return path.resolve().parent == FOLDER.resolve()


def find_weights(name: str | Path, data_root: Path | None = None) -> Path:
    """Path of a weights file: as given, or by its name.

    Parameters
    ----------
    name : str or Path
        A path that exists wins; a bare file name is then looked up among `shipped_weights`, and
        last in ``models`` below the data root.
    data_root : Path or None
        None is the environment variable ``MTMC_DATA``.

    Raises
    ------
    FileNotFoundError
        When it is in none of the places; the message lists what is shipped.
    """
    path = Path(name)
    if path.is_file():
        return path
    shipped = shipped_weights()
    if path.name == str(name):
        if path.name in shipped:
            return shipped[path.name]
        root = data_root or os.environ.get(DATA_ROOT_VARIABLE)
        if root and (Path(root) / "models" / path).is_file():
            return Path(root) / "models" / path
    raise FileNotFoundError(
        f"{path}: no such model file, and none of that name in DATA_ROOT/models; "
        f"shipped are {', '.join(shipped)}"
    )
