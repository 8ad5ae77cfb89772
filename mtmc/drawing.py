"""Drawing people into images: a colour that belongs to an identity, boxes, labels and trails."""

from __future__ import annotations

import colorsys
from collections import deque

import cv2
import numpy as np

from .types import FloatArray, Image, IntArray

GOLDEN_RATIO = 0.6180339887498949


def identity_colour(identity: int) -> tuple[int, int, int]:
    """BGR colour of an identity: always the same, and far apart for neighbouring ids.

    The hue walks around the circle in steps of the golden ratio; lightness and saturation vary
    slowly, so that dozens of people can be told apart.
    """
    hue = (identity * GOLDEN_RATIO) % 1.0
    lightness = (0.52, 0.64, 0.42)[identity % 3]
    saturation = (0.95, 0.75)[(identity // 3) % 2]
    red, green, blue = colorsys.hls_to_rgb(hue, lightness, saturation)
    return round(blue * 255), round(green * 255), round(red * 255)


class TrackPainter:
    """Draws tracks into successive frames of one camera.

    Parameters
    ----------
    trail_length : int
        How many past foot points are kept of each person; 0 draws none.
    """

    def __init__(self, trail_length: int = 40) -> None:
        self._trail_length = trail_length
        self._trails: dict[int, deque[tuple[int, int]]] = {}
        self._last_seen: dict[int, int] = {}
        self._step = 0

    def paint(self, image: Image, ids: IntArray, xyxy: FloatArray, caption: str = "") -> None:
        """Draw boxes (M, 4), their identities (M,) and trails into ``image``, in place."""
        self._step += 1
        unit = max(1, round(min(image.shape[:2]) / 400))
        for identity, box in zip(ids.tolist(), xyxy, strict=True):
            foot = (round((box[0] + box[2]) / 2), round(box[3]))
            self._trails.setdefault(identity, deque(maxlen=max(1, self._trail_length))).append(foot)
            self._last_seen[identity] = self._step
        self._forget()
        if self._trail_length:
            self._paint_trails(image, unit)
        for identity, box in zip(ids.tolist(), xyxy, strict=True):
            _paint_box(image, box, identity, unit)
        if caption:
            draw_plate(image, caption, (4 * unit, 4 * unit), (32, 32, 32), unit)

    def _forget(self) -> None:
        gone = [i for i, s in self._last_seen.items() if self._step - s > self._trail_length]
        for identity in gone:
            del self._last_seen[identity], self._trails[identity]

    def _paint_trails(self, image: Image, unit: int) -> None:
        for identity, points in self._trails.items():
            line = np.array(points, np.int32).reshape(-1, 1, 2)
            cv2.polylines(image, [line], False, identity_colour(identity), 2 * unit, cv2.LINE_AA)


def _paint_box(image: Image, box: FloatArray, identity: int, unit: int) -> None:
    colour = identity_colour(identity)
    left, top, right, bottom = (round(float(value)) for value in box)
    cv2.rectangle(image, (left, top), (right, bottom), colour, 2 * unit, cv2.LINE_AA)
    draw_plate(image, str(identity), (left, top), colour, unit, above=True)


def draw_plate(
    image: Image,
    text: str,
    corner: tuple[int, int],
    colour: tuple[int, int, int],
    unit: int,
    above: bool = False,
) -> None:
    """Text on a filled plate, in place; black or white, whichever reads better on the colour.

    ``corner`` is the plate's upper left corner, or with ``above`` its lower left one; it is moved
    to where the whole plate is inside the image.
    """
    font, scale = cv2.FONT_HERSHEY_SIMPLEX, 0.45 * unit
    (width, height), base = cv2.getTextSize(text, font, scale, unit)
    plate = height + base + 2 * unit
    left = int(np.clip(corner[0], 0, max(0, image.shape[1] - width - 4 * unit)))
    top = corner[1] - plate if above else corner[1]
    top = int(np.clip(top, 0, max(0, image.shape[0] - plate)))
    cv2.rectangle(image, (left, top), (left + width + 4 * unit, top + plate), colour, cv2.FILLED)
    luminance = 0.114 * colour[0] + 0.587 * colour[1] + 0.299 * colour[2]
    ink = (0, 0, 0) if luminance > 140 else (255, 255, 255)
    origin = (left + 2 * unit, top + height + unit)
    cv2.putText(image, text, origin, font, scale, ink, unit, cv2.LINE_AA)
