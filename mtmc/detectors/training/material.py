"""What scenes are composed of, drawn once and kept in a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mtmc.atomic import atomic_path
from mtmc.errors import InputError
from mtmc.types import Image

from .sprites import Sprite


@dataclass(frozen=True, eq=False)
class Material:
    """People in order of elevation, and places of one size."""

    sprites: Sequence[Sprite]
    backdrops: Sequence[Image]


def joined(parts: Sequence[Material]) -> Material:
    """All people and places of several materials."""
    sprites = [sprite for part in parts for sprite in part.sprites]
    backdrops = [backdrop for part in parts for backdrop in part.backdrops]
    return Material(sorted(sprites, key=lambda sprite: sprite.elevation), backdrops)


def write_material(material: Material, path: Path) -> None:
    """Write an ``.npz``: all cut-outs one after the other, with their sizes."""
    sprites = material.sprites
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.savez(
            stream,
            pixels=np.concatenate([one.bgra.reshape(-1, 4) for one in sprites]),
            sizes=np.array([one.bgra.shape[:2] for one in sprites]),
            elevations=np.array([one.elevation for one in sprites]),
            backdrops=np.stack(material.backdrops),
        )


def read_material(path: Path) -> Material:
    """Inverse of `write_material`.

    Raises
    ------
    InputError
        When the file holds something else.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            pixels, sizes = arrays["pixels"], arrays["sizes"]
            elevations, backdrops = arrays["elevations"].tolist(), list(arrays["backdrops"])
    except (KeyError, ValueError) as error:
        raise InputError(f"{path}: expected people and places to train on: {error}") from error
    ends = np.cumsum(sizes.prod(axis=1))[:-1]
    parts = np.split(pixels, ends)
    sprites = [
        Sprite(part.reshape(*size, 4), elevation)
        for part, size, elevation in zip(parts, sizes.tolist(), elevations, strict=True)
    ]
    return Material(sprites, backdrops)
