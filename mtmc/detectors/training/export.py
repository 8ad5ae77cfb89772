"""From trained weights to the ONNX file that ships."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from mtmc.atomic import atomic_path

from .network import PeopleNet

OPSET = 13


class Calibrated(nn.Module):
    """The network with probabilities for logits: sigmoid of ``scale * logit + shift``."""

    def __init__(self, network: PeopleNet, scale: float = 1.0, shift: float = 0.0) -> None:
        super().__init__()
        self.network = network
        self.scale, self.shift = scale, shift

    def forward(self, x: Tensor) -> Tensor:
        """(N, 4, H, W) -> (N, 5, H / 8, W / 8), probabilities first."""
        answer = self.network(x)
        return torch.cat([torch.sigmoid(self.scale * answer[:, :1] + self.shift), answer[:, 1:]], 1)


def export(network: PeopleNet, path: Path, scale: float = 1.0, shift: float = 0.0) -> None:
    """Write a network as ONNX; it takes images of any size whose sides are multiples of 32."""
    model = Calibrated(network, scale, shift).eval()
    axes = {"image": {2: "height", 3: "width"}, "people": {2: "rows", 3: "columns"}}
    with atomic_path(path) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the exporter's own
        torch.onnx.export(
            model, (torch.zeros(1, 4, 64, 96),), str(temporary), dynamo=False, opset_version=OPSET,
            input_names=["image"], output_names=["people"], dynamic_axes=axes,
        )  # fmt: skip
