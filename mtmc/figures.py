"""Drawn people: articulated, clothed and individually coloured, so that demos need nobody's image.

A figure is a handful of filled polygons in coordinates relative to the person: x to the right and
y upwards, both in units of body height, with the feet at (0, 0). One projection places it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .types import FloatArray, Image

SUBPIXEL_BITS = 4  # cv2 takes fixed-point coordinates: 1/16 pixel

_SKIN = ((238, 205, 180), (214, 170, 136), (172, 123, 88), (121, 82, 58), (84, 56, 42))
_HAIR = ((40, 30, 26), (86, 56, 36), (158, 116, 66), (188, 182, 176), (24, 22, 24))
_CLOTH = (
    (196, 52, 48), (36, 84, 160), (240, 196, 64), (56, 132, 84), (232, 232, 228), (44, 44, 52),
    (132, 72, 148), (228, 128, 56), (104, 176, 204), (148, 148, 152), (112, 40, 52),
    (212, 148, 172),
)  # fmt: skip
_TROUSERS = (
    (38, 44, 72), (60, 60, 66), (120, 104, 84), (28, 28, 30), (72, 100, 148), (176, 168, 150),
)  # fmt: skip


@dataclass(frozen=True)
class Appearance:
    """What a person looks like; colours are RGB 0-255.

    Attributes
    ----------
    height_m, build : float
        Body height in metres, and width relative to the average.
    skin, hair, top, trousers, shoes : RGB
    pattern : str
        ``"plain"``, ``"stripes"`` or ``"vest"``: what is on the top.
    second : RGB
        Colour of the pattern.
    skirt, long_hair, bag : bool
    """

    height_m: float
    build: float
    skin: tuple[int, int, int]
    hair: tuple[int, int, int]
    top: tuple[int, int, int]
    trousers: tuple[int, int, int]
    shoes: tuple[int, int, int]
    pattern: str
    second: tuple[int, int, int]
    skirt: bool
    long_hair: bool
    bag: bool


def random_appearance(rng: np.random.Generator, index: int) -> Appearance:
    """Draw the ``index``-th person of a crowd; neighbours get different tops."""
    jitter = rng.integers(-14, 15, 3)
    top = np.clip(np.array(_CLOTH[index % len(_CLOTH)]) + jitter, 0, 255)
    return Appearance(
        height_m=float(np.clip(rng.normal(1.72, 0.09), 1.50, 1.95)),
        build=float(rng.uniform(0.88, 1.18)),
        skin=_SKIN[rng.integers(len(_SKIN))],
        hair=_HAIR[rng.integers(len(_HAIR))],
        top=(int(top[0]), int(top[1]), int(top[2])),
        trousers=_TROUSERS[rng.integers(len(_TROUSERS))],
        shoes=_TROUSERS[rng.integers(len(_TROUSERS))],
        pattern=("plain", "stripes", "vest", "plain")[rng.integers(4)],
        second=_CLOTH[rng.integers(len(_CLOTH))],
        skirt=bool(rng.random() < 0.22),
        long_hair=bool(rng.random() < 0.4),
        bag=bool(rng.random() < 0.35),
    )


Part = tuple[FloatArray, tuple[int, int, int]]


def figure_parts(person: Appearance, stride: float, facing: float) -> list[Part]:
    """Polygons of a walking person, back to front.

    Parameters
    ----------
    person : Appearance
    stride : float
        Phase of the walk in radians; legs swing with its sine.
    facing : float
        -1 walks left, +1 walks right, 0 towards or away from the camera: how far limbs swing
        sideways, and how narrow the body looks.

    Returns
    -------
    list of ((P, 2) float64 points, RGB)
    """
    side = abs(facing)
    width = person.build * (0.115 - 0.025 * side)
    swing = np.sin(stride) * (0.030 + 0.075 * side)
    lift = np.maximum(0.0, np.cos(stride)) * 0.02
    parts: list[Part] = []
    hip, shoulder, neck = 0.49, 0.815, 0.865
    for sign, raised in ((-1.0, 0.02 - lift), (1.0, lift)):  # legs
        foot_x = sign * (0.035 + swing) if side > 0.3 else sign * 0.045 * person.build
        foot = np.array([foot_x, raised])
        top_of_leg = np.array([sign * 0.035 * person.build, hip])
        dark = 0.86 if sign < 0 else 1.0
        parts.append(
            (_limb(top_of_leg, foot + [0, 0.03], 0.052, 0.032), _shade(person.trousers, dark))
        )
        shoe = np.array([[-0.028, 0.0], [0.040, 0.0], [0.040, 0.026], [-0.028, 0.036]])
        shoe[:, 0] *= 1.0 if facing >= 0 else -1.0
        parts.append((shoe + foot, person.shoes))
    if person.skirt:
        hem = width * 1.15
        parts.append(
            (
                np.array([[-width * 0.8, 0.56], [width * 0.8, 0.56], [hem, 0.29], [-hem, 0.29]]),
                person.trousers,
            )
        )
    parts.append((_arm(-1.0, width, shoulder, -swing), _shade(person.top, 0.78)))
    torso = np.array(
        [[-width * 0.80, hip - 0.02], [width * 0.80, hip - 0.02], [width, 0.62],
         [width * 1.06, shoulder - 0.03], [width * 0.6, shoulder + 0.02],
         [-width * 0.6, shoulder + 0.02], [-width * 1.06, shoulder - 0.03], [-width, 0.62]]
    )  # fmt: skip
    parts.append((torso, person.top))
    parts.extend(_pattern(person, width, hip, shoulder))
    if person.bag:
        strap = -np.sign(facing) if side > 0.3 else 1.0
        bag = np.array([[0.0, 0.50], [0.075, 0.50], [0.085, 0.68], [0.0, 0.70]])
        parts.append((bag * [strap, 1.0] + [strap * width * 0.55, 0.0], _shade(person.second, 0.8)))
    parts.append((_arm(1.0, width, shoulder, swing), _shade(person.top, 0.92)))
    parts.append((_ellipse(0.0, neck, 0.022, 0.04), _shade(person.skin, 0.88)))
    if person.long_hair:
        parts.append((_ellipse(-0.012 * facing, 0.905, 0.058, 0.085), person.hair))
    parts.append((_ellipse(0.0, 0.932, 0.044, 0.062), person.skin))
    parts.append((_cap(-0.010 * facing, 0.945, 0.050, 0.058), person.hair))
    return parts


def paint_figure(
    image: Image, owner: Image, label: int, parts: list[Part], foot: FloatArray, pixels: float
) -> tuple[FloatArray, int]:
    """Draw a figure into an image, and its label into the map of who owns each pixel.

    Parameters
    ----------
    image : (H, W, 3) uint8
        BGR, changed in place.
    owner : (H, W) uint8
        Changed in place to ``label`` where the figure lies.
    label : int
        1 to 255.
    parts : list of parts
    foot : (2,) float64
        Where the feet stand, in pixels.
    pixels : float
        Body height in pixels.

    Returns
    -------
    xyxy : (4,) float64
        Bounds of the whole figure, which may reach beyond the image.
    area : int
        Pixels of the figure inside the image, before anybody stands in front.
    """
    scale = 1 << SUBPIXEL_BITS
    own = np.zeros(owner.shape, np.uint8)
    everything = []
    for points, rgb in parts:
        placed = foot + points * [pixels, -pixels]
        everything.append(placed)
        fixed = np.round(placed * scale).astype(np.int32).reshape(-1, 1, 2)
        bgr = (rgb[2], rgb[1], rgb[0])
        cv2.fillPoly(image, [fixed], bgr, cv2.LINE_AA, SUBPIXEL_BITS)
        cv2.fillPoly(own, [fixed], (255,), cv2.LINE_8, SUBPIXEL_BITS)
    owner[own > 0] = label
    outline = np.concatenate(everything)
    return np.concatenate([outline.min(axis=0), outline.max(axis=0)]), int(np.count_nonzero(own))


def _limb(start: FloatArray, end: FloatArray, thick: float, thin: float) -> FloatArray:
    return np.array(
        [[start[0] - thick, start[1]], [start[0] + thick, start[1]],
         [end[0] + thin, end[1]], [end[0] - thin, end[1]]]
    )  # fmt: skip


def _arm(side: float, width: float, shoulder: float, swing: float) -> FloatArray:
    start = np.array([side * width * 0.95, shoulder - 0.01])
    return _limb(start, np.array([side * width * 1.12 + swing, 0.46]), 0.026, 0.018)


def _pattern(person: Appearance, width: float, hip: float, shoulder: float) -> list[Part]:
    if person.pattern == "stripes":
        levels = np.linspace(hip + 0.05, shoulder - 0.05, 4)
        band = np.array([[-0.9, 0.0], [0.9, 0.0], [0.9, 0.028], [-0.9, 0.028]]) * [width, 1.0]
        return [(band + [0.0, level], person.second) for level in levels]
    if person.pattern == "vest":
        half = np.array(
            [[-0.35, hip], [0.35, hip], [0.35, shoulder + 0.01], [-0.35, shoulder + 0.01]]
        )
        return [(half * [width, 1.0], person.second)]
    return []


def _ellipse(x: float, y: float, rx: float, ry: float) -> FloatArray:
    angle = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    return np.stack([x + rx * np.cos(angle), y + ry * np.sin(angle)], axis=1)


def _cap(x: float, y: float, rx: float, ry: float) -> FloatArray:
    angle = np.linspace(0, np.pi, 12)
    return np.stack([x + rx * np.cos(angle), y + ry * np.sin(angle)], axis=1)


def _shade(rgb: tuple[int, int, int], factor: float) -> tuple[int, int, int]:
    return (round(rgb[0] * factor), round(rgb[1] * factor), round(rgb[2] * factor))
