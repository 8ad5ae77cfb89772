"""Classifiers over identities, used in training only and kept apart from the networks."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .descriptor import BranchFeature

LEARNED_SCALE_START = 16.0
CLASSIFIER_STD = 0.001  # classes start equally likely, as is usual in re-identification


class ClassifierHeads(nn.Module):
    """One linear classifier per branch.

    Parameters
    ----------
    branch_dims : tuple of int
        Width of every branch, as the network states it.
    num_classes : int
        Identities in the training set.
    bias : bool
        Whether the classifiers have a bias (the paper has none, HA-CNN has one).
    scale : float, "learned" or None
        Multiplies the logits: not at all, by a fixed number, or by a trained one per branch that
        starts at 16. On vectors of unit length the weights' norms bound the logits, so without a
        scale cross-entropy cannot come near its floor.
    std : float
        Standard deviation of the initial weights.
    """

    def __init__(
        self,
        branch_dims: tuple[int, ...],
        num_classes: int,
        bias: bool = False,
        scale: float | str | None = None,
        std: float = CLASSIFIER_STD,
    ) -> None:
        super().__init__()
        if num_classes < 1:
            raise ValueError(f"num_classes: expected at least 1, got {num_classes}")
        if isinstance(scale, str) and scale != "learned":
            raise ValueError(f"scale: expected a number, 'learned' or None, got {scale!r}")
        linears = [nn.Linear(dim, num_classes, bias=bias) for dim in branch_dims]
        for linear in linears:
            nn.init.normal_(linear.weight, std=std)
            if bias:
                nn.init.zeros_(linear.bias)
        self.linears = nn.ModuleList(linears)
        self.fixed_scale = 1.0 if scale is None or isinstance(scale, str) else float(scale)
        self.log_scales: nn.ParameterList | None = None
        if scale == "learned":
            start = torch.tensor(LEARNED_SCALE_START).log()
            self.log_scales = nn.ParameterList(nn.Parameter(start.clone()) for _ in branch_dims)

    def forward(self, features: tuple[BranchFeature, ...]) -> tuple[Tensor, ...]:
        """Logits (N, num_classes) of every branch."""
        logits = [
            linear(feature.classify) for linear, feature in zip(self.linears, features, strict=True)
        ]
        if self.log_scales is not None:
            return tuple(out * log.exp() for out, log in zip(logits, self.log_scales, strict=True))
        return tuple(out * self.fixed_scale for out in logits)
