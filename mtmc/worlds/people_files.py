"""A re-identification data set of drawn people, as files: ``mtmc simulate people``."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np

from mtmc.reid.data.rendered import MARKER, TERMS

from ..errors import InputError
from .people_config import PeopleConfig
from .people_shots import site_shots
from .workers import check_workers, draw_all

PEOPLE_PER_SITE = 20
"""People who are seen by the same cameras; some of them wear the same uniform."""
PARTS = ("train", "test")


def write_people(
    out: Path, config: PeopleConfig, workers: int = 1, on_person: Callable[[], None] = lambda: None
) -> None:
    """Draw a data set that ``--dataset rendered_people`` reads.

    Files are ``train/00001/cam1_01.jpg`` and so on, with people of their own below ``test``.

    Parameters
    ----------
    out : Path
        A folder that does not exist yet, or is empty.
    config : PeopleConfig
    workers : int
        Processes, 1 or more; with 1, everything happens in this one.
    on_person : callable
        Called once per person.

    Raises
    ------
    InputError
        When the folder holds something.
    ValueError
        When there are fewer workers than 1.
    """
    check_workers(workers)
    if out.is_dir() and any(out.iterdir()):
        raise InputError(f"{out}: expected a new or an empty folder")
    tasks = []
    for part, people in zip(PARTS, (config.people, config.test_people), strict=True):
        (out / part).mkdir(parents=True, exist_ok=True)
        for first in range(0, people, PEOPLE_PER_SITE):
            tasks.append((out / part, config, first, min(PEOPLE_PER_SITE, people - first)))
    draw_all(_draw_site, tasks, workers, on_person)
    document = {"terms": TERMS, **asdict(config)}
    (out / MARKER).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def _draw_site(folder: Path, config: PeopleConfig, first: int, people: int) -> int:
    """Draw the people of one site; how many."""
    cv2.setNumThreads(1)
    part = PARTS.index(folder.name)
    rng = np.random.default_rng([config.seed, part, first])
    # a site is always drawn whole, so that its first people do not depend on how many are wanted
    shots = site_shots(rng, PEOPLE_PER_SITE, config.cameras, config.images)
    for number, seen in enumerate(shots[:people], first + 1):
        person = folder / f"{number:05d}"
        person.mkdir()
        for camera, images in enumerate(seen, 1):
            for image, content in enumerate(images, 1):
                (person / f"cam{camera}_{image:02d}.jpg").write_bytes(content)
    return people
