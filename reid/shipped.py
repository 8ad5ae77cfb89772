"""Weights by name: those installed with the package, and those in a folder of one's own."""

from __future__ import annotations

import os
from collections.abc import Mapping
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


def model_places(
    name: str | Path, data_root: str | Path | None, shipped: Mapping[str, Path] | None = None
) -> list[Path]:
    """Where a model file may lie, first places first.

    As given; and for a bare file name, among ``shipped`` files by their names, and in ``models``
    below the data root.
    """
    path = Path(name)
    places = [path]
    if path.name == str(name):
        if shipped and path.name in shipped:
            places.append(shipped[path.name])
        if data_root:
            places.append(Path(data_root) / "models" / path)
    return places


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
    shipped = shipped_weights()
    for place in model_places(name, data_root or os.environ.get(DATA_ROOT_VARIABLE), shipped):
        if place.is_file():
            return place
    raise FileNotFoundError(
        f"{Path(name)}: no such model file, and none of that name in DATA_ROOT/models; "
        f"shipped are {', '.join(shipped)}"
    )
