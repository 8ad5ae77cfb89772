"""Binary files that are whole or not there, and files cut into parts for transport."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import IO

PARTS_FORMAT = "mtmc-parts"
MIB = 1 << 20


def write_atomic(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file under a temporary name beside it, then rename it.

    Missing parent folders are made. A kill at any moment leaves the old file or the new one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("wb") as file:
        write(file)
    temporary.replace(path)


def write_parts(path: Path, content: bytes, part_mib: float) -> list[Path]:
    """Write bytes as several small files, for channels that limit the size of a file.

    The parts are ``NAME.part-00-of-05``, …; ``NAME.parts.json``, written last, lists them with
    their SHA-256. Parts of an earlier write are removed, after the new ones are there.

    Parameters
    ----------
    path : Path
        Name of the whole file, which itself is not written.
    content : bytes
    part_mib : float
        Largest part in MiB.

    Returns
    -------
    list of Path, the index last.

    Raises
    ------
    ValueError
        When the size of a part is not above 0.
    """
    size = int(part_mib * MIB)
    if size < 1:
        raise ValueError(f"parts_mib: expected a size above 0, got {part_mib}")
    count = max(1, math.ceil(len(content) / size))
    digest = hashlib.sha256(content).hexdigest()
    parts = []
    for number in range(count):
        # The digest in the name keeps the parts of two writes apart, so that a kill between them
        # leaves either set complete.
        part = path.with_name(f"{path.name}.{digest[:8]}.part-{number:02d}-of-{count:02d}")
        chunk = content[number * size : (number + 1) * size]
        write_atomic(part, lambda file, chunk=chunk: file.write(chunk))  # type: ignore[misc]
        parts.append(part)
    index = {"format": PARTS_FORMAT, "sha256": digest, "parts": [part.name for part in parts]}
    write_atomic(_index_path(path), lambda file: file.write(json.dumps(index, indent=2).encode()))
    for old in path.parent.glob(f"{path.name}.*.part-*-of-*"):
        if old not in parts:
            old.unlink()
    return [*parts, _index_path(path)]


def has_parts(path: Path) -> bool:
    """Whether ``path`` was written by :func:`write_parts`."""
    return _index_path(path).is_file()


def read_parts(path: Path) -> bytes:
    """Put together what :func:`write_parts` wrote.

    Raises
    ------
    FileNotFoundError, ValueError
        When the index or a part is missing or damaged; the message names it.
    """
    index_path = _index_path(path)
    if not index_path.is_file():
        raise FileNotFoundError(f"{index_path}: no such index of parts")
    try:
        index = json.loads(index_path.read_text(encoding="utf-8"))
        names, digest = [str(name) for name in index["parts"]], index["sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{index_path}: not an index of parts") from error
    chunks = []
    for name in names:
        part = path.parent / name
        if not part.is_file():
            raise FileNotFoundError(f"{part}: missing; {index_path.name} lists {len(names)} parts")
        chunks.append(part.read_bytes())
    content = b"".join(chunks)
    if hashlib.sha256(content).hexdigest() != digest:
        raise ValueError(f"{path}: its parts are damaged: the SHA-256 is not that of the index")
    return content


def _index_path(path: Path) -> Path:
    return path.with_name(path.name + ".parts.json")
