"""Places that are nowhere: what stands behind people, made of floors, walls, windows and leaves."""

from __future__ import annotations

import cv2
import numpy as np

from ..types import FloatArray, Image

SIZE = (384, 512)
"""Height and width of a backdrop, pixels; a person in front is about as high."""


def backdrop(rng: np.random.Generator) -> Image:
    """Draw a place (384, 512, 3) BGR, from the floor below to what is behind."""
    height, width = SIZE
    image = np.empty((height, width, 3))
    horizon = int(height * rng.uniform(0.0, 0.75))
    image[:horizon] = _surface(rng, (horizon, width))
    image[horizon:] = _surface(rng, (height - horizon, width))
    _tiles(rng, image[horizon:])
    for _ in range(int(rng.integers(2, 18))):
        _block(rng, image, horizon)
    if rng.random() < 0.35:
        _leaves(rng, image[: max(horizon, height // 3)])
    image *= _patches(rng, SIZE, 3)[..., None] * 0.5 + 0.75  # light and shade
    return np.asarray(np.clip(image, 0, 255), np.uint8)


def cut(rng: np.random.Generator, place: Image, size: tuple[int, int]) -> Image:
    """A random part of a backdrop, mirrored or not, as (H, W, 3) of ``size`` (H, W)."""
    height = int(place.shape[0] * rng.uniform(0.35, 1.0))
    width = max(8, min(place.shape[1], int(height * size[1] / size[0])))
    top = int(rng.integers(place.shape[0] - height + 1))
    left = int(rng.integers(place.shape[1] - width + 1))
    part = place[top : top + height, left : left + width]
    if rng.random() < 0.5:
        part = part[:, ::-1]
    return np.asarray(cv2.resize(part, size[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)


def paint_colour(rng: np.random.Generator) -> FloatArray:
    """A colour of walls and things (3,) BGR: mostly dull."""
    grey = rng.uniform(25, 235)
    return np.asarray(np.clip(grey + rng.normal(0, rng.choice([4, 15, 50]), 3), 8, 245))


def _surface(rng: np.random.Generator, size: tuple[int, int]) -> FloatArray:
    """One colour, spotted and grained."""
    rough = _patches(rng, size, 5) - 0.5
    grain = rng.normal(0, rng.uniform(0, 7), size)
    return np.asarray(paint_colour(rng) * (1 + 0.3 * rough[..., None]) + grain[..., None])


def _patches(rng: np.random.Generator, size: tuple[int, int], octaves: int) -> FloatArray:
    """Smooth noise in [0, 1] of a size (H, W)."""
    total = np.zeros(size)
    if 0 in size:
        return total
    for octave in range(octaves):
        cells = rng.random((2 + 2**octave, 2 + 2**octave))
        smooth = np.asarray(cv2.resize(cells, size[::-1], interpolation=cv2.INTER_CUBIC), float)
        total += smooth / 1.6**octave
    total -= total.min()
    return np.asarray(total / max(float(total.max()), 1e-9))


def _tiles(rng: np.random.Generator, floor: FloatArray) -> None:
    """Joints of paving, or boards; a floor may have none."""
    if len(floor) < 8 or rng.random() < 0.4:
        return
    shade = rng.uniform(0.6, 1.3)
    steps = np.cumsum(np.linspace(6, rng.uniform(14, 60), 40)).astype(int)
    for row in steps[steps < len(floor) - 1]:
        floor[row : row + 1 + row // 120] *= shade
    middle = floor.shape[1] * rng.uniform(0, 1)
    for foot in np.arange(-600, 1200, rng.uniform(25, 90)):
        mask = np.zeros(floor.shape[:2], np.uint8)
        cv2.line(mask, (int(middle), -60), (int(foot), len(floor)), (1,), 1)
        floor[mask > 0] *= shade


def _block(rng: np.random.Generator, image: FloatArray, horizon: int) -> None:
    """A door, window, pillar, car or box, with an edge and sometimes bars."""
    height, width = image.shape[:2]
    x, w = int(rng.integers(-40, width)), int(rng.uniform(10, 160))
    foot = int(np.clip(horizon + rng.normal(0, 90), 20, height))
    h = int(rng.uniform(20, 300))
    part = image[max(0, foot - h) : foot, max(0, x) : max(0, x + w)]
    if not part.size:
        return
    part[:] = paint_colour(rng)
    part *= (0.85 + 0.3 * _patches(rng, part.shape[:2], 3))[..., None]
    if rng.random() < 0.4:
        part[:: int(rng.integers(4, 30))] *= rng.uniform(0.4, 1.4)
    if rng.random() < 0.3:
        part[:, :: int(rng.integers(4, 30))] *= rng.uniform(0.4, 1.4)
    edge = int(rng.integers(0, 4))
    part[:edge], part[:, :edge] = part[:edge] * 0.6, part[:, :edge] * 0.6


def _leaves(rng: np.random.Generator, part: FloatArray) -> None:
    """Bushes: green noise where another noise is high."""
    size = part.shape[:2]
    where = _patches(rng, size, 4) > rng.uniform(0.45, 0.7)
    leaf = np.array([rng.uniform(20, 70), rng.uniform(60, 140), rng.uniform(30, 100)])
    fine = cv2.resize(rng.random((size[0] // 4 + 1, size[1] // 4 + 1)), size[::-1])
    part[where] = (leaf * (0.4 + 1.2 * fine[..., None]))[where]
