"""What the network learns from: focal loss for the map, generalised IoU for the boxes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ..heatmap import LARGEST_LOG, STRIDE


@dataclass(frozen=True)
class LossConfig:
    """Weights of the loss.

    Attributes
    ----------
    alpha, beta : float
        Exponents of the focal loss: how little easy cells count, and cells near a middle.
    box : float
        Weight of the boxes against the map; 5 in TTFNet.
    """

    alpha: float = 2.0
    beta: float = 4.0
    box: float = 5.0


def focal_loss(logits: Tensor, heat: Tensor, config: LossConfig) -> Tensor:
    """Penalty-reduced focal loss per person (Law and Deng, ECCV 2018, equation 1).

    With p the probability, ``-(1 - p)^alpha log p`` where ``heat`` is 1, and
    ``-(1 - heat)^beta p^alpha log(1 - p)`` elsewhere; nothing where it is negative.

    Parameters
    ----------
    logits, heat : (N, R, C) float32
    """
    p = torch.sigmoid(logits)
    middle = heat == 1
    hits = (1 - p) ** config.alpha * functional.logsigmoid(logits)
    others = (
        (1 - heat).clamp(0, 1) ** config.beta * p**config.alpha * functional.logsigmoid(-logits)
    )
    total = torch.where(middle, hits, others) * (heat >= 0)
    return -total.sum() / middle.sum().clamp(min=1)


def boxes(logs: Tensor) -> Tensor:
    """Boxes (N, 4, R, C) ``xyxy`` in pixels from logarithms (N, 4, R, C) of ways in cells."""
    ways = logs.clamp(-LARGEST_LOG, LARGEST_LOG).exp() * STRIDE
    rows, columns = logs.shape[2:]
    y = (torch.arange(rows) + 0.5)[:, None].expand(rows, columns) * STRIDE
    x = (torch.arange(columns) + 0.5)[None].expand(rows, columns) * STRIDE
    middle = torch.stack([x, y])
    return torch.cat([middle - ways[:, :2], middle + ways[:, 2:]], dim=1)


def giou_loss(found: Tensor, wanted: Tensor) -> Tensor:
    """1 - generalised IoU (N,) of boxes (N, 4) ``xyxy`` (Rezatofighi et al., CVPR 2019)."""
    low, high = torch.maximum(found, wanted), torch.minimum(found, wanted)
    inner = (high[:, 2:] - low[:, :2]).clamp(min=0).prod(dim=1)
    union = _area(found) + _area(wanted) - inner
    hull = (low[:, 2:] - high[:, :2]).prod(dim=1)
    return 1 - inner / union.clamp(min=1e-6) + (hull - union) / hull.clamp(min=1e-6)


def detection_loss(
    answer: Tensor, heat: Tensor, weight: Tensor, wanted: Tensor, config: LossConfig
) -> tuple[Tensor, Tensor]:
    """Loss of the map and, weighed, of the boxes: the means over the people of a batch.

    Parameters
    ----------
    answer : (N, 5, R, C) float32
        Of the network.
    heat, weight : (N, R, C); wanted : (N, 4, R, C)
        See `Target`.
    """
    chosen = weight > 0
    found = boxes(answer[:, 1:]).permute(0, 2, 3, 1)[chosen]
    apart = giou_loss(found, wanted.permute(0, 2, 3, 1)[chosen])
    # the weights of each person sum to 1
    box = (apart * weight[chosen]).sum() / weight.sum().clamp(min=1)
    return focal_loss(answer[:, 0], heat, config), config.box * box


def _area(xyxy: Tensor) -> Tensor:
    return (xyxy[:, 2:] - xyxy[:, :2]).prod(dim=1)
