"""A synthetic room with known truth: four cameras in the corners, people who walk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from mtmc.calibration import Camera
from mtmc.sites import Area
from mtmc.types import Detections, FloatArray, Frame, View

WIDTH, DEPTH = 10.0, 8.0
IMAGE_SIZE = (1280, 960)


def look_at(name: str, position: tuple[float, float, float]) -> Camera:
    forward = np.array([WIDTH / 2, DEPTH / 2, 0.8]) - position
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    R = np.stack([right, np.cross(forward, right), forward])
    K = np.array([[700.0, 0.0, 640.0], [0.0, 700.0, 480.0], [0.0, 0.0, 1.0]])
    return Camera(name, K, R, -R @ np.array(position), IMAGE_SIZE)


@dataclass(frozen=True)
class Room:
    cameras: dict[str, Camera]
    bounds: Area

    def boxes(self, camera: str, xy: FloatArray, height: float = 1.7) -> FloatArray:
        """Boxes (N, 4) around the images of upright people who stand on the given places."""
        model = self.cameras[camera]
        foot = model.image_from_ground(xy)
        head = model.image_from_ground(xy, height)
        half = 0.19 * (foot[:, 1] - head[:, 1])
        middle = (foot[:, 0] + head[:, 0]) / 2
        return np.stack([middle - half, head[:, 1], middle + half, foot[:, 1]], axis=1)

    def views(self, index: int, time_s: float, xy: FloatArray) -> list[View]:
        """What every camera sees of people (N, 2): all whose boxes lie in the image."""
        views = []
        for name, camera in self.cameras.items():
            boxes = self.boxes(name, xy)
            inside = (boxes[:, :2] >= 0).all(axis=1) & (boxes[:, 2:] <= camera.image_size).all(
                axis=1
            )
            boxes = boxes[inside]
            views.append(View(Frame(name, index, time_s), Detections(boxes, np.ones(len(boxes)))))
        return views


@pytest.fixture(scope="session")
def room() -> Room:
    corners = {
        "a": (-3.0, -3.0, 4.0),
        "b": (WIDTH + 3, -3.0, 4.0),
        "c": (WIDTH + 3, DEPTH + 3, 4.0),
        "d": (-3.0, DEPTH + 3, 4.0),
    }
    cameras = {name: look_at(name, place) for name, place in corners.items()}
    return Room(cameras, Area.rectangle(0.0, 0.0, WIDTH, DEPTH))


@pytest.fixture(scope="session")
def walk() -> Callable[[int, float], FloatArray]:
    """Places (N, 2) of N people at a time: circles of their own, never closer than 0.9 m."""

    def places(people: int, time_s: float) -> FloatArray:
        columns = int(np.ceil(np.sqrt(people)))
        number = np.arange(people)
        x = 1.5 + (WIDTH - 3.0) * (number % columns + 0.5) / columns
        y = 1.5 + (DEPTH - 3.0) * (number // columns + 0.5) / columns
        radius = 0.15 if people > 9 else 0.5
        angle = time_s * 0.5 / radius + number * 0.0
        return np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], axis=1)

    return places
