"""Sequences on disk, found by name below a data root or given as a folder.

Adding a benchmark is one file with a :class:`Layout` and one line in ``DATASETS``.
"""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Protocol

from ..errors import InputError
from .check import Finding, check_sequence
from .motchallenge import BENCHMARKS, MotChallengeLayout, read_sequence
from .sequence import UNKNOWN_BENCHMARK, Sequence, image_files

__all__ = [
    "DATASETS",
    "DATA_ROOT_VARIABLE",
    "UNKNOWN_BENCHMARK",
    "Finding",
    "Layout",
    "Sequence",
    "check_sequence",
    "find_sequence",
    "image_files",
    "list_sequences",
    "read_sequence",
    "resolve_data_root",
    "sequence_names",
]

DATA_ROOT_VARIABLE = "MTMC_DATA"
SHOWN_NAMES = 30  # names an error message lists


class Layout(Protocol):
    """How one benchmark lies below a data root."""

    def names(self, data_root: Path) -> list[str]:
        """Names of the sequences that exist."""
        ...

    def find(self, name: str, data_root: Path) -> Sequence | None:
        """Read a sequence by name; None where this benchmark has none of that name."""
        ...


DATASETS: dict[str, Layout] = {name: MotChallengeLayout(name) for name in BENCHMARKS}


def resolve_data_root(argument: str | os.PathLike[str] | None) -> Path:
    """Folder of the benchmarks: the argument, else the environment variable ``MTMC_DATA``.

    Raises
    ------
    InputError
        When neither is given, or the folder does not exist.
    """
    text = argument or os.environ.get(DATA_ROOT_VARIABLE)
    if not text:
        raise InputError(
            "data root: expected --data-root DIR or the environment variable "
            f"{DATA_ROOT_VARIABLE}, got neither"
        )
    root = Path(text)
    if not root.is_dir():
        origin = "--data-root" if argument else DATA_ROOT_VARIABLE
        raise InputError(f"{origin}: expected a folder, got {root}")
    return root


def sequence_names(data_root: Path) -> list[str]:
    """Names of all sequences below a data root, by benchmark, without reading any."""
    return [name for layout in DATASETS.values() for name in layout.names(data_root)]


def list_sequences(data_root: Path) -> list[Sequence]:
    """Read all sequences below a data root, by benchmark.

    Raises
    ------
    InputError
        When one of them cannot be understood.
    """
    return [find_sequence(name, data_root) for name in sequence_names(data_root)]


def find_sequence(name_or_path: str | os.PathLike[str], data_root: Path | None = None) -> Sequence:
    """Find a sequence by its name below ``data_root``, or by the path of its folder.

    Raises
    ------
    InputError
        For an unknown name (lists which exist, the closest first), for a name that several
        benchmarks have, and for a sequence that cannot be understood.
    """
    name = os.fspath(name_or_path)
    if (Path(name) / "seqinfo.ini").is_file() or Path(name).name != name:
        return read_sequence(Path(name))
    if data_root is None:
        raise InputError(f"sequence {name!r}: expected the path of its folder, or a data root")
    found = [layout.find(name, data_root) for layout in DATASETS.values()]
    sequences = [sequence for sequence in found if sequence is not None]
    if len(sequences) == 1:
        return sequences[0]
    if sequences:
        places = ", ".join(str(sequence.root) for sequence in sequences)
        raise InputError(f"sequence {name!r}: expected one, got {places}; give the folder itself")
    raise InputError(_unknown(name, data_root))


def _unknown(name: str, data_root: Path) -> str:
    names = sequence_names(data_root)
    if not names:
        layouts = ", ".join(f"{benchmark}/train" for benchmark in DATASETS)
        return f"sequence {name!r}: expected it in {layouts} below {data_root}, got no sequences"
    close = [other for other in names if other.startswith(name)]
    close += difflib.get_close_matches(name, set(names) - set(close), n=SHOWN_NAMES, cutoff=0.3)
    ordered = close + [other for other in names if other not in close]
    more = f" and {len(ordered) - SHOWN_NAMES} more" if len(ordered) > SHOWN_NAMES else ""
    shown = ", ".join(ordered[:SHOWN_NAMES])
    return f"sequence {name!r}: expected one below {data_root}: {shown}{more}"
