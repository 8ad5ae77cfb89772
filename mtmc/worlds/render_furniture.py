"""The furniture as boxes that a camera can see, with what lies on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .lab_room import FURNITURE, ONE_DOOR, SEAT_HEIGHT_M, SEATS, Door, Furniture

DOOR_HEIGHT_M = 2.05
FRAME_M = 0.07


@dataclass(frozen=True)
class Block:
    """A piece of furniture: a box of one material, metres."""

    low: tuple[float, float, float]
    high: tuple[float, float, float]
    material: str


def room_blocks(doors: Sequence[Door] = ONE_DOOR) -> list[Block]:
    """All furniture, what lies on it, and the frames of doors."""
    builders = {"table": _table, "cupboard": _cupboard, "counter": _counter, "chair": _chair}
    blocks = []
    for piece in FURNITURE:
        blocks += builders[piece.kind](piece)
    for seat in SEATS:
        blocks += _stool(*seat.xy)
    for door in doors:
        blocks += _frame(*door)
    return blocks


def _frame(left: float, right: float) -> list[Block]:
    posts = [
        Block((x, -0.1, 0.0), (x + FRAME_M, 0.02, DOOR_HEIGHT_M), "frame")
        for x in (left - FRAME_M, right)
    ]
    low, high = (
        (left - FRAME_M, -0.1, DOOR_HEIGHT_M),
        (right + FRAME_M, 0.02, DOOR_HEIGHT_M + FRAME_M),
    )
    return [*posts, Block(low, high, "frame")]


def _extent(piece: Furniture) -> tuple[float, float, float, float, float]:
    return piece.x0, piece.y0, piece.x1, piece.y1, piece.height_m


def _cupboard(piece: Furniture) -> list[Block]:
    x0, y0, x1, y1, top = _extent(piece)
    return [
        Block((x0, y0, 0.06), (x1, y1, top), "cupboard"),
        Block((x0 + 0.04, y0 + 0.03, 0.0), (x1, y1 - 0.03, 0.06), "dark"),
        Block((x0 + 0.1, y0 + 0.15, top), (x1 - 0.15, y0 + 0.5, top + 0.28), "box"),
        Block((x0 + 0.15, y1 - 0.4, top), (x1 - 0.1, y1 - 0.15, top + 0.2), "green"),
    ]


def _counter(piece: Furniture) -> list[Block]:
    x0, y0, x1, y1, top = _extent(piece)
    return [
        Block((x0 + 0.06, y0 + 0.08, 0.0), (x1 - 0.06, y1, top - 0.05), "panel"),
        Block((x0, y0, top - 0.05), (x1, y1, top), "worktop"),
        Block((x0 + 0.3, y0 + 0.15, top), (x0 + 0.6, y1 - 0.05, top + 0.3), "steel"),
        Block((x1 - 0.5, y0 + 0.1, top), (x1 - 0.42, y0 + 0.18, top + 0.12), "red"),
    ]


def _chair(piece: Furniture) -> list[Block]:
    return _stool((piece.x0 + piece.x1) / 2, (piece.y0 + piece.y1) / 2)


def _table(piece: Furniture) -> list[Block]:
    x0, y0, x1, y1, top = _extent(piece)
    thick, leg = 0.035, 0.05
    blocks = [Block((x0, y0, top - thick), (x1, y1, top), "table")]
    for x in (x0 + 0.05, x1 - 0.05 - leg):
        for y in (y0 + 0.05, y1 - 0.05 - leg):
            blocks.append(Block((x, y, 0.0), (x + leg, y + leg, top - thick), "steel"))
    blocks.append(Block((x0 + 0.2, y0 + 0.2, top), (x0 + 0.42, y0 + 0.5, top + 0.012), "paper"))
    blocks.append(Block((x1 - 0.55, y1 - 0.36, top), (x1 - 0.2, y1 - 0.11, top + 0.02), "dark"))
    blocks.append(Block((x1 - 0.3, y0 + 0.2, top), (x1 - 0.22, y0 + 0.28, top + 0.09), "red"))
    return blocks


def _stool(x: float, y: float) -> list[Block]:
    half, leg, thick = 0.19, 0.03, 0.05
    top = SEAT_HEIGHT_M
    blocks = [Block((x - half, y - half, top - thick), (x + half, y + half, top), "seat")]
    for dx in (-half + 0.02, half - 0.02 - leg):
        for dy in (-half + 0.02, half - 0.02 - leg):
            low = (x + dx, y + dy, 0.0)
            blocks.append(Block(low, (low[0] + leg, low[1] + leg, top - thick), "steel"))
    return blocks
