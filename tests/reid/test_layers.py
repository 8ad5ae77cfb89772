"""Pooling, cropping, blocks and attention against independent computations."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from mtmc.reid.attention import (
    INITIAL_CENTRES,
    REGION_SCALE_XY,
    CropRegions,
    HardAttention,
    SoftAttention,
)
from mtmc.reid.blocks import InceptionA, InceptionB, ShuffleA, ShuffleB, interleave
from mtmc.reid.layers import GeM, l2_normalize, make_pooling


def test_gem_is_the_generalised_mean() -> None:
    x = torch.rand(3, 4, 5, 2, dtype=torch.float64) + 0.1
    gem = GeM(4).double()
    gem.p.data = torch.tensor([1.0, 2.0, 3.0, 6.5], dtype=torch.float64)
    p = gem.p[:, None, None]
    expected = x.pow(p).mean(dim=(2, 3)).pow(1 / gem.p)
    torch.testing.assert_close(gem(x), expected, rtol=1e-12, atol=0)


def test_gem_lies_between_average_and_maximum() -> None:
    x = torch.rand(2, 3, 6, 6)
    gem = GeM(3)
    gem.p.data.fill_(1.0)
    torch.testing.assert_close(gem(x), x.mean(dim=(2, 3)))
    gem.p.data.fill_(2000.0)  # x^2000 itself would underflow
    torch.testing.assert_close(gem(x), x.amax(dim=(2, 3)), rtol=1e-2, atol=0)


def test_gem_gradients_reach_input_and_power() -> None:
    gem = GeM(2).double()
    x = (torch.rand(2, 2, 3, 3, dtype=torch.float64) + 0.1).requires_grad_()
    assert torch.autograd.gradcheck(lambda v, p: _gem_with(gem, v, p), (x, gem.p))


def _gem_with(gem: GeM, x: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
    return torch.func.functional_call(gem, {"p": p}, (x,))


@pytest.mark.parametrize("fill", [0.0, 1e-30, 1e4])
def test_gem_is_finite_in_half_precision(fill: float) -> None:
    x = torch.full((2, 3, 4, 4), fill).bfloat16().requires_grad_()
    gem = GeM(3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = gem(x)
    y.sum().backward()
    assert y.dtype == torch.float32
    assert torch.isfinite(y).all()
    assert torch.isfinite(gem.p.grad).all()
    assert torch.isfinite(x.grad).all()


@pytest.mark.parametrize(("name", "width"), [("average", 3), ("max", 3), ("average_max", 6)])
def test_poolings(name: str, width: int) -> None:
    x = torch.randn(2, 3, 4, 5)
    pooling, out = make_pooling(name, 3)
    average = F.avg_pool2d(x, (4, 5)).flatten(1)
    maximum = F.max_pool2d(x, (4, 5)).flatten(1)
    expected = {"average": average, "max": maximum}.get(name, torch.cat((average, maximum), 1))
    assert out == width
    torch.testing.assert_close(pooling(x), expected)


def test_unknown_pooling_names_the_choices() -> None:
    with pytest.raises(ValueError, match="expected one of average, max, gem, average_max"):
        make_pooling("median", 3)


def test_l2_normalize_keeps_the_gradient_of_a_zero_vector_finite() -> None:
    x = torch.zeros(1, 4, requires_grad=True)
    l2_normalize(x).sum().backward()
    assert torch.isfinite(x.grad).all()
    assert l2_normalize(torch.full((1, 4), 3.0, dtype=torch.bfloat16)).dtype == torch.float32


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    map_size=st.tuples(st.integers(2, 20), st.integers(1, 9)),
    size=st.tuples(st.integers(1, 8), st.integers(1, 8)),
    reach=st.floats(0.0, 3.0),
)
def test_crop_regions_equals_grid_sample(
    seed: int, map_size: tuple[int, int], size: tuple[int, int], reach: float
) -> None:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(2, 3, *map_size, generator=generator, dtype=torch.float64)
    centres = (torch.rand(2, 4, 2, generator=generator, dtype=torch.float64) * 2 - 1) * reach
    crops = CropRegions(size)(x, centres)
    assert crops.shape == (8, 3, *size)
    for image in range(2):
        for region in range(4):
            theta = torch.zeros(1, 2, 3, dtype=torch.float64)
            theta[0, 0, 0], theta[0, 1, 1] = REGION_SCALE_XY
            theta[0, :, 2] = centres[image, region]
            grid = F.affine_grid(theta, [1, 3, *size], align_corners=False)
            expected = F.grid_sample(x[image : image + 1], grid, align_corners=False)
            torch.testing.assert_close(crops[4 * image + region], expected[0])


def test_crop_regions_gradients() -> None:
    x = torch.randn(1, 2, 6, 4, dtype=torch.float64, requires_grad=True)
    centres = torch.tensor([[[0.03, -0.71], [0.2, 0.33]]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v, c: CropRegions((3, 2))(v, c), (x, centres))


def test_hard_attention_starts_at_the_four_bands() -> None:
    centres = HardAttention(6)(torch.randn(2, 6, 4, 4))
    expected = torch.tensor(INITIAL_CENTRES).expand(2, 4, 2)
    torch.testing.assert_close(centres, expected)


def test_initial_regions_see_their_band_only() -> None:
    x = torch.zeros(1, 1, 80, 32)
    x[:, :, :20] = 1  # the uppermost quarter
    crops = CropRegions((24, 28))(x, torch.tensor(INITIAL_CENTRES)[None])
    assert crops[0].mean() > 0.95
    assert crops[1].mean() < 0.05
    assert (crops[2:] == 0).all()


def test_soft_attention_has_the_shape_of_its_input_and_lies_in_0_to_1() -> None:
    x = torch.randn(2, 16, 10, 4)
    attention = SoftAttention(16, reduction=8)(x)
    assert attention.shape == x.shape
    assert (attention > 0).all()
    assert (attention < 1).all()


def test_reduction_beyond_the_width_is_refused() -> None:
    with pytest.raises(ValueError, match="reduction: expected 1 to 4, got 8"):
        SoftAttention(4, reduction=8)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("trained", [False, True])
def test_interleave_takes_turns_and_keeps_the_memory_format(
    memory_format: torch.memory_format, dtype: torch.dtype, trained: bool
) -> None:
    x = torch.arange(2 * 6 * 3 * 2, dtype=dtype).reshape(2, 6, 3, 2)
    halves = [half.contiguous(memory_format=memory_format) for half in x.chunk(2, dim=1)]
    mixed = interleave(*(half.requires_grad_(trained) for half in halves))
    assert torch.equal(mixed, x[:, [0, 3, 1, 4, 2, 5]])
    assert mixed.is_contiguous(memory_format=memory_format)


def test_interleave_has_the_gradients_of_a_permutation() -> None:
    halves = [
        torch.randn(2, 3, 4, 2, dtype=torch.float64)
        .to(memory_format=torch.channels_last)
        .requires_grad_()
        for _ in range(2)
    ]
    assert torch.autograd.gradcheck(interleave, halves)


@pytest.mark.parametrize(
    ("block", "shape"),
    [
        (InceptionA(8, 16), (2, 16, 10, 6)),
        (InceptionB(8, 16), (2, 16, 5, 3)),
        (ShuffleA(8), (2, 8, 10, 6)),
        (ShuffleB(8, 12, stride=1), (2, 12, 10, 6)),
        (ShuffleB(8, 12, stride=2), (2, 12, 5, 3)),
        (ShuffleB(8, 12, stride=2, middle=8), (2, 12, 5, 3)),
    ],
)
def test_block_shapes(block: torch.nn.Module, shape: tuple[int, ...]) -> None:
    assert block(torch.randn(2, 8, 10, 6)).shape == shape


def test_shuffle_a_passes_half_of_the_channels_to_the_even_places() -> None:
    x = torch.randn(2, 8, 5, 3)
    assert torch.equal(ShuffleA(8)(x)[:, ::2], x[:, :4])


@pytest.mark.parametrize("make", [lambda: InceptionA(8, 10), lambda: ShuffleB(8, 9, 2)])
def test_indivisible_widths_are_refused(make: object) -> None:
    with pytest.raises(ValueError, match="expected a width divisible by"):
        make()
