"""A small world for trackers: people who walk straight, seen through noise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mtmc.trackers.types import Detections, FloatArray

World = list[tuple[Detections, list[int]]]
FPS = 30.0


def _embedding(person: int, rng: np.random.Generator, dim: int = 16) -> FloatArray:
    looks = np.random.default_rng(person).normal(size=dim)
    looks = looks / np.linalg.norm(looks) + rng.normal(0, 0.02, dim)
    return looks / np.linalg.norm(looks)


@pytest.fixture
def make_world() -> Callable[..., World]:
    """Builder of frames: detections and, row by row, who they are (0 for a false alarm)."""

    def build(
        seed: int,
        people: int = 6,
        frames: int = 40,
        dropout: float = 0.1,
        clutter: float = 0.5,
        embeddings: bool = True,
    ) -> World:
        rng = np.random.default_rng(seed)
        start, speed = rng.uniform(0, 600, (people, 2)), rng.normal(0, 3, (people, 2))
        size = np.stack([rng.uniform(30, 60, people), rng.uniform(80, 160, people)], axis=1)
        world: World = []
        for frame in range(frames):
            centre = start + frame * speed + rng.normal(0, 1.0, (people, 2))
            xyxy = np.hstack([centre - size / 2, centre + size / 2])
            who = np.flatnonzero(rng.random(people) >= dropout)
            scores = rng.uniform(0.2, 1.0, len(who))
            corner = rng.uniform(0, 600, (rng.poisson(clutter), 2))
            false = np.hstack([corner, corner + rng.uniform(20, 150, corner.shape)])
            names = [int(person) + 1 for person in who] + [0] * len(false)
            looks = [_embedding(name or 1000 + frame, rng) for name in names]
            world.append(
                (
                    Detections(
                        np.vstack([xyxy[who], false]),
                        np.concatenate([scores, rng.uniform(0.1, 0.8, len(false))]),
                        np.array(looks, np.float32).reshape(-1, 16) if embeddings else None,
                    ),
                    names,
                )
            )
        return world

    return build
