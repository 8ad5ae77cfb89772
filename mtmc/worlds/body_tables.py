"""The measures of a body: tables of rings, from the top (or the root of a limb) to the end.

Lengths are shares of body height.
"""

from __future__ import annotations

import numpy as np

from ..types import FloatArray


def _finer(table: FloatArray, rings: int) -> FloatArray:
    """A table with more rings between its second and its last but one: patterns need them."""
    level = np.linspace(table[1, 0], table[-2, 0], rings)
    way = np.sign(table[-1, 0] - table[0, 0])
    columns = [np.interp(way * level, way * table[:, 0], column) for column in table[:, 1:].T]
    middle = np.stack([level, *columns], axis=1)
    return np.concatenate([table[:1], table[1:2], middle[1:-1], table[-2:]])


# torso: height above the floor, half width, half depth, how far forward
TORSO = _finer(np.array([
    [.852, .000, .000, .000], [.850, .030, .032, .000], [.841, .048, .038, .000],
    [.831, .076, .046, .000], [.820, .099, .053, .000], [.800, .113, .061, .003],
    [.765, .109, .067, .006], [.730, .104, .069, .008], [.690, .097, .066, .007],
    [.650, .091, .062, .004], [.610, .090, .061, .001], [.570, .094, .066, -.004],
    [.535, .098, .071, -.008], [.505, .096, .070, -.008], [.478, .084, .060, -.004],
    [.464, .050, .040, .000], [.462, .000, .000, .000],
]), rings=32)  # fmt: skip
# head: height above the chin, half width, half depth, how far forward
HEAD = np.array([
    [.1300, .000, .000, .000], [.1285, .015, .019, .000], [.1230, .026, .033, .000],
    [.1130, .035, .044, .000], [.0980, .041, .052, .000], [.0800, .0430, .0545, .001],
    [.0620, .0425, .0535, .003], [.0450, .0405, .0490, .006], [.0280, .0370, .0420, .010],
    [.0120, .0310, .0340, .015], [.0000, .0210, .0240, .019], [-.0060, .000, .000, .018],
])  # fmt: skip
# hair: as the head, and on down the back of the neck
HAIR = np.array([
    [.1370, .000, .000, -.003], [.1340, .019, .023, -.003], [.1270, .032, .040, -.003],
    [.1150, .041, .051, -.003], [.0980, .047, .058, -.003], [.0800, .0490, .0605, -.002],
    [.0620, .0490, .0600, -.001], [.0450, .0490, .0570, .000], [.0250, .0500, .0530, .000],
    [.0000, .0520, .0500, -.002], [-.0300, .0550, .0480, -.006], [-.0600, .0540, .0440, -.012],
])  # fmt: skip
# neck: height above the floor, half width, half depth, how far forward
NECK = np.array([
    [.895, .000, .000, .012], [.890, .028, .030, .012], [.870, .0285, .031, .009],
    [.850, .031, .034, .004], [.835, .040, .040, .000],
])  # fmt: skip
# limbs: where between the joints (0 is the first), half width, half depth
LEG = np.array([
    [-.06, .000, .000], [-.05, .030, .040], [.03, .044, .052], [.15, .0485, .057],
    [.3, .047, .054], [.5, .042, .048], [.7, .038, .042], [.88, .035, .038], [1.0, .0345, .038],
    [1.12, .033, .036], [1.3, .032, .037], [1.5, .030, .035], [1.7, .027, .031],
    [1.88, .025, .029], [1.97, .0255, .030], [1.99, .000, .000],
])  # fmt: skip
ANKLE_END = np.array([[1.75, .000, .000], [1.76, .020, .022], [2.05, .019, .022]])  # fmt: skip
ARM = np.array([
    [-.16, .000, .000], [-.14, .012, .013], [-.08, .024, .026], [.03, .0315, .034],
    [.15, .034, .037], [.28, .033, .036], [.5, .030, .033], [.75, .0275, .030],
    [.92, .026, .028], [1.0, .026, .0275], [1.1, .0255, .027],
    [1.3, .025, .027], [1.55, .022, .0235], [1.8, .019, .020],
    [1.95, .0165, .0175], [2.05, .015, .018], [2.3, .014, .022], [2.6, .013, .022],
    [2.88, .010, .015], [3.0, .000, .000],
])  # fmt: skip
# foot: along it from the ankle forward, half width, half height, height above the sole
FOOT = np.array([
    [-.042, .000, .000, .020], [-.040, .016, .016, .022], [-.030, .021, .026, .027],
    [-.005, .023, .031, .031], [.020, .024, .029, .029], [.050, .027, .022, .022],
    [.085, .029, .017, .017], [.110, .025, .014, .014], [.124, .014, .009, .010],
    [.127, .000, .000, .010],
])  # fmt: skip
# skirt: where between hip and ankle, half width, half depth
SKIRT = _finer(np.array([
    [-.22, .000, .000], [-.20, .101, .073], [.0, .107, .078], [.2, .108, .080],
    [.45, .112, .084], [.7, .116, .088], [1.0, .120, .092], [1.2, .124, .096],
]), rings=14)  # fmt: skip
# backpack and shoulder bag: height above the floor, half width, half depth
PACK = np.array([
    [.820, .000, .000], [.818, .050, .026], [.800, .076, .040], [.760, .084, .048],
    [.700, .086, .055], [.640, .086, .058], [.600, .084, .055], [.580, .070, .044],
    [.578, .000, .000],
])  # fmt: skip
BAG = np.array([
    [.600, .000, .000], [.598, .055, .016], [.570, .064, .024], [.520, .068, .028],
    [.475, .066, .028], [.462, .050, .020], [.460, .000, .000],
])  # fmt: skip

SIDES = {
    "torso": 36, "head": 22, "hair": 22, "neck": 12, "left leg": 12, "right leg": 12,
    "left ankle": 8, "right ankle": 8, "left arm": 10, "right arm": 10, "left foot": 10,
    "right foot": 10, "skirt": 20, "pack": 14, "bag": 12,
}  # fmt: skip
"""Parts of a body, and how many quadrilaterals go around each."""

SQUARENESS = {"torso": 2.4, "pack": 4.0, "bag": 4.0, "left foot": 2.6, "right foot": 2.6}
"""Exponent of the superellipse; 2 is an ellipse."""

TABLES = {
    "torso": TORSO, "head": HEAD, "hair": HAIR, "neck": NECK, "left leg": LEG, "right leg": LEG,
    "left ankle": ANKLE_END, "right ankle": ANKLE_END, "left arm": ARM, "right arm": ARM,
    "left foot": FOOT, "right foot": FOOT, "skirt": SKIRT, "pack": PACK, "bag": BAG,
}  # fmt: skip
