"""Everybody's path over the floor in one picture, with a list of who they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ..drawing import identity_colour
from ..types import FloatArray, Image, IntArray
from .ground_grid import AnyCamera, draw_line
from .map import FONT, INK, PAPER, Bounds, FloorMap, Rectangle, draw_label
from .plan import draw_plan

NOT_SEEN_S = 2.0
"""A path is interrupted where a person was not seen for longer."""

SPACING_M = 0.3
"""The length of a path is measured over steps of at least this, so that jitter does not add up."""

_LIST_PX = 250


@dataclass(frozen=True)
class TrajectoriesConfig:
    """How trajectories are drawn.

    Attributes
    ----------
    size_px : int
        Longer side of the map.
    most_labels : int
        Ends of the paths of so many people are labelled, those longest seen first.
    """

    size_px: int = 1200
    most_labels: int = 25

    def __post_init__(self) -> None:
        if self.size_px < 200:
            raise ValueError(f"size_px: expected 200 or more, got {self.size_px}")
        if self.most_labels < 0:
            raise ValueError(f"most_labels: expected 0 or more, got {self.most_labels}")


@dataclass(frozen=True, eq=False)
class _Path:
    """One identity's sightings in order of time."""

    id: int
    time_s: FloatArray
    xy: FloatArray

    @property
    def pieces(self) -> list[FloatArray]:
        """Places (N, 2) between interruptions."""
        gaps = np.flatnonzero(np.diff(self.time_s) > NOT_SEEN_S) + 1
        return list(np.split(self.xy, gaps))

    @property
    def seen_s(self) -> float:
        """Seconds from the first to the last sighting, without interruptions."""
        steps = np.diff(self.time_s)
        return float(steps[steps <= NOT_SEEN_S].sum())

    @property
    def length_m(self) -> float:
        """How far the person went, metres."""
        return sum(map(path_length, self.pieces))


def path_length(xy: FloatArray) -> float:
    """Length of a path (N, 2) in metres, over steps of at least `SPACING_M` and the last rest."""
    length, last = 0.0, xy[0]
    for place in xy[1:]:
        step = float(np.hypot(*(place - last)))
        if step >= SPACING_M:
            length, last = length + step, place
    return length


def trajectories(
    time_s: FloatArray,
    ids: IntArray,
    xy: FloatArray,
    cameras: Sequence[AnyCamera],
    bounds: Bounds,
    outlines: Sequence[FloatArray] = (),
    config: TrajectoriesConfig | None = None,
) -> Image:
    """Draw all paths over the floor plan: a ring where each begins, a square where it ends.

    Parameters
    ----------
    time_s, ids : (N,)
        When each person was seen, seconds.
    xy : (N, 2)
        Where, metres.
    cameras, outlines
        As in `mtmc.floor.plan.draw_plan`.
    bounds : (left, bottom, right, top)
        Metres.
    config : TrajectoriesConfig, optional

    Returns
    -------
    (H, W, 3) uint8
        BGR.
    """
    settings = config or TrajectoriesConfig()
    chart = FloorMap.of_size(bounds, settings.size_px)
    paths = _paths(time_s, ids, xy)
    taken: list[Rectangle] = []
    image = draw_plan(chart, cameras, outlines, taken)
    for path in paths:
        colour = identity_colour(path.id)
        for piece in path.pieces:
            draw_line(image, chart.pixels(piece), colour, 2 * chart.unit)
    for path in paths:
        _draw_ends(image, chart, path)
    for path in paths[: settings.most_labels]:
        for place in (path.xy[0], path.xy[-1]):
            spot = chart.pixels(place[None])[0]
            colour = identity_colour(path.id)
            draw_label(image, str(path.id), spot, colour, chart.unit, taken, gap=8)
    return np.concatenate([image, _list(paths, chart)], axis=1)


def _paths(time_s: FloatArray, ids: IntArray, xy: FloatArray) -> list[_Path]:
    """One per identity, those longest seen first."""
    order = np.lexsort((time_s, ids))
    starts = np.flatnonzero(np.diff(ids[order])) + 1
    parts = np.split(order, starts) if len(order) else []
    paths = [_Path(int(ids[part[0]]), time_s[part], xy[part]) for part in parts]
    return sorted(paths, key=lambda path: (-path.seen_s, path.id))


def _draw_ends(image: Image, chart: FloorMap, path: _Path) -> None:
    colour, unit = identity_colour(path.id), chart.unit
    ends = chart.pixels(path.xy[[0, -1]]).round().astype(int).tolist()
    start, end = ((x, y) for x, y in ends)
    cv2.circle(image, start, 6 * unit, PAPER, -1, cv2.LINE_AA)
    cv2.circle(image, start, 6 * unit, colour, 2 * unit, cv2.LINE_AA)
    half = 5 * unit
    corners = (end[0] - half, end[1] - half), (end[0] + half, end[1] + half)
    cv2.rectangle(image, *corners, colour, -1)
    cv2.rectangle(image, *corners, INK, unit)


def _list(paths: Sequence[_Path], chart: FloorMap) -> Image:
    """Colour, identity, time seen and distance of each, as far as there is room."""
    unit = chart.unit
    strip = np.full((chart.height, _LIST_PX * unit, 3), 255, np.uint8)
    line, x = 22 * unit, 12 * unit

    def write(row: int, cells: Sequence[str]) -> None:
        for text, right in zip(cells, (70, 150, 235), strict=True):
            width = cv2.getTextSize(text, FONT, 0.45 * unit, unit)[0][0]
            origin = (right * unit - width, row * line - 7 * unit)
            cv2.putText(strip, text, origin, FONT, 0.45 * unit, INK, unit, cv2.LINE_AA)

    _legend(strip, unit)
    room = max(0, chart.height // line - 4)
    shown = paths if len(paths) <= room else paths[: max(0, room - 1)]
    write(3, ("id", "seen s", "went m"))
    for row, path in enumerate(shown, 4):
        top = (row - 1) * line + 5 * unit
        corners = (x, top), (x + 14 * unit, top + 12 * unit)
        cv2.rectangle(strip, *corners, identity_colour(path.id), -1)
        write(row, (str(path.id), f"{path.seen_s:.1f}", f"{path.length_m:.1f}"))
    if len(shown) < len(paths):
        write(len(shown) + 4, ("", f"and {len(paths) - len(shown)} more", ""))
    return strip


def _legend(strip: Image, unit: int) -> None:
    """What a ring and a square mean."""
    cv2.circle(strip, (19 * unit, 20 * unit), 6 * unit, (110, 110, 110), 2 * unit, cv2.LINE_AA)
    cv2.rectangle(strip, (93 * unit, 15 * unit), (103 * unit, 25 * unit), (110, 110, 110), -1)
    for text, x in (("begins", 32), ("ends", 110)):
        origin = (x * unit, 25 * unit)
        cv2.putText(strip, text, origin, FONT, 0.45 * unit, INK, unit, cv2.LINE_AA)
