"""What a data set of drawn people holds."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import InputError


@dataclass(frozen=True)
class PeopleConfig:
    """What is drawn.

    Attributes
    ----------
    people : int
        In the training part.
    test_people : int
        Others, in the test part.
    cameras : int
        That each of them is seen by, from 2.
    images : int
        Of each person in each camera.
    seed : int
        The same seed draws the same files. More people with the same seed are the same people and
        others.
    """

    people: int = 1000
    test_people: int = 200
    cameras: int = 6
    images: int = 4
    seed: int = 1

    def __post_init__(self) -> None:
        for name, least in (("people", 1), ("test_people", 0), ("cameras", 2), ("images", 1),
                            ("seed", 0)):  # fmt: skip
            if getattr(self, name) < least:
                raise InputError(
                    f"{name}: expected a number from {least}, got {getattr(self, name)}"
                )
