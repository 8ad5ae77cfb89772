"""Folded networks compute what the networks they came from compute in eval mode."""

from __future__ import annotations

import pytest
import torch

from mtmc.reid.blocks import ShuffleA, ShuffleB, interleave
from mtmc.reid.fold import fold_batch_norm, fold_for_inference
from mtmc.reid.layers import ConvBN, LinearBN
from mtmc.reid.models import MODELS, build
from mtmc.reid.unshuffle import StraightStage, route_channels


def randomise(module: torch.nn.Module) -> torch.nn.Module:
    """Statistics, powers and centres as after some training, so that nothing is at its default."""
    generator = torch.Generator().manual_seed(0)
    for part in module.modules():
        if isinstance(part, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            part.running_mean.normal_(0, 0.3, generator=generator)
            part.running_var.uniform_(0.5, 2.0, generator=generator)
            part.weight.data.uniform_(0.5, 1.5, generator=generator)
            part.bias.data.normal_(0, 0.3, generator=generator)
        if hasattr(part, "p"):
            part.p.data.uniform_(1.0, 6.0, generator=generator)
        if hasattr(part, "centres"):
            part.centres.weight.data.normal_(0, 0.1, generator=generator)
    return module


@pytest.mark.parametrize("name", MODELS)
def test_folded_models_equal_their_originals(name: str) -> None:
    model = randomise(build(name)).eval()
    images = torch.randn(2, 3, *model.config.input_size, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = model(images)
        folded = fold_for_inference(model)
        assert (folded(images) - expected).abs().max() < 1e-5
        assert torch.equal(model(images), expected)
    assert folded.embedding_dim == model.embedding_dim
    left = [type(m).__name__ for m in folded.modules() if isinstance(m, ConvBN | LinearBN)]
    assert left == []


@pytest.mark.parametrize(
    "switches",
    [
        {"neck": "batch_norm"},
        {"neck": "none", "region_fusion": "concatenate", "embedding_layers": 1},
        {"pooling": "average_max", "region_fusion": "concatenate"},
        {"pooling": "max", "embedding_relu": True},
        {"block": "inception"},
        {"channels": (12, 20, 28), "repeats": (3, 1, 6)},
    ],
    ids=str,
)
def test_every_switch_folds_exactly(switches: dict) -> None:
    small = {
        "stem_channels": 6,
        "channels": (8, 12, 16),
        "repeats": (1, 2, 3),
        "embedding": 10,
        "input_size": (64, 32),
        "region_size": (8, 8),
        "attention_reduction": 2,
    }
    torch.manual_seed(0)
    model = randomise(build("robust_reid_1x", **(small | switches))).double().eval()
    images = torch.randn(3, 3, 64, 32, dtype=torch.float64)
    with torch.no_grad():
        assert (fold_for_inference(model)(images) - model(images)).abs().max() < 1e-10


@pytest.mark.parametrize("repeats", [1, 2, 5, 9])
@pytest.mark.parametrize("half", [4, 6, 10])
def test_straight_stage_makes_the_halves_before_the_last_shuffle(half: int, repeats: int) -> None:
    torch.manual_seed(0)
    stage = torch.nn.Sequential(
        ShuffleB(6, 2 * half, stride=1),
        *(ShuffleA(2 * half) for _ in range(repeats)),
        ShuffleB(2 * half, 2 * half, stride=2),
    )
    randomise(stage).double().eval()
    reads = [5, 2, 0, 1, 4, 3]
    x = torch.randn(2, 6, 8, 4, dtype=torch.float64)
    with torch.no_grad():
        expected = stage(x)
        straight = StraightStage(stage, reads)(x[:, reads])
    mixed = interleave(*straight.chunk(2, dim=1))
    torch.testing.assert_close(mixed, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("half", "repeats"), [(4, 1), (6, 3), (64, 7)])
def test_routes_follow_tagged_channels_through_the_shuffles(half: int, repeats: int) -> None:
    channels = [(index % 2, index // 2) for index in range(2 * half)]
    routes = route_channels(half, repeats)
    for block in range(repeats):
        assert routes[block] == channels[half:]
        tags = torch.tensor(
            [[s, i] for s, i in channels[:half]] + [[block + 2, i] for i in range(half)]
        )
        mixed = interleave(*tags.T.reshape(2, 2, half, 1, 1).float().unbind(dim=1))
        channels = [(int(s), int(i)) for s, i in mixed[:, :, 0, 0].T.tolist()]
    assert routes[-1] == channels
    read = [channel for route in routes for channel in route]
    assert len(read) == len(set(read)) == half * (repeats + 2)


@pytest.mark.parametrize("unit", [ConvBN(3, 4, kernel=3, stride=2), LinearBN(5, 4)])
def test_fold_batch_norm(unit: torch.nn.Module) -> None:
    randomise(unit).double().eval()
    shape = (2, 3, 7, 7) if isinstance(unit, ConvBN) else (2, 5)
    x = torch.randn(shape, dtype=torch.float64)
    torch.testing.assert_close(fold_batch_norm(unit)(x), unit(x), rtol=1e-12, atol=1e-12)
