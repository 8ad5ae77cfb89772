"""Arguments that the sub-commands of ``mtmc calibrate`` share."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from mtmc.calibration.formats import FORMATS
from mtmc.errors import InputError


def add_reading(parser: argparse.ArgumentParser) -> None:
    """``--image-size`` and ``--unit-m``: what a calibration file may leave open."""
    parser.add_argument(
        "--image-size",
        metavar="WxH",
        help="pixels: for formats that do not say, or to scale the cameras to smaller images",
    )
    parser.add_argument(
        "--unit-m", type=float, metavar="M", help="length of the file's unit in metres"
    )


def format_table() -> str:
    """The formats, one per line, for ``--help``."""
    names = [name + ("" if entry.write else " *") for name, entry in FORMATS.items()]
    width = max(len(name) for name in names)
    lines = [
        f"  {name:<{width}}  {entry.description}"
        for name, entry in zip(names, FORMATS.values(), strict=True)
    ]
    return "\nformats (* is read only):\n" + "\n".join(lines) + "\n"


def parse_size(text: str | None, where: str) -> tuple[int, int] | None:
    """``1920x1080`` as (1920, 1080).

    Raises
    ------
    InputError
    """
    if text is None:
        return None
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise InputError(f"{where}: expected WIDTHxHEIGHT in pixels, got {text!r}")
    return int(parts[0]), int(parts[1])


def parse_numbers(text: str, count: int, where: str) -> list[float]:
    """Numbers with commas between them.

    Raises
    ------
    InputError
    """
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) != count:
        raise InputError(f"{where}: expected {count} numbers with commas, got {text!r}")
    return values


def parse_pairs(texts: Sequence[str], where: str, form: str) -> dict[str, str]:
    """``["a=b", ...]`` as a dict.

    Raises
    ------
    InputError
    """
    pairs: dict[str, str] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not (name and separator and value):
            raise InputError(f"{where}: expected {form}, got {text!r}")
        if name in pairs:
            raise InputError(f"{where}: {name!r} is there twice")
        pairs[name] = value
    return pairs
