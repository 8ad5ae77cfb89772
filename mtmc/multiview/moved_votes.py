"""Where a camera's boxes lie, compared with where the other cameras see people.

Where people stand is taken from the other cameras, at least two, and projected into the camera's
image. The offsets from there to *all* its boxes are votes, as in a Hough transform: those to a
person's own box agree with each other, those to other people's do not, so that nothing has to be
matched first, and a camera that was turned far is found as well as one that was turned a little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mtmc.calibration import Camera, HomographyCamera
from mtmc.trackers.types import BoolArray

from ..types import FloatArray, IntArray, View
from . import gaussian
from .observe import Observations

CELLS = 2**20
"""Cells of the floor in a row, more than there are, so that one number names a cell."""


@dataclass(frozen=True, eq=False)
class Votes:
    """Offsets of one moment in one camera, from where people are expected to boxes.

    Attributes
    ----------
    time_s : float
    index : int
        Frame.
    place : (P,)
        Which cell of the floor each of the expected people stands in.
    unmoved : (P,) bool
        Which of them have a box close to where they are expected.
    offset_px, foot_px : (V, 2)
        Offsets, and the foot points of the boxes that they lead to.
    person : (V,)
        Which of the expected people, from 0.
    """

    time_s: float
    index: int
    place: IntArray
    unmoved: BoolArray
    offset_px: FloatArray
    foot_px: FloatArray
    person: IntArray


@dataclass(frozen=True)
class Shift:
    """Where the boxes of a camera lie: the offset that most places agree on.

    Places are counted, not people: feet behind a table are off, too, all the time that somebody
    sits there, but only there.

    Attributes
    ----------
    offset_px : tuple of two floats
    length_px, length_m : float
        Its length, in the image and (median) on the ground.
    share : float
        Share of the places that have a box there, of somebody expected.
    lead : float
        How many times as many have one close to there as at the offset near zero that most agree
        on: detectors are off by some pixels, too. Close, for in a crowd some box is near any place.
    places : int
    """

    offset_px: tuple[float, float]
    length_px: float
    length_m: float
    share: float
    lead: float
    places: int


def common_shift(
    votes: Sequence[Votes], camera: Camera | HomographyCamera, width_px: float
) -> Shift | None:
    """The offset that most votes agree on, within ``width_px``; None without votes."""
    places = count_places(votes)
    offset = np.concatenate([np.zeros((0, 2)), *(one.offset_px for one in votes)])
    if not len(offset):
        return None
    place = np.concatenate([one.place[one.person] for one in votes])
    centre = _densest(offset, np.ones(len(offset), np.bool_), width_px)
    close = ((offset - centre) ** 2).sum(axis=1) <= width_px**2
    here = ((offset - centre) ** 2).sum(axis=1) <= (2.0 * width_px) ** 2
    centre = offset[here].mean(axis=0)
    near_zero = (offset**2).sum(axis=1) <= (2.0 * width_px) ** 2
    unmoved = 0
    if near_zero.any():
        still = _densest(offset, near_zero, width_px)
        fits = near_zero & (((offset - still) ** 2).sum(axis=1) <= width_px**2)
        unmoved = len(np.unique(place[fits]))
    foot = np.concatenate([one.foot_px for one in votes])[here]
    metres = camera.ground_from_image(foot) - camera.ground_from_image(foot - offset[here])
    x, y = centre.tolist()
    return Shift(
        (x, y),
        float(np.hypot(x, y)),
        float(np.median(np.nan_to_num(np.hypot(metres[:, 0], metres[:, 1]), nan=np.inf))),
        len(np.unique(place[here])) / places,
        len(np.unique(place[close])) / max(unmoved, 1),
        places,
    )


def count_places(votes: Sequence[Votes], unmoved: bool = False) -> int:
    """In how many cells people were expected; or only those with a box where it should be."""
    parts = [one.place[one.unmoved] if unmoved else one.place for one in votes]
    return len(np.unique(np.concatenate(parts))) if parts else 0


def _densest(offset: FloatArray, chosen: BoolArray, width_px: float) -> FloatArray:
    """Middle (2,) of the chosen offsets (V, 2) where most lie in 3 x 3 cells of a grid."""
    picked = offset[chosen]
    cell = np.floor(picked / width_px).astype(np.int64)
    cell -= cell.min(axis=0)
    grid = np.zeros(cell.max(axis=0) + 3)
    for right in range(3):
        for down in range(3):
            np.add.at(grid, (cell[:, 0] + right, cell[:, 1] + down), 1.0)
    best = np.array(np.unravel_index(int(grid.argmax()), grid.shape))
    near = (np.abs(cell + 1 - best) <= 1).all(axis=1)
    return np.asarray(picked[near].mean(axis=0))


def expected_places(
    seen: Observations, track: IntArray, camera: int, tracks: int, usable: BoolArray
) -> FloatArray:
    """Where the other cameras see tracks, (T, 2) metres; NaN where fewer than two do.

    Parameters
    ----------
    seen : Observations
    track : (D,) int64
        Track of each, or -1.
    camera : int
        Which camera is left out.
    tracks : int
        T.
    usable : (C,) bool
        Which cameras are trusted.
    """
    rows = np.flatnonzero((track >= 0) & (seen.camera != camera) & usable[seen.camera])
    information, vector = np.zeros((tracks, 2, 2)), np.zeros((tracks, 2))
    part = gaussian.inverse(seen.covariance[rows])
    np.add.at(information, track[rows], part)
    np.add.at(vector, track[rows], gaussian.apply(part, seen.xy[rows]))
    known = np.bincount(track[rows], minlength=tracks) >= 2
    places = np.full((tracks, 2), np.nan)
    places[known] = gaussian.apply(gaussian.inverse(information[known]), vector[known])
    return places


def votes_of(
    view: View,
    camera: Camera | HomographyCamera,
    places: FloatArray,
    width: float,
    reach: float,
    place_m: float,
) -> Votes | None:
    """Offsets in one view from where people are expected to its boxes; None for nobody.

    Parameters
    ----------
    view : View
    camera : Camera or HomographyCamera
    places : (T, 2)
        Metres; NaN where nobody is expected.
    width, reach : float
        How close is close, and the greatest offset; shares of the image's diagonal.
    place_m : float
        Size of the floor's cells, metres.
    """
    size = np.array(camera.image_size, np.float64)
    places = places[np.isfinite(places).all(axis=1)]
    pixel = camera.image_from_ground(places)
    diagonal = float(np.hypot(*size))
    margin = width * diagonal
    with np.errstate(invalid="ignore"):
        inside = ((pixel >= margin) & (pixel < size - margin)).all(axis=1)
    pixel, places = pixel[inside], places[inside]
    xyxy = view.detections.xyxy
    feet = np.stack([(xyxy[:, 0] + xyxy[:, 2]) / 2, xyxy[:, 3]], axis=1)
    feet = feet[feet[:, 1] < size[1] - margin]  # cut by the border: those are no feet
    if not len(pixel) or not len(feet):
        return None
    offset = feet[None] - pixel[:, None]
    squared = (offset**2).sum(axis=2)
    person, box = (squared <= (reach * diagonal) ** 2).nonzero()
    unmoved = squared.min(axis=1) <= margin**2
    cell = np.floor(places / place_m).astype(np.int64)
    place = cell[:, 0] * CELLS + cell[:, 1]
    frame = view.frame
    return Votes(frame.time_s, frame.index, place, unmoved, offset[person, box], feet[box], person)
