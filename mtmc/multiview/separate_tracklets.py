"""Stretches of one camera's tracking, before and after it is known who they are."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from mtmc.reid.gallery import Crops

from ..types import Float32Array, FloatArray, View


@dataclass(frozen=True)
class Row:
    """One detection of a tracklet that is not reported yet."""

    frame_index: int
    detection: int


@dataclass(eq=False)
class Tracklet:
    """One camera's uninterrupted tracking of one person.

    Attributes
    ----------
    number : int
        Names it inside the tracker; never used twice.
    camera : str
    local_id : int
        Of the camera's own tracker.
    first_s, last_s : float
        When it was seen first and last.
    first_frame : int
    first_xyxy, last_xyxy : (4,) float64
    identity : int
        0 while nobody knows.
    shown : int
        Under which number it was reported last; 0 while it was not.
    vectors : list of (D,) float32, times : list of float, overlaps : list of float
        Crops that are in no gallery yet: appearance, seconds, and the covered share of the box.
    rows : list of Row
        What is not reported yet.
    """

    number: int
    camera: str
    local_id: int
    first_s: float
    last_s: float
    first_frame: int
    first_xyxy: FloatArray
    last_xyxy: FloatArray
    identity: int = 0
    shown: int = 0
    vectors: list[Float32Array] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    overlaps: list[float] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    last_crop_s: float = -np.inf

    def see(self, frame_index: int, time_s: float, detection: int, xyxy: FloatArray) -> None:
        """It is matched with a detection now."""
        self.last_s, self.last_xyxy = time_s, xyxy
        self.rows.append(Row(frame_index, detection))

    def look(self, time_s: float, vector: Float32Array, overlap: float) -> None:
        """A crop of it."""
        self.vectors.append(vector)
        self.times.append(time_s)
        self.overlaps.append(overlap)
        self.last_crop_s = time_s

    def take_crops(self, camera: int) -> Crops:
        """The crops that are in no gallery yet; they are the caller's now."""
        count = len(self.vectors)
        crops = Crops(
            np.stack(self.vectors),
            np.full(count, camera),
            np.full(count, self.number),
            np.array(self.times),
            np.ones(count),
            np.array(self.overlaps),
            np.full(count, np.inf),
        )
        self.vectors, self.times, self.overlaps = [], [], []
        return crops


def covered_share(view: View, rows: list[int]) -> list[float]:
    """Greatest share of some detections' boxes that another box of the view covers: 0 to 1."""
    boxes = view.detections.xyxy
    own = boxes[rows]
    low = np.maximum(own[:, None, :2], boxes[None, :, :2])
    high = np.minimum(own[:, None, 2:], boxes[None, :, 2:])
    common = np.maximum(high - low, 0.0).prod(axis=2)
    common[np.arange(len(rows)), rows] = 0.0
    area = np.maximum((own[:, 2:] - own[:, :2]).prod(axis=1), 1e-9)
    share: list[float] = (common / area[:, None]).max(axis=1, initial=0.0).tolist()
    return share


def box_distance(one: FloatArray, other: FloatArray) -> float:
    """Distance of the middles of the lower edges of two boxes (4,), in heights of the taller."""
    foot = np.array([one[0] + one[2], 2 * one[3]]) - np.array([other[0] + other[2], 2 * other[3]])
    height = max(one[3] - one[1], other[3] - other[1], 1e-9)
    return float(np.hypot(*foot) / 2.0 / height)
