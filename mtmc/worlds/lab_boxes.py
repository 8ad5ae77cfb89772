"""What cameras show of the people in the room as boxes: whole, visible, and as detectors err."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from scipy.special import expit, ndtr

from mtmc.calibration import Camera
from mtmc.trackers.types import BoolArray

from ..types import FloatArray, Image, IntArray
from .lab_room import FURNITURE, Furniture
from .lab_world import LabWorld

SCALE = 0.5
"""Occlusion is worked out in images of this size relative to the camera's."""
RADIUS_M = 0.23
SEATED_RADIUS_M = 0.30
SEATED_HEIGHT = 0.76
"""Height of a seated person over that of the same person standing."""
SHAPE = np.array(
    [[0.38, 0.0], [0.62, 0.0], [0.66, 0.15], [0.98, 0.24], [1.0, 0.55], [0.8, 0.62],
     [0.78, 0.97], [0.66, 1.0], [0.34, 1.0], [0.22, 0.97], [0.2, 0.62], [0.0, 0.55],
     [0.02, 0.24], [0.34, 0.15]]
)  # fmt: skip
"""Outline of a person within the box, from (0, 0) at its upper left to (1, 1)."""
CUT_PX = 6.0
"""An edge of a visible box that is nearer than this to that of the whole one is the same edge."""


@dataclass(frozen=True, eq=False)
class CameraBoxes:
    """Everybody who is in one camera's image at one moment; N people, from near to far or not.

    Attributes
    ----------
    person : (N,) int64
        Columns of the world.
    whole : (N, 4) float64
        ``xyxy`` pixels of the whole body, which may be hidden and may leave the image.
    seen : (N, 4) float64
        ``xyxy`` pixels of what shows; NaN where nothing does.
    visible : (N,) float64
        Share of the body's outline that shows.
    cover : (N, N) float64
        Share of each body's outline (row) that each other person hides (column).
    """

    person: IntArray
    whole: FloatArray
    seen: FloatArray
    visible: FloatArray
    cover: FloatArray


def camera_boxes(world: LabWorld, camera: Camera, frame: int) -> CameraBoxes:
    """What one camera shows of everybody at one frame (row of the world)."""
    person = world.present(frame)
    xy, seated = world.xy[frame, person], world.seated[frame, person]
    height = world.height_m[person] * (1 - (1 - SEATED_HEIGHT) * seated)
    whole = camera.person_box(xy, height, RADIUS_M + (SEATED_RADIUS_M - RADIUS_M) * seated)
    known = np.isfinite(whole).all(axis=1)
    known &= (whole[:, 2:] > 0).all(axis=1) & (whole[:, :2] < camera.image_size).all(axis=1)
    person, whole, xy = person[known], whole[known], xy[known]
    distance = np.linalg.norm(xy - camera.position[:2], axis=1)
    label, area = _paint(whole, distance, camera)
    seen, visible, cover = _measure(label, whole, area, distance, camera)
    return CameraBoxes(person, whole, seen, visible, cover)


def _paint(whole: FloatArray, distance: FloatArray, camera: Camera) -> tuple[Image, FloatArray]:
    """Label image of who shows where (row + 1), and the area of everybody's whole outline."""
    width, height = (round(SCALE * size) for size in camera.image_size)
    label = np.zeros((height, width), np.uint8)
    area = np.zeros(len(whole))
    scene: list[tuple[float, FloatArray, int]] = []
    for row, box in enumerate(whole):
        outline = _outline(box)
        area[row] = _pixels(outline)
        scene.append((float(distance[row]), outline, row + 1))
    scene += [(_furniture_distance(one, camera), _hull(one, camera), 0) for one in FURNITURE]
    for _, outline, value in sorted(scene, key=lambda item: -item[0]):
        cv2.fillPoly(label, [np.round(outline).astype(np.int32)], value)
    return label, area


def _measure(
    label: Image, whole: FloatArray, area: FloatArray, distance: FloatArray, camera: Camera
) -> tuple[FloatArray, FloatArray, FloatArray]:
    count = len(whole)
    seen, visible = np.full((count, 4), np.nan), np.zeros(count)
    cover = np.zeros((count, count))
    alone = np.zeros_like(label)
    for row in range(count):
        pixels = label == row + 1
        shown = int(np.count_nonzero(pixels))
        visible[row] = min(1.0, shown / max(area[row], 1.0))
        if shown:
            seen[row] = _visible_box(pixels, whole[row], camera)
        nearer = np.flatnonzero(distance < distance[row])
        if visible[row] < 0.98 and len(nearer):
            alone[:] = 0
            cv2.fillPoly(alone, [np.round(_outline(whole[row])).astype(np.int32)], 1)
            counts = np.bincount(label[alone > 0], minlength=count + 1)[1:]
            cover[row, nearer] = np.minimum(1.0, counts[nearer] / max(area[row], 1.0))
    return seen, visible, cover


def _visible_box(pixels: BoolArray, whole: FloatArray, camera: Camera) -> FloatArray:
    columns, rows = np.flatnonzero(pixels.any(axis=0)), np.flatnonzero(pixels.any(axis=1))
    found = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]) / SCALE
    whole = np.clip(whole, 0.0, [*camera.image_size, *camera.image_size])
    return np.where(np.abs(found - whole) < CUT_PX, whole, found)


