"""Multi-camera sequences: calibrated cameras on one ground plane, found by name or by folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import cmc, pets09, shelf, terrace, toml_folder, wildtrack
from .area import Area
from .site import UNKNOWN_ID, GroundTruth, Site, SiteCamera
from .sources import Moment, moment_step, moments
from .travel import TravelTime

__all__ = [
    "LAYOUTS",
    "UNKNOWN_ID",
    "Area",
    "GroundTruth",
    "Layout",
    "Moment",
    "Site",
    "SiteCamera",
    "TravelTime",
    "find_site",
    "moment_step",
    "moments",
    "site_names",
]


@dataclass(frozen=True)
class Layout:
    """How a data set lies below a data root.

    Attributes
    ----------
    names : callable
        Data root -> names of the sequences that exist.
    read : callable
        Name and data root -> the site.
    """

    names: Callable[[Path], list[str]]
    read: Callable[[str, Path], Site]


LAYOUTS: dict[str, Layout] = {
    "terrace": Layout(terrace.names, terrace.read),
    "cmc": Layout(cmc.names, cmc.read),
    "wildtrack": Layout(wildtrack.names, wildtrack.read),
    "pets09": Layout(pets09.names, pets09.read),
    "shelf": Layout(shelf.names, shelf.read),
}


def site_names(data_root: Path) -> list[str]:
    """Names of all multi-camera sequences below a data root, without reading any.

    Folders with a ``sequence.toml`` directly below it count as well.
    """
    found = [name for layout in LAYOUTS.values() for name in layout.names(data_root)]
    own = sorted(path.parent.name for path in data_root.glob(f"*/{toml_folder.FILE}"))
    return found + [name for name in own if name not in found]


def find_site(name_or_path: str | os.PathLike[str], data_root: Path | None = None) -> Site | None:
    """Read a multi-camera sequence: a folder with a ``sequence.toml``, or a name.

    Returns
    -------
    Site or None
        None where there is no such multi-camera sequence; it may be something else.

    Raises
    ------
    InputError, CalibrationError, OSError
        When there is, but it cannot be understood.
    """
    path = Path(name_or_path)
    if (path / toml_folder.FILE).is_file():
        return toml_folder.read(path)
    name = os.fspath(name_or_path)
    if data_root is None or path.name != name:
        return None
    for layout in LAYOUTS.values():
        if name in layout.names(data_root):
            return layout.read(name, data_root)
    if (data_root / name / toml_folder.FILE).is_file():
        return toml_folder.read(data_root / name)
    return None
