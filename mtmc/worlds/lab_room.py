"""The room of the LAB-like world: walls, doors, furniture, seats, and a camera in every corner.

The floor is the rectangle (0, 0) to (6, 5) metres, Z up. People come in through doors in the wall
y = 0, behind which a corridor runs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtmc.calibration import Camera

from .aiming import look_at

ROOM_X = (0.0, 6.0)
ROOM_Y = (0.0, 5.0)
WALL_HEIGHT_M = 2.9
Door = tuple[float, float]
"""An opening in the wall y = 0: from and to, metres along x."""
DOOR_X: Door = (0.7, 1.7)
ONE_DOOR: tuple[Door, ...] = (DOOR_X,)
TWO_DOORS: tuple[Door, ...] = (DOOR_X, (4.3, 5.3))
OUTSIDE_Y = -0.3
"""Where people appear and vanish, just behind a door."""
REGION_Y = 0.2
"""Truth and tracks count from here on: who stands in a door is neither in nor out."""
BOUNDS = (ROOM_X[0], OUTSIDE_Y, ROOM_X[1], ROOM_Y[1])
REGION = (ROOM_X[0], REGION_Y, ROOM_X[1], ROOM_Y[1])
"""Where people can be, and where they count: x0, y0, x1, y1, metres."""

IMAGE_SIZE = (640, 480)
CAMERA_HEIGHT_M = 2.75
FOCAL_PX = 390.0
INSET_M = 0.12
LOOK_AT = (3.0, 2.5, 0.7)


@dataclass(frozen=True)
class Furniture:
    """A block that stands on the floor; people walk around it and are hidden behind it.

    Attributes
    ----------
    kind : str
        ``"table"``, ``"chair"``, ``"cupboard"`` or ``"counter"``: how it is drawn.
    x0, y0, x1, y1 : float
        Outline on the floor, metres.
    height_m : float
        Of its upper side.
    """

    kind: str
    x0: float
    y0: float
    x1: float
    y1: float
    height_m: float


@dataclass(frozen=True)
class Seat:
    """Where one can sit: the place, which way one looks, and where one stands up to."""

    xy: tuple[float, float]
    heading: float
    approach: tuple[float, float]


FURNITURE: tuple[Furniture, ...] = (
    Furniture("table", 2.55, 2.15, 3.85, 2.85, 0.74),
    Furniture("cupboard", 5.45, 1.5, 5.95, 3.1, 1.15),
    Furniture("counter", 2.2, 4.5, 4.2, 4.95, 0.95),
)

SEATS: tuple[Seat, ...] = (
    Seat((2.85, 1.92), np.pi / 2, (2.85, 1.45)),
    Seat((3.55, 1.92), np.pi / 2, (3.55, 1.45)),
    Seat((2.85, 3.08), -np.pi / 2, (2.85, 3.55)),
    Seat((3.55, 3.08), -np.pi / 2, (3.55, 3.55)),
)
SEAT_HEIGHT_M = 0.46

QUEUE: tuple[tuple[float, float], ...] = ((3.2, 4.15), (2.6, 4.1), (2.0, 4.05), (1.4, 4.0))
"""Where people stand in line before the counter, the first one first."""


def lab_cameras() -> tuple[Camera, ...]:
    """Four calibrated cameras, ``cam1`` to ``cam4``, in the corners of the ceiling."""
    corners = [(x, y) for x, y in ((ROOM_X[0], ROOM_Y[0]), (ROOM_X[1], ROOM_Y[0]),
                                   (ROOM_X[1], ROOM_Y[1]), (ROOM_X[0], ROOM_Y[1]))]  # fmt: skip
    inward = np.array([np.mean(ROOM_X), np.mean(ROOM_Y)])
    cameras = []
    for number, corner in enumerate(corners, 1):
        place = np.array(corner) + INSET_M * np.sign(inward - corner)
        position = np.array([*place, CAMERA_HEIGHT_M])
        rotation = look_at(position, np.array(LOOK_AT))
        width, height = IMAGE_SIZE
        matrix = np.array([[FOCAL_PX, 0, width / 2], [0, FOCAL_PX, height / 2], [0, 0, 1.0]])
        cameras.append(Camera(f"cam{number}", matrix, rotation, -rotation @ position, IMAGE_SIZE))
    return tuple(cameras)
