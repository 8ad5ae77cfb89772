"""Clothes for thousands: looks drawn from the colours of the street, some of them uniforms.

:func:`mtmc.worlds.clothes.random_looks` dresses a room so that everybody differs. Here people are
dressed as people are: half of them in black, grey, white and blue, and some like a colleague.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from .clothes import BAGS, HAIR_STYLES, LEG_PATTERNS, TOPS, Look, Rgb

UNIFORM_SHARE = 0.15
"""Chance that somebody wears the top and trousers of another one."""
NEUTRAL_TOPS, NEUTRAL_LEGS = 0.5, 0.8
"""Chance that cloth has no bright colour."""
HABITS = 1_000_000

_SKIN = (
    (240, 208, 184),
    (222, 182, 150),
    (196, 150, 114),
    (160, 112, 80),
    (112, 76, 54),
    (78, 54, 42),
)
_HAIR = ((26, 22, 22), (48, 34, 28), (88, 58, 38), (146, 104, 62), (196, 166, 116), (176, 172, 168),
         (122, 50, 30))  # fmt: skip
_DARK = ((22, 22, 24), (36, 36, 42), (58, 58, 62), (32, 38, 62), (54, 44, 40))
_NEUTRAL = ((22, 22, 24), (40, 40, 44), (84, 84, 88), (136, 136, 138), (190, 190, 188),
            (234, 234, 230), (34, 40, 68), (212, 200, 176))  # fmt: skip
_LEGS = ((24, 24, 28), (44, 44, 50), (36, 46, 78), (64, 84, 128), (96, 118, 152), (132, 112, 84),
         (186, 170, 140), (96, 96, 98), (66, 70, 52), (214, 210, 204))  # fmt: skip
_CHANCES: dict[str, tuple[Sequence[str], Sequence[float]]] = {
    "pattern": (TOPS, (0.34, 0.09, 0.08, 0.14, 0.03, 0.05, 0.12, 0.03, 0.03, 0.04, 0.05)),
    "hair_style": (HAIR_STYLES, (0.45, 0.25, 0.12, 0.08, 0.10)),
    "carries": (BAGS, (0.60, 0.22, 0.18)),
    "leg_pattern": (LEG_PATTERNS, (0.66, 0.10, 0.16, 0.08)),
}
_LEGWEAR = {False: (0.76, 0.19, 0.0, 0.0, 0.05), True: (0.48, 0.17, 0.14, 0.12, 0.09)}
"""Of `clothes.LEGWEAR`: of straight figures, and of waisted ones."""


def varied_looks(rng: np.random.Generator, count: int) -> list[Look]:
    """Draw ``count`` people as one meets them in one place."""
    looks: list[Look] = []
    for _ in range(count):
        look = _dress(rng)
        if looks and rng.random() < UNIFORM_SHARE:
            look = _alike(look, looks[int(rng.integers(len(looks)))], rng)
        looks.append(look)
    return looks


def _alike(look: Look, other: Look, rng: np.random.Generator) -> Look:
    """Somebody in another one's clothes: hair, skin, build, shoes and bag stay their own."""
    shared: dict[str, Any] = {"top": other.top, "second": other.second, "pattern": other.pattern}
    if rng.random() < 0.6:
        shared |= {"trousers": other.trousers, "leg_pattern": other.leg_pattern,
                   "leg_second": other.leg_second, "legwear": other.legwear}  # fmt: skip
    return replace(look, **shared)


def _dress(rng: np.random.Generator) -> Look:
    waisted = bool(rng.random() < 0.45)
    style = {name: str(rng.choice(values, p=p)) for name, (values, p) in _CHANCES.items()}
    if waisted and style["hair_style"] == "bald":
        style["hair_style"] = "long"
    legwear = str(rng.choice(("trousers", "shorts", "skirt", "dress", "coat"), p=_LEGWEAR[waisted]))
    top = _cloth(rng, NEUTRAL_TOPS, _DARK if legwear == "coat" else _NEUTRAL)
    return Look(
        girth=float(np.clip(rng.normal(0.95 if waisted else 1.03, 0.11), 0.78, 1.4)),
        waist=float(rng.uniform(0.5, 1.0) if waisted else rng.uniform(0.0, 0.3)),
        skin=_near(rng, _SKIN, 10),
        hair=_near(rng, _HAIR, 10),
        top=top,
        second=_cloth(rng, NEUTRAL_TOPS, _NEUTRAL),
        trousers=_cloth(rng, NEUTRAL_LEGS, _LEGS),
        shoes=_cloth(rng, 0.8, _NEUTRAL),
        bag=_cloth(rng, 0.6, _DARK),
        legwear=legwear,  # type: ignore[arg-type]
        long_sleeves=legwear == "coat" or style["pattern"] in ("jacket", "checks")
        or bool(rng.random() < 0.45),
        habit=float(rng.integers(HABITS)) / HABITS,
        leg_second=_cloth(rng, NEUTRAL_LEGS, _LEGS),
        **style,  # type: ignore[arg-type]
    )  # fmt: skip


def _near(rng: np.random.Generator, colours: Sequence[Rgb], spread: int) -> Rgb:
    colour = np.array(colours[int(rng.integers(len(colours)))])
    red, green, blue = np.clip(colour + rng.integers(-spread, spread + 1, 3), 8, 246).tolist()
    return red, green, blue


def _cloth(rng: np.random.Generator, neutral: float, colours: Sequence[Rgb]) -> Rgb:
    """A colour of a palette, or any hue."""
    if rng.random() < neutral:
        return _near(rng, colours, 12)
    hue, saturation, value = rng.integers(180), rng.uniform(70, 245), rng.uniform(60, 245)
    pixel = np.array([[[hue, saturation, value]]], np.uint8)
    red, green, blue = cv2.cvtColor(pixel, cv2.COLOR_HSV2RGB)[0, 0].tolist()
    return red, green, blue
