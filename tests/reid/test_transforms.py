"""Augmentation on whole batches against one image at a time, written plainly."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mtmc.reid.spec import InputSpec
from mtmc.reid.transforms import AugmentConfig, Draws, Normaliser, augment, draw_epoch

SPEC = InputSpec(20, 8)
OFF = AugmentConfig(erase_probability=0.0)


@pytest.fixture
def pixels() -> torch.Tensor:
    return torch.randint(0, 256, (16, 20, 8, 3), generator=torch.Generator().manual_seed(0)).to(
        torch.uint8
    )


def one_image(pixels: np.ndarray, flip: bool, shift, erase) -> np.ndarray:
    """Literal: mirror, pad with the mean, cut out, erase with the mean; all after normalising."""
    image = (pixels / 255.0 - np.array(SPEC.mean)) / np.array(SPEC.std)
    if flip:
        image = image[:, ::-1]
    pad = 10
    padded = np.pad(image, ((pad, pad), (pad, pad), (0, 0)))
    dy, dx = shift
    image = padded[pad + dy : pad + dy + 20, pad + dx : pad + dx + 8].copy()
    top, left, bottom, right = erase
    image[top:bottom, left:right] = 0
    return image.transpose(2, 0, 1)


def test_batch_is_what_one_image_at_a_time_gives(pixels):
    config = AugmentConfig(erase_probability=0.7, flip=True, crop_padding=3)
    draws = draw_epoch((16,), config, SPEC, np.random.default_rng(1))
    ours = augment(pixels, draws, Normaliser(SPEC)).numpy()
    for row in range(16):
        # a shift of a mirrored image moves the other way in the picture before mirroring
        dy, dx = draws.shift[row].tolist()
        flip = bool(draws.flip[row])
        expected = one_image(
            pixels[row].numpy(), flip, (dy, -dx if flip else dx), draws.erase[row].tolist()
        )
        np.testing.assert_allclose(ours[row], expected, atol=1e-5)


def test_nothing_switched_on_is_normalisation(pixels):
    draws = draw_epoch((16,), OFF, SPEC, np.random.default_rng(0))
    ours = augment(pixels, draws, Normaliser(SPEC))
    assert torch.equal(ours, Normaliser(SPEC)(pixels).permute(0, 3, 1, 2))
    assert ours.is_contiguous(memory_format=torch.channels_last)


def test_bgr_and_scale_of_a_specification(pixels):
    spec = InputSpec(20, 8, "bgr", (1.0, 2.0, 3.0), (2.0, 4.0, 8.0), scale=1.0)
    ours = Normaliser(spec)(pixels).numpy()
    expected = (pixels.numpy().astype(np.float64) - [1, 2, 3]) / [2, 4, 8]
    np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-5)


def test_same_generator_same_draws():
    config = AugmentConfig(flip=True, crop_padding=2)
    first, again, other = (
        draw_epoch((5, 32), config, SPEC, np.random.default_rng(seed)) for seed in (4, 4, 5)
    )
    assert torch.equal(first.erase, again.erase)
    assert torch.equal(first.shift, again.shift)
    assert torch.equal(first.flip, again.flip)
    assert not torch.equal(first.erase, other.erase)


def test_one_batch_of_an_epoch():
    draws = draw_epoch((5, 32), AugmentConfig(), SPEC, np.random.default_rng(0))
    assert torch.equal(draws[3].erase, draws.erase[3])
    assert draws[3].flip.shape == (32,)


def test_erased_rectangles_keep_to_the_parameters():
    spec = InputSpec(160, 64)
    config = AugmentConfig()
    draws = draw_epoch((200, 100), config, spec, np.random.default_rng(0))
    erase = draws.erase.numpy().reshape(-1, 4)
    hit = erase.any(axis=1)
    assert hit.mean() == pytest.approx(0.5, abs=0.015)
    top, left, bottom, right = erase[hit].T
    height, width = bottom - top, right - left
    assert (top >= 0).all()
    assert (left >= 0).all()
    assert (bottom <= 160).all()
    assert (right <= 64).all()
    # sides are rounded to whole pixels
    area = height * width / (160 * 64)
    assert area.min() > 0.02 * 0.9
    assert area.max() < 0.4 * 1.05
    aspect = height / width
    assert aspect.min() > 0.3 * 0.9
    assert aspect.max() < 3.3 * 1.1
    # positions are uniform: the mean free space is halved
    assert (top / (160 - height)).mean() == pytest.approx(0.5, abs=0.02)


def test_no_erasing_at_probability_zero_and_always_at_one():
    rng = np.random.default_rng(0)
    assert not draw_epoch((500,), OFF, InputSpec(160, 64), rng).erase.any()
    always = AugmentConfig(erase_probability=1.0)
    erased = draw_epoch((500,), always, InputSpec(160, 64), rng).erase.any(dim=1)
    assert erased.float().mean() > 0.99


def test_flip_and_shift_are_off_by_default():
    draws = draw_epoch((500,), AugmentConfig(), SPEC, np.random.default_rng(0))
    assert not draws.flip.any()
    assert not draws.shift.any()


def test_crop_shifts_lie_within_the_padding():
    config = AugmentConfig(crop_padding=3)
    shift = draw_epoch((2000,), config, SPEC, np.random.default_rng(0)).shift
    assert set(shift.unique().tolist()) == set(range(-3, 4))


def test_draws_move_to_a_device():
    draws = draw_epoch((4,), AugmentConfig(), SPEC, np.random.default_rng(0))
    moved = draws.to(torch.device("cpu"))
    assert isinstance(moved, Draws)
    assert torch.equal(moved.erase, draws.erase)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"erase_probability": 1.5}, "erase_probability: expected 0 to 1"),
        ({"erase_area": (0.5, 0.1)}, "erase_area: expected 0 < low <= high < 1"),
        ({"erase_aspect": (0.0, 1.0)}, "erase_aspect: expected 0 < low <= high"),
        ({"crop_padding": -1}, "crop_padding: expected 0 or more"),
    ],
)
def test_config_is_checked(changes, message):
    with pytest.raises(ValueError, match=message):
        AugmentConfig(**changes)
