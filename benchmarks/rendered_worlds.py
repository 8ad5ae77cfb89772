"""Crops of the rendered LAB-like world with true identities, to tell people apart in."""

from __future__ import annotations

import numpy as np

from mtmc.reid.crops import Image, crop
from mtmc.worlds.clothes import world_looks
from mtmc.worlds.lab import LabConfig, simulate_lab
from mtmc.worlds.lab_room import lab_cameras
from mtmc.worlds.render import Renderer

EVERY_S = 2.0
LEAST_VISIBLE = 0.5
LEAST_HEIGHT_PX = 30
PEOPLE_PER_WORLD = 1000
"""Identities of world s are counted from s times this, so that no two worlds share one."""


def world_crops(
    preset: str, seed: int, seconds: float
) -> tuple[list[Image], np.ndarray, np.ndarray]:
    """Crops, identities (N,) and cameras (N,) of everybody who shows, every two seconds."""
    config = LabConfig(preset, seed, seconds)
    world = simulate_lab(config)
    looks = world_looks(seed, len(world.height_m))
    crops: list[Image] = []
    identities, cameras = [], []
    for number, camera in enumerate(lab_cameras(), 1):
        renderer = Renderer(world, looks, camera, seed)
        for frame in range(0, config.frames, round(EVERY_S * config.frame_rate)):
            picture = renderer.picture(frame)
            for person in np.flatnonzero(picture.visible >= LEAST_VISIBLE):
                box = picture.xyxy[person]
                pixels = crop(picture.image, box)
                if pixels is None or box[3] - box[1] < LEAST_HEIGHT_PX:
                    continue
                crops.append(pixels.copy())
                identities.append(seed * PEOPLE_PER_WORLD + int(person) + 1)
                cameras.append(number)
    return crops, np.array(identities), np.array(cameras)
