"""What people wear: looks, drawn at random or after the flat figures of the street."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..figures import Appearance, random_appearance
from .bodies import Builds

Rgb = tuple[int, int, int]

TOPS = (
    "plain", "stripes", "checks", "print", "yoke", "vest", "jacket", "bars", "band", "block",
    "blotches",
)  # fmt: skip
LEGWEAR = ("trousers", "shorts", "skirt", "dress", "coat")
LEG_PATTERNS = ("plain", "side stripe", "worn", "blotches")
HAIR_STYLES = ("short", "long", "bob", "bald", "cap")
BAGS = ("none", "backpack", "shoulder")
CANDIDATES = 8
"""Looks that are drawn for each person, of which one is worn."""
WORLD_LOOKS = 17
"""Sets the random numbers of clothes apart from others of the same seed."""


@dataclass(frozen=True)
class Look:
    """How one person looks; colours are RGB 0-255.

    Attributes
    ----------
    girth : float
        Thickness relative to the average, about 0.85 to 1.25.
    waist : float
        0 is a straight figure, 1 a waisted one.
    skin, hair, top, second, trousers, shoes, bag : RGB
        ``second`` is the other colour of the top: stripes, print, what is under a jacket.
    pattern : str
        One of `TOPS`.
    long_sleeves : bool
    legwear : str
        One of `LEGWEAR`.
    hair_style : str
        One of `HAIR_STYLES`.
    carries : str
        One of `BAGS`.
    habit : float
        Number in [0, 1): rhythm and gestures, and the folds of the cloth.
    leg_pattern : str
        One of `LEG_PATTERNS`, on trousers, shorts and skirts.
    leg_second : RGB
        The other colour of that pattern.
    """

    girth: float
    waist: float
    skin: Rgb
    hair: Rgb
    top: Rgb
    second: Rgb
    trousers: Rgb
    shoes: Rgb
    bag: Rgb
    pattern: Literal[
        "plain", "stripes", "checks", "print", "yoke", "vest", "jacket", "bars", "band", "block",
        "blotches",
    ]  # fmt: skip
    long_sleeves: bool
    legwear: Literal["trousers", "shorts", "skirt", "dress", "coat"]
    hair_style: Literal["short", "long", "bob", "bald", "cap"]
    carries: Literal["none", "backpack", "shoulder"]
    habit: float
    leg_pattern: Literal["plain", "side stripe", "worn", "blotches"] = "plain"
    leg_second: Rgb = (40, 40, 44)

    def __post_init__(self) -> None:
        for name, choices in (
            ("pattern", TOPS), ("legwear", LEGWEAR), ("hair_style", HAIR_STYLES),
            ("carries", BAGS), ("leg_pattern", LEG_PATTERNS),
        ):  # fmt: skip
            if getattr(self, name) not in choices:
                raise ValueError(
                    f"{name}: expected one of {', '.join(choices)}, got {getattr(self, name)!r}"
                )
        if not 0.5 <= self.girth <= 2.0:
            raise ValueError(f"girth: expected 0.5 to 2, got {self.girth}")


def random_looks(rng: np.random.Generator, count: int) -> list[Look]:
    """A crowd in which everybody wears something else: of a few drawn looks the oddest is taken."""
    looks: list[Look] = []
    for index in range(count):
        drawn = [dress(random_appearance(rng, index), rng) for _ in range(CANDIDATES)]
        gaps = [min((_unlikeness(look, other) for other in looks), default=0.0) for look in drawn]
        looks.append(drawn[int(np.argmax(gaps))])
    return looks


def world_looks(seed: int, count: int) -> list[Look]:
    """What everybody wears in the drawn world of a seed."""
    return random_looks(np.random.default_rng([seed, WORLD_LOOKS]), count)


def _unlikeness(look: Look, other: Look) -> float:
    """How different two people are dressed: distances of colours, weighed by how much one sees."""
    a, b = (
        np.array([x.top, x.second if x.pattern != "plain" else x.top,
                  x.top if x.legwear == "dress" else x.trousers, x.hair, x.skin], float)
        for x in (look, other)
    )  # fmt: skip
    gap = np.linalg.norm(a - b, axis=1) @ [1.0, 0.5, 0.9, 0.3, 0.2]
    styles = ("pattern", "legwear", "hair_style", "carries", "long_sleeves")
    return float(gap + 25.0 * sum(getattr(look, s) != getattr(other, s) for s in styles))


def dress(appearance: Appearance, rng: np.random.Generator) -> Look:
    """A look in the colours of a flat figure, with everything that only a body in space has."""
    waisted = appearance.skirt or (appearance.long_hair and rng.random() < 0.7)
    pattern = appearance.pattern
    if pattern == "plain":
        pattern = str(rng.choice(["plain", "checks", "print", "yoke", "jacket"]))
    elif pattern == "vest":
        pattern = str(rng.choice(["vest", "jacket"]))
    legwear = "trousers"
    if appearance.skirt:
        legwear = str(rng.choice(["skirt", "dress"]))
    elif rng.random() < 0.15:
        legwear = "shorts"
    hair_style = str(rng.choice(["short", "short", "short", "bald", "cap"]))
    if waisted or appearance.long_hair:
        hair_style = str(rng.choice(["long", "long", "bob"]))
    carries = str(rng.choice(["backpack", "shoulder"])) if appearance.bag else "none"
    bag = [(52, 48, 50), (120, 74, 44), (150, 40, 44), (46, 72, 110), (110, 116, 70)]
    return Look(
        girth=appearance.build * (0.92 if waisted else 1.0),
        waist=float(rng.uniform(0.6, 1.0)) if waisted else float(rng.uniform(0.0, 0.25)),
        skin=appearance.skin,
        hair=appearance.hair,
        top=appearance.top,
        second=appearance.second,
        trousers=appearance.trousers,
        shoes=appearance.shoes,
        bag=bag[rng.integers(len(bag))],
        pattern=pattern,  # type: ignore[arg-type]
        long_sleeves=pattern in ("jacket", "checks") or bool(rng.random() < 0.5),
        legwear=legwear,  # type: ignore[arg-type]
        hair_style=hair_style,  # type: ignore[arg-type]
        carries=carries,  # type: ignore[arg-type]
        habit=float(rng.random()),
    )


def builds_of(looks: Sequence[Look]) -> Builds:
    """The shapes of several people."""
    jacket = np.array([look.pattern == "jacket" for look in looks])
    bare = np.array([look.legwear not in ("trousers", "coat") for look in looks])
    skirt_end = {"skirt": 0.95, "dress": 1.05, "coat": 0.9, "shorts": 0.5, "trousers": 0.5}
    return Builds(
        girth=np.array([look.girth for look in looks]),
        waist=np.array([look.waist for look in looks]),
        loose_top=np.where(jacket, 1.16, 1.06),
        loose_legs=np.where(bare, 0.92, 1.08),
        skirt_end=np.array([skirt_end[look.legwear] for look in looks]),
    )
