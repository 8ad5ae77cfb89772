"""The colour of every piece of a body's skin: clothes, face, hair, folds."""

from __future__ import annotations

import numpy as np

from mtmc.trackers.types import BoolArray

from ..types import FloatArray
from .bodies import BodyMesh
from .clothes import Look, Rgb

FRONT, BACK = np.pi / 2, 3 * np.pi / 2
SKIRT_TOP, UNDER_SKIRT = 0.565, 0.75
"""Skin between is hidden: on the torso by height, on the legs between hip (0) and knee (1)."""
SCALP = 0.02
"""How far above the hairline, as a share of body height, nobody can see the head under the hair."""


def worn(look: Look, mesh: BodyMesh) -> BoolArray:
    """Which quadrilaterals (Q,) of the mesh this person has."""
    shown = np.ones(len(mesh.quads), bool)
    if look.legwear not in ("skirt", "dress", "coat"):
        shown &= ~mesh.of("skirt")
    else:  # what the skirt covers would show through when legs swing
        shown &= ~(mesh.of("torso") & (mesh.station < SKIRT_TOP))
        shown &= ~(mesh.of("left leg", "right leg") & (mesh.station < UNDER_SKIRT))
    if look.carries != "backpack":
        shown &= ~mesh.of("pack")
    if look.carries != "shoulder":
        shown &= ~mesh.of("bag")
    shown &= ~(mesh.of("head") & _hair_covers(look, mesh, SCALP))
    return np.asarray(shown & ~(mesh.of("hair") & ~_hair_covers(look, mesh)))


def colours(look: Look, mesh: BodyMesh) -> FloatArray:
    """Colour of every quadrilateral in even light: (Q, 3) float64, BGR 0-255."""
    rgb = np.zeros((len(mesh.quads), 3))
    _paint(rgb, mesh.of("neck", "left ankle", "right ankle"), look.skin)
    _paint_head(rgb, look, mesh)
    _paint_top(rgb, look, mesh)
    _paint_legs(rgb, look, mesh)
    _paint(rgb, mesh.of("left foot", "right foot"), look.shoes)
    _paint(rgb, mesh.of("left foot", "right foot") & (mesh.angle > np.pi * 1.15), (60, 56, 54))
    _paint(rgb, mesh.of("pack", "bag"), look.bag)
    flap = mesh.of("pack") & (mesh.station > 0.70) | mesh.of("bag") & (mesh.station > 0.54)
    rgb[flap] *= 0.82
    return np.asarray(rgb[:, ::-1] * _folds(look, mesh)[:, None])


def _paint(rgb: FloatArray, where: BoolArray, colour: Rgb) -> None:
    rgb[where] = colour


def _from(mesh: BodyMesh, middle: float) -> FloatArray:
    """How far each quadrilateral is turned away from a direction around its tube, radians."""
    return np.asarray(np.abs((mesh.angle - middle + np.pi) % (2 * np.pi) - np.pi))


def _hair_covers(look: Look, mesh: BodyMesh, margin: float = 0.0) -> BoolArray:
    """Where hair grows (Q,), or what lies under it, ``margin`` above the hairline."""
    height, face = mesh.station, _from(mesh, FRONT)
    if look.hair_style == "bald":
        return np.zeros(len(height), bool)
    # the hairline runs high over the face, down before the ears, and ends at the neck
    hairline = np.interp(face, [0.0, 0.8, 1.1, 1.45, 1.9], [0.102, 0.098, 0.075, 0.05, 0.018])
    if look.hair_style == "cap":
        hairline = np.interp(face, [0.0, 1.2, 3.1], [0.093, 0.085, 0.06])
    if look.hair_style == "long":
        hairline = np.interp(face, [0.0, 0.7, 1.0, 1.25], [0.096, 0.085, 0.03, -0.10])
    if look.hair_style == "bob":
        hairline = np.interp(face, [0.0, 0.7, 1.0, 1.3], [0.094, 0.086, 0.045, 0.0])
    return np.asarray(height > hairline + margin)


