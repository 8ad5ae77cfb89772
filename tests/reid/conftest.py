from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from mtmc.reid.gallery import Crops, Gallery, GalleryConfig

DIM = 32


def person_image(identity: int, camera: int, seed: int, size: tuple[int, int] = (128, 64)):
    """A person as coat and trousers of identity-specific colours, with noise: (h, w, 3) uint8."""
    height, width = size
    colours = np.random.default_rng(identity).integers(30, 226, (2, 3))
    rng = np.random.default_rng([identity, camera, seed])
    image = np.full((height, width, 3), 90 + 15 * camera, np.float64)
    image[height // 6 : height // 2, width // 4 : -width // 4] = colours[0]
    image[height // 2 :, width // 3 : -width // 3] = colours[1]
    image += rng.normal(0, 12, image.shape)
    return image.clip(0, 255).astype(np.uint8)


def write_person(path: Path, identity: int, camera: int, seed: int, **kwargs) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # The last suffix decides the format, so that names like x.jpg.jpg work.
    encoded = cv2.imencode(path.suffix, person_image(identity, camera, seed, **kwargs))[1]
    path.write_bytes(encoded.tobytes())


@pytest.fixture
def draw_person() -> Callable[..., None]:
    return write_person


@pytest.fixture(scope="session")
def mini_market(tmp_path_factory) -> Path:
    """A tiny data set in Market-1501's layout with all of its traps.

    12 people to learn from (5 to 7 images), 4 to test on, in 3 cameras.
    """
    root = tmp_path_factory.mktemp("mini") / "Market-1501-v15.09.15"
    for identity in range(2, 14):
        for number in range(5 + identity % 3):
            camera = 1 + number % 3
            name = f"{identity:04d}_c{camera}s1_{number:06d}_00.jpg"
            write_person(root / "bounding_box_train" / name, identity, camera, number)
    for identity in range(20, 24):
        for camera in (1, 2, 3):
            name = f"{identity:04d}_c{camera}s1_{0:06d}_00.jpg"
            write_person(root / "query" / name, identity, camera, 0)
            for number in (1, 2):
                name = f"{identity:04d}_c{camera}s1_{number:06d}_00.jpg"
                write_person(root / "bounding_box_test" / name, identity, camera, number)
    test = root / "bounding_box_test"
    write_person(test / "-1_c1s1_000001_00.jpg", 90, 1, 0)  # junk: dropped
    write_person(test / "-1_c4s6_022316_11.jpg.jpg", 90, 4, 1)
    write_person(test / "0000_c1s1_000151_01.jpg", 91, 1, 0)  # distractors: kept
    write_person(test / "0000_c2s6_023071_04.jpg.jpg", 92, 2, 0)
    for part in ("bounding_box_train", "bounding_box_test", "query"):
        (root / part / "Thumbs.db").write_bytes(b"not an image")
    return root


def person_vectors(identity: int, count: int, seed: int = 0, noise: float = 0.2) -> np.ndarray:
    """Vectors (count, DIM) of one person: a direction of their own, with noise."""
    centre = np.random.default_rng(identity).normal(size=DIM)
    centre /= np.linalg.norm(centre)
    drawn = np.random.default_rng([identity, seed]).normal(size=(count, DIM))
    vectors = centre + noise * drawn / np.sqrt(DIM)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def person_crops(
    identity: int, count: int, camera: int = 0, tracklet: int = 1, seed: int = 0
) -> Crops:
    return Crops.of_tracklet(
        person_vectors(identity, count, seed), camera, tracklet, np.arange(float(count))
    )


def filled_gallery(people: int, config: GalleryConfig | None = None) -> Gallery:
    gallery = Gallery(DIM, config)
    for identity in range(1, people + 1):
        gallery.add(identity, person_crops(identity, 6))
    return gallery


@pytest.fixture
def person() -> Callable[..., np.ndarray]:
    return person_vectors


@pytest.fixture
def crops() -> Callable[..., Crops]:
    return person_crops


@pytest.fixture
def filled() -> Callable[..., Gallery]:
    return filled_gallery
