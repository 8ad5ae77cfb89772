from __future__ import annotations

import numpy as np

from mtmc.stillness import Stillness


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(98, 103, (40, 60, 3)).astype(np.uint8)


def test_noise_is_left_out_and_what_moves_is_shown() -> None:
    still = Stillness(8)
    first = still(noise(0)).copy()
    np.testing.assert_array_equal(still(noise(1)), first)
    moved = noise(2)
    moved[10:20, 10:20] = 200
    shown = still(moved)
    np.testing.assert_array_equal(shown[10:20, 10:20], 200)
    np.testing.assert_array_equal(shown[:, 40:], first[:, 40:])
    gone = still(noise(3))
    assert gone.max() < 110


def test_without_a_threshold_images_are_passed_on() -> None:
    still = Stillness(0)
    for seed in range(3):
        image = noise(seed)
        assert still(image) is image
