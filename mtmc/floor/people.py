"""People on a floor plan, moment after moment: dots with identities and short trails."""

from __future__ import annotations

import cv2
import numpy as np

from ..drawing import identity_colour
from ..types import FloatArray, Image, IntArray
from .ground_grid import draw_line
from .map import FONT, INK, PAPER, FloorMap

BODY_M = 0.22
"""Radius of a dot, as far as a dot of that size can be seen."""

_MIN_DOT_PX, _MAX_DOT_PX = 4.0, 11.0


class FloorPainter:
    """Draws who stands where into successive copies of one plan.

    Parameters
    ----------
    chart : FloorMap
        Of the plan.
    trail_s : float
        Seconds of the past that a trail shows.
    fade_s : float
        For so long a person who is not seen is drawn as a ring where they were last.
    """

    def __init__(self, chart: FloorMap, trail_s: float, fade_s: float) -> None:
        self._chart = chart
        self._trail_s = trail_s
        self._fade_s = fade_s
        self._trails: dict[int, list[tuple[float, FloatArray]]] = {}

    def paint(self, image: Image, ids: IntArray, xy: FloatArray, time_s: float) -> None:
        """Draw people (M,) at their places (M, 2), metres, in place."""
        for identity, spot in zip(ids.tolist(), self._chart.pixels(xy), strict=True):
            self._trails.setdefault(identity, []).append((time_s, spot))
        oldest = time_s - max(self._trail_s, self._fade_s)
        for identity, trail in list(self._trails.items()):
            kept = [point for point in trail if point[0] >= oldest]
            self._trails[identity] = kept
            if not kept or kept[-1][0] < time_s - self._fade_s:
                del self._trails[identity]
        unit = self._chart.unit
        for identity, trail in self._trails.items():
            points = np.array([spot for moment, spot in trail if moment >= time_s - self._trail_s])
            if len(points) > 1:
                draw_line(image, points, identity_colour(identity), 2 * unit)
        present = set(ids.tolist())
        for identity, trail in self._trails.items():
            self._paint_person(image, identity, trail[-1][1], identity in present)

    def _paint_person(self, image: Image, identity: int, spot: FloatArray, seen: bool) -> None:
        chart, unit = self._chart, self._chart.unit
        wanted = BODY_M * chart.pixels_per_m
        radius = round(float(np.clip(wanted, _MIN_DOT_PX * unit, _MAX_DOT_PX * unit)))
        centre = (round(float(spot[0])), round(float(spot[1])))
        colour = identity_colour(identity)
        cv2.circle(image, centre, radius, colour if seen else PAPER, -1, cv2.LINE_AA)
        cv2.circle(image, centre, radius, INK if seen else colour, unit, cv2.LINE_AA)
        origin = (centre[0] + radius + 2 * unit, centre[1] - radius // 2)
        halo, scale = 4 * unit, 0.48 * unit
        cv2.putText(image, str(identity), origin, FONT, scale, PAPER, halo, cv2.LINE_AA)
        cv2.putText(image, str(identity), origin, FONT, scale, INK, unit, cv2.LINE_AA)
