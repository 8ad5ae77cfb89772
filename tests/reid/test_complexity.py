"""Sizes of the networks: those of the papers, pinned."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from mtmc.reid.complexity import complexity
from mtmc.reid.models import build

# name: parameters in millions, operations in billions, each from-to. Robust-ReID: table 1 of the
# paper. OSNet: 2.2M and 0.2M, 978.9M and 82.3M without batch norms (Zhou et al. 2019). ResNet-50:
# 23.5M without classifier (He et al. 2016), 4.1B (as the paper cites for Luo et al.). HA-CNN: 2.7M
# is stated; the published arrangement gives 2.92M.
SIZES = {
    "ha_cnn": ((2.90, 2.94), (0.56, 0.57)),
    "robust_reid_1x": ((2.90, 2.93), (0.71, 0.72)),
    "robust_reid_2x": ((6.34, 6.40), (1.68, 1.69)),
    "osnet_x1_0": ((2.15, 2.24), (0.97, 1.00)),
    "osnet_x0_25": ((0.195, 0.205), (0.082, 0.087)),
    "resnet50_bot": ((23.5, 23.6), (4.05, 4.1)),
}


@pytest.mark.parametrize("name", SIZES)
def test_sizes(name: str) -> None:
    params, flops = SIZES[name]
    size = complexity(build(name))
    assert params[0] <= size.params_m <= params[1]
    assert flops[0] <= size.flops_g <= flops[1]


@pytest.mark.parametrize("name", ["robust_reid_1x", "osnet_x0_25"])
def test_multiply_accumulates_agree_with_torchs_counter(name: str) -> None:
    model = build(name).eval()
    images = torch.zeros(1, 3, *model.config.input_size)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(images)
    normed = 0

    def add(module: torch.nn.Module, inputs: object, output: torch.Tensor) -> None:
        nonlocal normed
        normed += 2 * output.numel()

    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            module.register_forward_hook(add)
    with torch.no_grad():
        model(images)
    expected = counter.get_total_flops() / 2 + normed  # torch counts multiply and add as two
    assert complexity(model).flops_g == pytest.approx(expected / 1e9, rel=1e-9)


def test_counting_leaves_the_model_as_it_was() -> None:
    model = build("osnet_x0_25").train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    complexity(model)
    assert model.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())
