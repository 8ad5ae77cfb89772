"""People drawn by ``mtmc simulate people``: nobody's image, so nobody's terms."""

from __future__ import annotations

from pathlib import Path

from .folder import read_folder
from .types import PersonDataset, find_root

MARKER = "rendered_people.json"
"""File of the data set that says what it was drawn with."""
TERMS = "rendered, no real person is shown; Apache-2.0"


def read_rendered(data_root: Path, *, check: bool = True) -> PersonDataset:
    """Rendered people: ``train/00001/cam1_01.jpg`` and so on, and others below ``test``.

    Of the test people, the first image in every camera is a query.

    Parameters
    ----------
    data_root : Path
        The folder that ``mtmc simulate people`` wrote, or one with ``rendered_people`` in it.
    check : bool
        Refuse people with fewer than two images.

    Raises
    ------
    FileNotFoundError, ValueError
        When it is not there, or incomplete.
    """
    root = find_root(data_root, MARKER, ("rendered_people",))
    train = read_folder(root / "train", check=check)
    test = read_folder(root / "test", check=check)
    return PersonDataset("rendered_people", TERMS, train.train, test.query, test.gallery)