def _paint_head(rgb: FloatArray, look: Look, mesh: BodyMesh) -> None:
    head, height, face = mesh.of("head"), mesh.station, _from(mesh, FRONT)
    skin = np.array(look.skin, float)
    rgb[head] = skin
    rgb[head & (face > 0.95) & (height > 0.03)] = skin * 0.92
    eyes = head & (np.abs(face - 0.42) < 0.26) & (np.abs(height - 0.071) < 0.012)
    rgb[eyes] = skin * 0.55
    rgb[head & (face < 0.2) & (np.abs(height - 0.045) < 0.015)] = skin * 1.06
    rgb[head & (face < 0.42) & (np.abs(height - 0.024) < 0.010)] = skin * [0.78, 0.62, 0.62]
    hair = np.array(look.top if look.hair_style == "cap" else look.hair, float)
    rgb[mesh.of("hair")] = hair
    if look.hair_style == "cap":
        rgb[mesh.of("hair") & (face < 1.2) & (height < 0.11)] = hair * 0.7
    if look.hair_style == "bald":
        rgb[head & (height > 0.1)] = skin * 1.04
    if look.waist < 0.3 and look.habit % 0.1 < 0.04:  # a beard
        jaw = head & (face < 1.2) & (height < 0.034) & ~(rgb == skin * [0.78, 0.62, 0.62]).all(1)
        rgb[jaw] = 0.35 * skin + 0.65 * np.array(look.hair)


def _paint_top(rgb: FloatArray, look: Look, mesh: BodyMesh) -> None:
    torso, arms = mesh.of("torso"), mesh.of("left arm", "right arm")
    height, face = mesh.station, _from(mesh, FRONT)
    top, second = np.array(look.top, float), np.array(look.second, float)
    rgb[torso | arms] = top
    if look.pattern == "stripes":
        rgb[torso & (np.floor((height - 0.5) / 0.024) % 2 == 1)] = second
        rgb[arms & (np.floor(height / 0.16) % 2 == 1)] = second
    elif look.pattern == "checks":
        lines = (np.floor(mesh.angle / 0.23) % 3 == 0).astype(int) + (
            np.floor(height / np.where(arms, 0.13, 0.0115)) % 3 == 0
        )
        rgb[torso | arms] = (top + (second - top) * 0.33 * lines[:, None])[torso | arms]
    elif look.pattern == "print":
        rgb[torso & (face < 0.62) & (np.abs(height - 0.735) < 0.035)] = second
        rgb[torso & (_from(mesh, BACK) < 0.3) & (np.abs(height - 0.79) < 0.012)] = second
    elif look.pattern == "yoke":
        rgb[torso & (height > 0.755) | arms & (height < 0.35)] = second
    elif look.pattern == "vest":
        rgb[arms] = second
        rgb[torso & (face < 0.26)] = second
    elif look.pattern == "jacket":
        opening = 0.18 + 0.26 * np.clip((height - 0.60) / 0.22, 0, 1)
        rgb[torso & (face < opening)] = second
        rgb[torso & (np.abs(face - opening) < 0.12) & (face >= opening)] *= 0.78
    elif look.pattern == "bars":
        rgb[torso & (np.floor(mesh.angle / 0.35) % 2 == 1)] = second
    elif look.pattern == "band":
        rgb[torso & (np.abs(height - 0.70) < 0.028) | arms & (np.abs(height - 0.45) < 0.16)] = (
            second
        )
    elif look.pattern == "block":
        rgb[torso & (height < 0.66) | arms & (height > 1.15)] = second
    elif look.pattern == "blotches":
        rgb[(torso | arms) & _blotches(look, mesh, 14.0)] = second
    neckline = torso & (height > 0.838 - 0.022 * np.clip(1 - face / 0.8, 0, 1))
    rgb[neckline] = look.skin if look.pattern not in ("checks", "jacket") else top * 0.75
    bare_from = 1.92 if look.long_sleeves else 0.62
    rgb[arms & (height > bare_from)] = look.skin
    _paint_straps(rgb, look, mesh)


def _paint_straps(rgb: FloatArray, look: Look, mesh: BodyMesh) -> None:
    """The straps of a bag lie on the chest."""
    torso, height = mesh.of("torso"), mesh.station
    if look.carries == "backpack":
        both = np.abs(_from(mesh, FRONT) - 0.62) < 0.14
        rgb[torso & both & (height > 0.66)] = look.bag
    elif look.carries == "shoulder":
        # from the left shoulder down to the bag at the right hip, in front and at the back
        way = np.interp(_from(mesh, 0.0), [0.6, 2.9], [0.82, 0.58])
        rgb[torso & (np.abs(height - way) < 0.013)] = look.bag