def _outline(box: FloatArray) -> FloatArray:
    return np.asarray(SCALE * (box[:2] + SHAPE * (box[2:] - box[:2])))


def _pixels(outline: FloatArray) -> float:
    """How many pixels filling an outline paints, also beyond the image: Pick's theorem."""
    polygon = outline.astype(np.float32)
    return float(cv2.contourArea(polygon) + cv2.arcLength(polygon, True) / 2 + 1)


def _furniture_distance(block: Furniture, camera: Camera) -> float:
    middle = np.array([(block.x0 + block.x1) / 2, (block.y0 + block.y1) / 2])
    return float(np.linalg.norm(middle - camera.position[:2]))


def _hull(block: Furniture, camera: Camera) -> FloatArray:
    """Image of a block; empty where the camera has it behind itself."""
    corners = [
        (x, y, z)
        for x in (block.x0, block.x1)
        for y in (block.y0, block.y1)
        for z in (0.0, block.height_m)
    ]
    pixels = SCALE * camera.project(np.array(corners))
    pixels = pixels[np.isfinite(pixels).all(axis=1)].astype(np.float32)
    if len(pixels) < 3:
        return np.zeros((0, 2))
    return np.asarray(cv2.convexHull(pixels)[:, 0], np.float64)


@dataclass(frozen=True)
class DetectorFaults:
    """How a detector errs.

    Attributes
    ----------
    miss_rate : float
        Share of plainly visible people that are missed.
    half_visible, steepness : float
        At this visible share half of the people are found, and how steeply that rises.
    memory : float
        Luck of a person in a camera from one frame to the next, 0 (fresh) to 1 (never changes):
        real detectors miss people for several frames in a row.
    jitter : float
        Standard deviation of a box's edges over its height.
    false_rate : float
        False boxes per camera and frame.
    """

    miss_rate: float = 0.03
    half_visible: float = 0.3
    steepness: float = 18.0
    memory: float = 0.8
    jitter: float = 0.015
    false_rate: float = 0.05


@dataclass(frozen=True, eq=False)
class FoundBoxes:
    """A detector's answer for one camera and frame, and where it comes from.

    Attributes
    ----------
    xyxy : (M, 4) float64
    scores : (M,) float64
    row : (M,) int64
        Row of the `CameraBoxes` that a box shows; -1 for false ones.
    """

    xyxy: FloatArray
    scores: FloatArray
    row: IntArray


class FaultyDetector:
    """Boxes with faults, of one camera."""

    def __init__(self, faults: DetectorFaults, people: int, image_size: tuple[int, int],
                 seed: Sequence[int]) -> None:  # fmt: skip
        self._faults, self._size = faults, image_size
        self._rng = np.random.default_rng(list(seed))
        self._luck = self._rng.standard_normal(people)

    def __call__(self, boxes: CameraBoxes) -> FoundBoxes:
        """The boxes that it finds, called for one frame after the other."""
        faults, rng = self._faults, self._rng
        fresh = rng.standard_normal(len(self._luck))
        self._luck = faults.memory * self._luck + np.sqrt(1 - faults.memory**2) * fresh
        miss = faults.miss_rate + (1 - faults.miss_rate) * expit(
            faults.steepness * (faults.half_visible - boxes.visible)
        )
        shows = np.isfinite(boxes.seen).all(axis=1)
        row = np.flatnonzero(shows & (ndtr(self._luck[boxes.person]) >= miss))
        height = (boxes.seen[row, 3] - boxes.seen[row, 1])[:, None]
        xyxy = boxes.seen[row] + rng.normal(0.0, faults.jitter, (len(row), 4)) * height
        scores = 0.45 + 0.45 * boxes.visible[row] + rng.normal(0.0, 0.05, len(row))
        wrong = self._false_boxes()
        xyxy, row = np.concatenate([xyxy, wrong]), np.append(row, np.full(len(wrong), -1))
        scores = np.append(scores, rng.uniform(0.25, 0.6, len(wrong)))
        whole = ((xyxy[:, 2:] - xyxy[:, :2]) > 4.0).all(axis=1)
        scores = np.clip(scores, 0.05, 0.99)
        return FoundBoxes(xyxy[whole], scores[whole], row[whole])

    def _false_boxes(self) -> FloatArray:
        count = int(self._rng.poisson(self._faults.false_rate))
        width, height = self._size
        tall = self._rng.uniform(0.15, 0.5, count) * height
        corner = self._rng.uniform([0.0, 0.0], [0.85 * width, 0.6 * height], (count, 2))
        return np.concatenate([corner, corner + np.stack([0.4 * tall, tall], axis=1)], axis=1)


def walk_frames(
    world: LabWorld, cameras: Sequence[Camera], faults: DetectorFaults, seed: int
) -> Iterator[list[tuple[CameraBoxes, FoundBoxes]]]:
    """Frame after frame, what every camera shows and what its detector makes of it."""
    people = len(world.height_m)
    detectors = [
        FaultyDetector(faults, people, camera.image_size, (seed, number, 7))
        for number, camera in enumerate(cameras)
    ]
    for frame in range(len(world.time_s)):
        shown = [camera_boxes(world, camera, frame) for camera in cameras]
        yield [(boxes, detect(boxes)) for boxes, detect in zip(shown, detectors, strict=True)]
