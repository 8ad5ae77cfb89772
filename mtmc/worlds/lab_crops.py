"""Real appearance for simulated people: each wears the crops of one identity of a ReID data set.

Every camera of the room shows a person as one camera of the data set did. Which crop is shown
changes slowly, and another visit begins with another one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtmc.reid.data import PersonDataset
from mtmc.reid.data.types import DISTRACTOR

from ..types import IntArray
from .lab_boxes import CameraBoxes, FoundBoxes
from .lab_world import LabWorld

CHANGE_S = 0.8
"""A crop is shown this long."""
LOW_HEIGHTS = (24, 32, 40, 48)
"""Heights of crops in the low-resolution variant, pixels: the paper's argument."""
LOW_FACTOR = 0.2
"""Height of a low-resolution crop over that of its box: as if the images were 128x96."""


@dataclass(frozen=True)
class DressedBox:
    """What one detection looks like.

    Attributes
    ----------
    image : str
        Path of the crop below the data set.
    visible : float
        Share of the box that shows the person of that crop.
    other : str
        Crop of the nearer person who hides most of it; empty where nobody does.
    cover : float
        Share of the box that shows that other person.
    height : int
        Height in pixels to which the crop is reduced first; 0 leaves it as it is.
    """

    image: str
    visible: float
    other: str
    cover: float
    height: int


class Wardrobe:
    """Crops for all people of a world.

    Parameters
    ----------
    dataset : PersonDataset
        Query and gallery images are used: nothing was trained on them.
    people, cameras : int
    seed : int
    low_resolution : bool

    Raises
    ------
    ValueError
        When the data set has too few people who were seen by enough cameras.
    """

    def __init__(
        self, dataset: PersonDataset, people: int, cameras: int, seed: int, low_resolution: bool
    ) -> None:
        rng = np.random.default_rng([seed, 11])
        parts = (dataset.query, dataset.gallery)
        names = np.array([name for part in parts for name in part.names])
        identity = np.concatenate([part.identities for part in parts])
        camera = np.concatenate([part.cameras for part in parts])
        self._names = names
        self._strangers = np.flatnonzero(identity == DISTRACTOR)
        self._low = low_resolution
        self._rng = np.random.default_rng([seed, 13])
        known = np.unique(identity[identity != DISTRACTOR])
        seen_by = {who: np.unique(camera[identity == who]) for who in known.tolist()}
        wanted = [who for who, views in seen_by.items() if len(views) >= cameras]
        if len(wanted) < people:
            raise ValueError(
                f"{dataset.name}: expected {people} people seen by {cameras} cameras, "
                f"got {len(wanted)}"
            )
        self._crops: list[list[IntArray]] = []
        for who in rng.choice(wanted, people, replace=False).tolist():
            views = rng.permutation(seen_by[who])[:cameras]
            self._crops.append(
                [rng.permutation(np.flatnonzero((identity == who) & (camera == v))) for v in views]
            )

    def dress(
        self, world: LabWorld, frame: int, camera: int, shown: CameraBoxes, found: FoundBoxes
    ) -> list[DressedBox]:
        """What each detection of one camera and frame looks like, in the detections' order."""
        time_s = float(world.time_s[frame])
        crops = [
            self.crop(person, camera, time_s, int(world.visit[frame, person]))
            for person in shown.person.tolist()
        ]
        dressed = []
        for box, row in zip(found.xyxy, found.row.tolist(), strict=True):
            height = self._height(float(box[3] - box[1]))
            if row < 0:
                stranger = self._stranger(crops)
                dressed.append(DressedBox(stranger, 1.0, "", 0.0, height))
                continue
            other = int(shown.cover[row].argmax())
            cover = float(shown.cover[row, other])
            hider = crops[other] if cover > 0.02 else ""
            visible = float(shown.visible[row])
            dressed.append(DressedBox(crops[row], visible, hider, cover if hider else 0.0, height))
        return dressed

    def crop(self, person: int, camera: int, time_s: float, visit: int) -> str:
        """What a camera sees of a person at some time of a visit: path below the data set."""
        mine = self._crops[person][camera]
        step = int(time_s / CHANGE_S) + 5 * visit
        return str(self._names[mine[step % len(mine)]])

    def _stranger(self, crops: list[str]) -> str:
        if len(self._strangers):
            return str(self._names[self._rng.choice(self._strangers)])
        return crops[0] if crops else str(self._names[0])

    def _height(self, box_height: float) -> int:
        return low_height(box_height) if self._low else 0


def low_height(box_height: float) -> int:
    """Height of the crop of a box in the low-resolution variant, both in pixels."""
    return min(LOW_HEIGHTS, key=lambda height: abs(height - LOW_FACTOR * box_height))
