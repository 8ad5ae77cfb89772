"""Places without people: made-up rooms and streets, rendered rooms, and views into panoramas.

The made-up ones have nothing but edges, textures and light to be mistaken for people; panoramas, if
any are given, bring the clutter of real places.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from mtmc.calibration import Camera
from mtmc.errors import InputError
from mtmc.types import Float32Array, Image
from mtmc.worlds.aiming import look_at
from mtmc.worlds.lab_room import ROOM_X, ROOM_Y
from mtmc.worlds.render_room import room_view

SIZE = (640, 480)
"""Width and height of a backdrop."""
FIELD_OF_VIEW = (0.7, 1.6)
"""Of views into panoramas, radians across."""
PANORAMA_SUFFIXES = (".hdr", ".jpg", ".png")
ROOM_SHARE, PANORAMA_SHARE = 0.15, 0.5
WHITE_PERCENTILE = 93.0


def draw_backdrops(
    count: int,
    seed: int,
    panoramas: Sequence[Image] = (),
    on_backdrop: Callable[[], None] = lambda: None,
) -> list[Image]:
    """Draw backdrops (480, 640, 3) uint8; panoramas are equirectangular."""
    rng = np.random.default_rng([seed, 2])
    drawn = []
    for _ in range(count):
        kind = rng.random()
        if kind < ROOM_SHARE:
            image = _room(rng)
        elif panoramas and kind < ROOM_SHARE + PANORAMA_SHARE:
            image = _view(panoramas[int(rng.integers(len(panoramas)))], rng)
        else:
            image = _made_up(rng)
        drawn.append(image)
        on_backdrop()
    return drawn


def read_panoramas(folder: Path) -> list[Image]:
    """Equirectangular pictures of places without people, brought to 8 bits."""
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in PANORAMA_SUFFIXES)
    images = []
    for path in paths:
        pixels = cv2.imread(str(path), cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR)
        if pixels is None:
            raise InputError(f"{path}: not a readable image")
        light = pixels.astype(np.float32)
        if path.suffix.lower() == ".hdr":
            light = (light / np.percentile(light, WHITE_PERCENTILE)) ** (1 / 2.2) * 235
        images.append(np.clip(light, 0, 255).astype(np.uint8))
    return images


def _view(panorama: Image, rng: np.random.Generator) -> Image:
    """What a pinhole camera in the middle of a panorama sees."""
    width, height = SIZE
    focal = width / 2 / np.tan(rng.uniform(*FIELD_OF_VIEW) / 2)
    yaw, pitch = rng.uniform(0, 2 * np.pi), rng.uniform(-0.15, 0.6)
    x, y = np.meshgrid(
        (np.arange(width) - width / 2) / focal, (np.arange(height) - height / 2) / focal
    )
    down = y * np.cos(pitch) + np.sin(pitch)
    ahead = np.cos(pitch) - y * np.sin(pitch)
    azimuth = yaw + np.arctan2(x, ahead)
    below = np.arctan2(down, np.hypot(x, ahead))
    u = (azimuth / (2 * np.pi) % 1.0) * panorama.shape[1]
    v = (below / np.pi + 0.5) * panorama.shape[0]
    return np.asarray(cv2.remap(panorama, u.astype(np.float32), v.astype(np.float32),
                                cv2.INTER_CUBIC, borderMode=cv2.BORDER_WRAP), np.uint8)  # fmt: skip


def _room(rng: np.random.Generator) -> Image:
    """The furnished room of the LAB-like world from anywhere, painted anew."""
    inside = [rng.uniform(low + 0.2, high - 0.2) for low, high in (ROOM_X, ROOM_Y)]
    place = np.array([*inside, rng.uniform(1.2, 2.8)])
    aim = np.array([rng.uniform(*ROOM_X), rng.uniform(*ROOM_Y), rng.uniform(0.2, 1.2)])
    rotation = look_at(place, aim)
    width, height = SIZE
    focal = rng.uniform(0.5, 1.1) * width
    matrix = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1.0]])
    image = room_view(Camera("room", matrix, rotation, -rotation @ place, SIZE)).image
    mix = np.eye(3) + rng.normal(0, 0.12, (3, 3))
    return np.clip(image.astype(np.float32) @ mix.astype(np.float32), 0, 255).astype(np.uint8)


def _made_up(rng: np.random.Generator) -> Image:
    """Ground, walls and a clutter of textured shapes."""
    width, height = SIZE
    image = np.empty((height, width, 3), np.float32)
    horizon = round(height * rng.uniform(-0.2, 0.7))
    image[: max(horizon, 0)] = _texture(rng)[: max(horizon, 0)]
    image[max(horizon, 0) :] = _texture(rng)[max(horizon, 0) :]
    for _ in range(rng.integers(0, 20)):
        mask = np.zeros((height, width), np.uint8)
        cv2.fillPoly(mask, [_shape(rng)], (255,))
        image[mask > 0] = _texture(rng)[mask > 0]
    ramp = np.linspace(rng.uniform(0.6, 1.3), rng.uniform(0.6, 1.3), width, dtype=np.float32)
    image *= ramp[None, :, None]
    return np.clip(image, 0, 255).astype(np.uint8)


def _texture(rng: np.random.Generator) -> Float32Array:
    """One colour with grain of a random scale, sometimes stripes or tiles: (480, 640, 3)."""
    width, height = SIZE
    colour = np.clip(rng.uniform(20, 235) + rng.normal(0, 22, 3), 5, 250)
    image = np.empty((height, width, 3), np.float32)
    image[:] = colour
    for _ in range(rng.integers(1, 4)):
        cell = float(np.exp(rng.uniform(np.log(2), np.log(160))))
        coarse = rng.normal(
            0, rng.uniform(1, 22), (round(height / cell) + 2, round(width / cell) + 2)
        )
        grain = cv2.resize(
            coarse.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC
        )
        image += grain[..., None]
    if rng.random() < 0.4:
        angle, period = rng.uniform(0, np.pi), np.exp(rng.uniform(np.log(4), np.log(90)))
        x, y = np.meshgrid(np.arange(width), np.arange(height))
        wave = np.cos((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period)
        image += (rng.uniform(-50, 50) * (wave > rng.uniform(-0.9, 0.9)))[..., None]
    return image


def _shape(rng: np.random.Generator) -> np.ndarray[tuple[int, int], np.dtype[np.int32]]:
    """Corners of a box, an ellipse or something crooked; upright ones are as slim as people."""
    middle = rng.uniform(0, 1, 2) * SIZE
    size = np.exp(rng.uniform(np.log(8), np.log(240), 2))
    if rng.random() < 0.4:
        size[0] = size[1] * rng.uniform(0.1, 0.6)
    kind = rng.random()
    if kind < 0.5:
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) / 2
    elif kind < 0.75:
        angle = np.linspace(0, 2 * np.pi, 20, endpoint=False)
        corners = np.stack([np.cos(angle), np.sin(angle)], axis=1) / 2
    else:
        angle = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 8)))
        corners = np.stack([np.cos(angle), np.sin(angle)], axis=1) / 2
    return np.asarray(np.rint(middle + size * corners), np.int32)
