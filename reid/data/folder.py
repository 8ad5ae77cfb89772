"""One's own folder of people: ``people/<identity>/<camera>_<anything>.jpg``."""

from __future__ import annotations

from pathlib import Path

from .market1501 import image_files
from .splits import split_queries
from .types import PersonDataset, Samples

MIN_IMAGES = 2
"""A person with a single image has no positive pair: nothing to learn from, nothing to find."""


def read_folder(data_root: Path, *, check: bool = True) -> PersonDataset:
    """A plain folder: one sub-folder per person, the camera's name before the first underscore.

    ``people/alice/door_0001.jpg`` and ``people/alice/hall_0007.jpg`` show Alice in cameras *door*
    and *hall*. All images may be learnt from; for an evaluation the first image of every person in
    every camera is a query, and all others are the gallery. To keep training and test apart, use
    two folders.

    Parameters
    ----------
    data_root : Path
        The folder with one sub-folder per person.
    check : bool
        Refuse people with fewer than two images.

    Raises
    ------
    FileNotFoundError, ValueError
        When there are no people, a file name has no camera, or a person has too few images.
    """
    if not data_root.is_dir():
        raise FileNotFoundError(f"{data_root}: no such folder of people")
    people = sorted(p for p in data_root.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not people:
        raise ValueError(
            f"{data_root}: expected one sub-folder per person, e.g. alice/door_0001.jpg; found none"
        )
    paths, identities, camera_names = [], [], []
    for identity, person in enumerate(people, start=1):
        images = list(image_files(person))
        if check and len(images) < MIN_IMAGES:
            raise ValueError(f"{person}: expected at least {MIN_IMAGES} images, got {len(images)}")
        for path in images:
            camera, underscore, _ = path.stem.partition("_")
            if not underscore or not camera:
                raise ValueError(f"{path}: expected CAMERA_anything{path.suffix}, e.g. door_1.jpg")
            paths.append(path)
            identities.append(identity)
            camera_names.append(camera)
    numbers = {name: number for number, name in enumerate(sorted(set(camera_names)), start=1)}
    samples = Samples.from_files(
        data_root, paths, identities, [numbers[name] for name in camera_names]
    )
    query, gallery = split_queries(samples)
    return PersonDataset("folder", "as agreed with the people shown", samples, query, gallery)