def _paint_legs(rgb: FloatArray, look: Look, mesh: BodyMesh) -> None:
    legs, torso = mesh.of("left leg", "right leg"), mesh.of("torso")
    trousers = np.array(look.trousers, float)
    rgb[legs] = trousers if look.legwear == "trousers" else look.skin
    if look.legwear == "coat":
        rgb[legs] = trousers
    hem = 0.475 if look.pattern == "jacket" else 0.50
    if look.legwear in ("skirt", "dress", "coat"):
        hem = 0.58  # tucked in
    rgb[torso & (mesh.station < hem)] = trousers
    if look.legwear == "shorts":
        rgb[legs & (mesh.station < 0.85)] = trousers
    _paint_leg_pattern(rgb, look, mesh)
    belt = torso & (np.abs(mesh.station - hem) < 0.006)
    rgb[belt] *= 0.7
    skirt = mesh.of("skirt")
    if look.legwear in ("dress", "coat"):
        rgb[skirt] = look.top
    else:
        rgb[skirt] = trousers
        rgb[skirt & _leg_pattern(look, mesh)] = look.leg_second
    if look.legwear in ("dress", "coat"):
        rgb[torso & (mesh.station < hem)] = look.top
        if look.pattern == "stripes":
            rgb[skirt & (np.floor(mesh.station / 0.106) % 2 == 1)] = look.second


def _paint_leg_pattern(rgb: FloatArray, look: Look, mesh: BodyMesh) -> None:
    ends = {"trousers": 2.0, "coat": 2.0, "shorts": 0.85}
    if look.legwear in ends:
        legs = mesh.of("left leg", "right leg") & (mesh.station < ends[look.legwear])
        rgb[legs & _leg_pattern(look, mesh)] = look.leg_second


def _leg_pattern(look: Look, mesh: BodyMesh) -> BoolArray:
    """Where legwear (Q,) has its other colour."""
    if look.leg_pattern == "side stripe":
        left, right = mesh.of("left leg", "skirt"), mesh.of("right leg", "skirt")
        return np.asarray(left & (_from(mesh, 0.0) < 0.35) | right & (_from(mesh, np.pi) < 0.35))
    if look.leg_pattern == "worn":  # denim, faded on the thigh and the knee
        return np.asarray((_from(mesh, FRONT) < 0.6) & (mesh.station > 0.15) & (mesh.station < 1.1))
    if look.leg_pattern == "blotches":
        return _blotches(look, mesh, 4.0)
    return np.zeros(len(mesh.quads), bool)


def _blotches(look: Look, mesh: BodyMesh, per_unit: float) -> BoolArray:
    """Flowers, or camouflage (Q,): where a few waves around and along a tube add up."""
    rng = np.random.default_rng(int(look.habit * 2**31) + 1)
    wave = np.zeros(len(mesh.quads))
    scale = np.where(mesh.of("torso"), 5.0 * per_unit, per_unit)
    for around in (2, 3, 5):
        phase, along = rng.uniform(0, 2 * np.pi, 2), rng.uniform(0.6, 1.6)
        wave += np.sin(around * mesh.angle + phase[0]) * np.sin(
            along * scale * mesh.station + phase[1]
        )
    return np.asarray(wave > 0.35)


def _folds(look: Look, mesh: BodyMesh) -> FloatArray:
    """Brightness (Q,): folds of cloth, and places that light reaches less."""
    rng = np.random.default_rng(int(look.habit * 2**31))
    height, angle = mesh.station, mesh.angle
    torso, legs = mesh.of("torso"), mesh.of("left leg", "right leg", "skirt")
    arms = mesh.of("left arm", "right arm")
    wave = np.zeros(len(height))
    for _ in range(5):
        around, phase = rng.integers(1, 6), rng.uniform(0, 2 * np.pi, 2)
        along = rng.uniform(20, 90) * np.where(torso, 1.0, 0.1)
        wave += np.sin(around * angle + phase[0]) * np.sin(along * height + phase[1])
    light = 1 + 0.028 * wave * (torso | legs | arms)
    light *= 1 - 0.12 * (arms & (np.abs(height - 1.0) < 0.08))
    light *= 1 - 0.10 * (mesh.of("left leg", "right leg") & (np.abs(height - 1.0) < 0.08))
    # between the legs, under the arms, under the chin
    inner_left, inner_right = _from(mesh, np.pi), _from(mesh, 0.0)
    light *= 1 - 0.30 * mesh.of("left leg") * np.clip(1.3 - inner_left, 0, 1)
    light *= 1 - 0.30 * mesh.of("right leg") * np.clip(1.3 - inner_right, 0, 1)
    sides = np.minimum(inner_left, inner_right)
    light *= 1 - 0.22 * torso * (height < 0.79) * np.clip(1.1 - sides, 0, 1)
    light *= 1 - 0.25 * mesh.of("neck") - 0.2 * (mesh.of("head") & (height < 0.006))
    return np.asarray(light)
