from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtmc.detectors.background import BackgroundConfig, BackgroundModel, evidence, exposure, median

SIZE = (48, 64)
QUICK = BackgroundConfig(samples=9, interval=2, warm_up=5)


def place(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(60, 160, (*SIZE, 3)).astype(np.uint8)


def noisy(image: np.ndarray, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 2, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def walking(step: int, background: np.ndarray) -> tuple[np.ndarray, tuple[slice, slice]]:
    """A bright figure of 8 by 20 pixels, three pixels further with every step."""
    image = noisy(background, step)
    here = (slice(14, 34), slice(2 + 3 * step, 10 + 3 * step))
    image[here] = 240
    return image, here


@given(st.integers(1, 12), st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_median_is_that_of_sorting(count, seed):
    images = np.random.default_rng(seed).integers(0, 256, (count, 5, 7, 3), dtype=np.uint8)
    np.testing.assert_array_equal(median(list(images)), np.sort(images, axis=0)[count // 2])


def test_a_still_place_is_learnt_and_a_moving_thing_found():
    model, background = BackgroundModel(QUICK), place()
    found = [model.update(walking(step, background)[0]) for step in range(18)]
    assert all(answer is None for answer in found[: QUICK.warm_up])
    assert model.background is not None
    assert np.abs(model.background.astype(int) - background).max() <= 8
    image, here = walking(15, background)
    answer = evidence(image, model.background)
    assert answer[here][2:-2, 2:-2].min() > 0.9
    elsewhere = np.ones(SIZE, bool)
    elsewhere[12:36, 45:59] = False
    assert answer[elsewhere].max() < 0.2


def test_a_change_of_exposure_is_no_foreground():
    background = place()
    brighter = np.clip(background * 1.3, 0, 255).astype(np.uint8)
    assert exposure(brighter, background) == pytest.approx(1.3, abs=0.02)
    assert evidence(brighter, background).mean() < 0.02
    # the same change without a common exposure: one half of the place alone
    half = background.copy()
    half[:, 32:] = brighter[:, 32:]
    assert evidence(half, background)[:, 34:].mean() > 0.2


def test_evidence_is_the_equation_where_nothing_is_smoothed():
    background = np.full((20, 20, 3), 100, np.uint8)
    image = background.copy()
    image[:, 10:, 2] = 130  # red alone: exposure is measured in green
    answer = evidence(image, background)
    np.testing.assert_allclose(answer[:, 12:], 1 - np.exp(-((30 / 24) ** 2)), rtol=1e-5)
    np.testing.assert_array_equal(answer[:, :8], 0)


def test_a_dark_image_has_no_exposure():
    black = np.zeros((*SIZE, 3), np.uint8)
    assert exposure(black, black) == 1.0
    assert not evidence(black, black).any()


def test_who_stays_becomes_background_and_who_passes_does_not():
    model, background = BackgroundModel(QUICK), place()
    standing = background.copy()
    standing[14:34, 40:48] = 240
    for step in range(40):
        model.update(noisy(background, step))
    for step in range(3 * QUICK.interval):  # less than half of the samples
        answer = model.update(noisy(standing, step))
        assert answer is not None
        assert answer[18:30, 42:46].min() > 0.9
    for step in range(QUICK.samples * QUICK.interval):
        answer = model.update(noisy(standing, step))
    assert answer[18:30, 42:46].max() < 0.2


@pytest.mark.parametrize("other", [place(7), np.zeros((24, 32, 3), np.uint8)],
                         ids=["camera-moved", "size-changed"])  # fmt: skip
def test_learning_starts_anew(other):
    model, background = BackgroundModel(QUICK), np.zeros((*SIZE, 3), np.uint8)
    for _ in range(20):
        model.update(background)
    other = np.where(other > 100, 255, 90).astype(np.uint8)
    assert model.update(other) is None
    assert model.background is None
    for _ in range(QUICK.warm_up):
        answer = model.update(other)
    assert answer is not None
    assert not answer.any()


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"samples": 2}, "samples"), ({"interval": 0}, "interval"), ({"warm_up": 2}, "warm_up"),
     ({"samples": 5, "warm_up": 6}, "warm_up"), ({"moved_share": 0.0}, "moved_share")],
)  # fmt: skip
def test_wrong_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=f"^{message}: expected"):
        BackgroundConfig(**settings)
