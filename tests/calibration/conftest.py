"""Random cameras that look at the ground."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pytest

from mtmc.calibration import Camera, FisheyeDistortion, OpenCVDistortion, TsaiDistortion

LENSES = ("none", "opencv4", "opencv5", "opencv8", "fisheye", "tsai", "tsai-negative")


def random_lens(rng, kind):
    if kind == "none":
        return None
    if kind == "fisheye":
        return FisheyeDistortion(tuple(rng.normal(0, [0.05, 0.02, 0.01, 0.005])))
    if kind.startswith("tsai"):
        kappa = rng.uniform(0.01, 0.4)
        return TsaiDistortion((-0.25 * kappa if kind.endswith("negative") else kappa,))
    k1 = rng.uniform(-0.4, 0.15)
    p = rng.normal(0, 5e-4, 2)
    k2, k3 = rng.uniform(0.0, 0.3), rng.uniform(-0.05, 0.05)
    if kind == "opencv4":
        return OpenCVDistortion((k1, k2, *p))
    if kind == "opencv5":
        return OpenCVDistortion((k1, k2, *p, k3))
    return OpenCVDistortion((k1, k2, *p, k3, *rng.uniform(0.0, 0.1, 3)))


def look_at(position, target):
    """R, t of a camera at ``position`` that looks at ``target``, upright."""
    forward = (target - position) / np.linalg.norm(target - position)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    R = np.stack([right, np.cross(forward, right), forward])
    return R, -R @ position


def random_camera(rng, lens="none", name="camera"):
    """2–8 m high, 4–20 m from the point of the ground it looks at, slightly rolled, with skew."""
    bearing = rng.uniform(0, 2 * math.pi)
    away = rng.uniform(4.0, 20.0)
    target = np.append(rng.uniform(-3, 3, 2), 0.0)
    position = target + [
        away * math.cos(bearing),
        away * math.sin(bearing),
        rng.uniform(2.0, 8.0),
    ]
    R, t = look_at(position, target)
    roll = rng.normal(0, 0.1)
    R_roll = np.array(
        [
            [math.cos(roll), -math.sin(roll), 0],
            [math.sin(roll), math.cos(roll), 0],
            [0, 0, 1.0],
        ]
    )
    width, height = int(rng.integers(320, 2000)), int(rng.integers(240, 1100))
    focal = rng.uniform(0.6, 1.4) * width
    K = np.array(
        [
            [focal, rng.normal(0, 1.0), width / 2 + rng.normal(0, 10)],
            [0.0, focal * rng.uniform(0.95, 1.05), height / 2 + rng.normal(0, 10)],
            [0.0, 0.0, 1.0],
        ]
    )
    return Camera(name, K, R_roll @ R, R_roll @ t, (width, height), random_lens(rng, lens))


@pytest.fixture(scope="session")
def make_camera():
    """``make_camera(seed, lens, name)``."""

    def make(seed, lens="none", name="camera"):
        return random_camera(np.random.default_rng(seed), lens, name)

    return make


@pytest.fixture(scope="session")
def make_look_at():
    return look_at


@pytest.fixture(scope="session")
def data_root():
    """The folder of real data, or a skip."""
    root = os.environ.get("MTMC_DATA")
    if not root or not Path(root).is_dir():
        pytest.skip("MTMC_DATA is not set: no real data here")
    return Path(root)
