"""What every network here has in common: branches in, one descriptor out."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ..layers import at_least_float32, l2_normalize

NECKS = ("l2", "batch_norm", "none")


class BranchFeature(NamedTuple):
    """The vectors of one branch.

    Attributes
    ----------
    metric : (N, d)
        What the triplet loss sees.
    classify : (N, d)
        What the classifier sees. Its direction is the branch's part of the descriptor.
    """

    metric: Tensor
    classify: Tensor


def join_branches(features: tuple[BranchFeature, ...]) -> Tensor:
    """The final descriptor: branch vectors of unit length, concatenated, divided by sqrt(branches).

    So rows have unit length, and the squared distance of two descriptors is the mean of the squared
    distances of their branches. Returns (N, D) in at least float32.
    """
    parts = [l2_normalize(feature.classify) for feature in features]
    return torch.cat(parts, dim=1) / math.sqrt(len(parts))


class Neck(nn.Module):
    """Turns a branch's embedding (N, d) into what the two losses see.

    ``l2``: both see the embedding at unit length, or with ``classify_normalized=False`` the
    classifier sees it as it is. ``batch_norm``: the triplet loss sees the embedding, the classifier
    its batch-normalised form (BNNeck; Luo et al., CVPR workshops 2019; the shift is frozen at 0).
    ``none``: both see the embedding.
    """

    def __init__(self, kind: str, features: int, classify_normalized: bool = True) -> None:
        super().__init__()
        if kind not in NECKS:
            raise ValueError(f"neck: expected one of {', '.join(NECKS)}, got {kind!r}")
        self.kind = kind
        self.classify_normalized = classify_normalized
        self.norm = nn.BatchNorm1d(features) if kind == "batch_norm" else nn.Identity()
        if isinstance(self.norm, nn.BatchNorm1d):
            self.norm.bias.requires_grad_(False)

    def forward(self, embedding: Tensor) -> BranchFeature:
        """(N, d) to the vectors for the two losses, in at least float32."""
        embedding = at_least_float32(embedding)
        if self.kind == "l2":
            unit = l2_normalize(embedding)
            return BranchFeature(unit, unit if self.classify_normalized else embedding)
        return BranchFeature(embedding, at_least_float32(self.norm(embedding)))


class ReIDNet(nn.Module):
    """Base of the networks: a subclass computes ``branches``, ``forward`` joins them.

    Attributes
    ----------
    config : frozen dataclass
        What the network was built from; plain values only, with ``input_size`` (height, width).
    branch_dims : tuple of int
        Width of every branch's vectors.
    """

    config: Any
    branch_dims: tuple[int, ...]

    @property
    def embedding_dim(self) -> int:
        """Length D of the descriptor."""
        return sum(self.branch_dims)

    def branches(self, images: Tensor) -> tuple[BranchFeature, ...]:
        """Vectors of every branch for (N, 3, H, W) images."""
        raise NotImplementedError

    def forward(self, images: Tensor) -> Tensor:
        """Descriptors (N, D) of unit length for (N, 3, H, W) images, in every mode."""
        return join_branches(self.branches(images))


def check_input_size(input_size: tuple[int, int], multiple: int) -> None:
    """Raise ValueError unless (height, width) are positive multiples of ``multiple``."""
    if len(input_size) != 2 or any(side < multiple or side % multiple for side in input_size):
        raise ValueError(
            f"input_size: expected (height, width), both multiples of {multiple}, got {input_size}"
        )
