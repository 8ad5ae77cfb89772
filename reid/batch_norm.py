"""Statistics of batch norms for weights that have seen no data, such as averaged ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import nn


class _NormInputs:
    """Sums over everything that enters one batch norm: count, first and second moment, float64."""

    def __init__(self) -> None:
        self.count = 0
        self.first: torch.Tensor | float = 0.0
        self.second: torch.Tensor | float = 0.0

    def __call__(self, norm: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        """Forward pre-hook: take in (N, C, ...)."""
        values = inputs[0].double()
        axes = [axis for axis in range(values.ndim) if axis != 1]
        self.count += values.numel() // values.shape[1]
        self.first = self.first + values.sum(dim=axes)
        self.second = self.second + (values * values).sum(dim=axes)


@torch.no_grad()
def update_batch_norm(
    network: nn.Module, batches: Iterable[torch.Tensor], forward: Callable[[torch.Tensor], object]
) -> None:
    """Recompute the statistics of all batch norms for the present weights.

    Averaged weights have seen no data, so their statistics are wrong. Moments are pooled over all
    values of all batches, so a short last batch counts by its size (``torch.optim.swa_utils`` gives
    every batch the same weight), and the first batch norm ends with exactly the statistics of all
    images at once.

    Parameters
    ----------
    network : nn.Module
        Left in evaluation mode.
    batches : iterable of tensors
        Network inputs, the first axis counts images. At least two images each.
    forward : callable
        What to call with a batch: the network, or one of its methods.

    Raises
    ------
    ValueError
        Without any batch.
    """
    norms = [m for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    sums = [_NormInputs() for _ in norms]
    hooks = [norm.register_forward_pre_hook(s) for norm, s in zip(norms, sums, strict=True)]
    network.train()
    seen = False
    try:
        for batch in batches:
            forward(batch)
            seen = True
    finally:
        for hook in hooks:
            hook.remove()
        network.eval()
    if not seen:
        raise ValueError("batch norm update: expected at least one batch of images, got none")
    for norm, entered in zip(norms, sums, strict=True):
        _set_statistics(norm, entered)


def _set_statistics(norm: nn.modules.batchnorm._BatchNorm, entered: _NormInputs) -> None:
    if norm.running_mean is None or norm.running_var is None or entered.count == 0:
        return  # keeps no statistics, or the forward pass never reached it
    mean = torch.as_tensor(entered.first / entered.count)
    variance = (entered.second / entered.count - mean**2).clamp(min=0)
    norm.running_mean.copy_(mean)
    # Batch norms store the unbiased variance.
    norm.running_var.copy_(variance * entered.count / max(entered.count - 1, 1))
