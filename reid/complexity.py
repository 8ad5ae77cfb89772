"""Parameters and operations of a network, counted the way papers of this field count them.

Convolutions, linear layers and the matrix products that sample regions count one operation per
multiply-accumulate, batch norms two per element; pooling, activations and attention products are
not counted. Classifiers are not part of the networks here, so they are not counted either.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from .attention import CropRegions
from .models.descriptor import ReIDNet

OPERATIONS_PER_NORMED_ELEMENT = 2


class Complexity(NamedTuple):
    """Size of a network.

    Attributes
    ----------
    params_m : float
        Trainable values in millions.
    flops_g : float
        Operations for one image in billions.
    """

    params_m: float
    flops_g: float


def _operations(module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> int:
    if isinstance(module, nn.Conv2d | nn.Linear):
        return output.numel() * module.weight[0].numel()
    if isinstance(module, CropRegions):
        # First every row of the crops from all rows of the map, then every pixel from that row.
        map_height, map_width = (int(side) for side in inputs[0].shape[2:])
        rows = output.numel() // output.shape[3] * map_width
        return rows * map_height + output.numel() * map_width
    return OPERATIONS_PER_NORMED_ELEMENT * output.numel()


@torch.no_grad()
def complexity(model: ReIDNet) -> Complexity:
    """Count for one image of the network's own input size, in eval mode (restored afterwards)."""
    total = 0

    def add(module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
        nonlocal total
        total += _operations(module, inputs, output)

    counted = (nn.Conv2d, nn.Linear, nn.BatchNorm1d, nn.BatchNorm2d, CropRegions)
    hooks = [m.register_forward_hook(add) for m in model.modules() if isinstance(m, counted)]
    parameter = next(model.parameters())
    images = parameter.new_zeros((1, 3, *model.config.input_size))
    was_training = model.training
    try:
        model.eval()(images)
    finally:
        model.train(was_training)
        for hook in hooks:
            hook.remove()
    params = sum(p.numel() for p in model.parameters())
    return Complexity(params / 1e6, total / 1e9)
