"""Losses of the paper: cross-entropy with label smoothing and four forms of the triplet loss.

All run in at least float32 with autocast off, and stay finite for duplicate images, for a batch of
one identity, and for distances of any size. Triplet losses see Euclidean distances of the features
they are given; the paper normalises those to unit length in the network, so distances are 0 to 2.
An anchor is never its own positive. Anchors without a positive or without a negative do not count;
where none is left the loss is 0, with gradients of 0.

``margin=None`` is the soft margin, equation (5): ``ln(1 + exp(x))`` takes the place of
``max(0, margin + x)``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from .layers import at_least_float32
from .models.descriptor import BranchFeature


def cross_entropy_label_smoothing(logits: Tensor, labels: Tensor, epsilon: float = 0.1) -> Tensor:
    """Mean cross-entropy against targets ``(1 - epsilon) [k = y] + epsilon / K`` (Luo et al. 2019).

    Parameters
    ----------
    logits : (N, K)
    labels : (N,) int64
        0 to K - 1.
    epsilon : float
        0 is plain cross-entropy.
    """
    with torch.autocast(logits.device.type, enabled=False):
        return F.cross_entropy(at_least_float32(logits), labels, label_smoothing=epsilon)


def pairwise_distances(features: Tensor) -> Tensor:
    """Euclidean distances (N, N) of the rows of (N, d), from differences.

    Not from the shortcut ``|a|^2 + |b|^2 - 2ab``, which cancels: equal rows are at exactly 0, where
    the gradient is 0 as well.
    """
    with torch.autocast(features.device.type, enabled=False):
        rows = at_least_float32(features)
        return torch.cdist(rows, rows, compute_mode="donot_use_mm_for_euclid_dist")


def _pair_masks(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Which (anchor, other) pairs show the same person in two images, and which two persons."""
    same = labels[:, None] == labels[None, :]
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    return same & ~itself, ~same


def _with_margin(violation: Tensor, margin: float | None) -> Tensor:
    """Softplus, or the hinge [margin + x]+ where a margin is given."""
    return F.softplus(violation) if margin is None else F.relu(margin + violation)


def _mean_over(values: Tensor, counted: Tensor) -> Tensor:
    """Mean of the values that count; 0 where none does. No synchronisation with the device."""
    return (values * counted).sum() / counted.sum().clamp(min=1)


def triplet_original(features: Tensor, labels: Tensor, margin: float | None = None) -> Tensor:
    """Equation (2): mean over all triplets of anchor, positive and negative in the batch.

    Parameters
    ----------
    features : (N, d)
    labels : (N,) int64
    margin : float or None
        Hinge with this margin, or the soft margin. Memory grows with N^3.
    """
    distances = pairwise_distances(features)
    positive, negative = _pair_masks(labels)
    violation = distances[:, :, None] - distances[:, None, :]  # (anchor, positive, negative)
    return _mean_over(_with_margin(violation, margin), positive[:, :, None] & negative[:, None, :])


def triplet_batch_hard(features: Tensor, labels: Tensor, margin: float | None = None) -> Tensor:
    """Equation (3): per anchor the farthest positive and the nearest negative.

    Arguments as for ``triplet_original``.
    """
    distances = pairwise_distances(features)
    positive, negative = _pair_masks(labels)
    farthest = distances.masked_fill(~positive, -torch.inf).amax(dim=1)
    nearest = distances.masked_fill(~negative, torch.inf).amin(dim=1)
    counted = positive.any(dim=1) & negative.any(dim=1)
    violation = torch.where(counted, farthest - nearest, 0.0)
    return _mean_over(_with_margin(violation, margin), counted)


def triplet_batch_soft(features: Tensor, labels: Tensor, margin: float | None = None) -> Tensor:
    """Equations (4) and (5): per anchor all positives and negatives, the harder the heavier.

    Weights are ``softmax(+d)`` over the anchor's positives and ``softmax(-d)`` over its negatives;
    the gradient flows through them. Arguments as for ``triplet_original``.
    """
    distances = pairwise_distances(features)
    positive, negative = _pair_masks(labels)
    farther = _weighted_distance(distances, distances, positive)
    nearer = _weighted_distance(distances, -distances, negative)
    counted = positive.any(dim=1) & negative.any(dim=1)
    return _mean_over(_with_margin(farther - nearer, margin), counted)


def _weighted_distance(distances: Tensor, scores: Tensor, among: Tensor) -> Tensor:
    """Per row the mean of the distances marked in ``among``, weighted by softmax(scores): (N,)."""
    lowest = torch.finfo(scores.dtype).min  # not -inf: a row with none marked must stay finite
    weights = scores.masked_fill(~among, lowest).softmax(dim=1) * among
    return (weights * distances).sum(dim=1)


TRIPLETS: dict[str, Callable[[Tensor, Tensor, float | None], Tensor]] = {
    "original": triplet_original,
    "batch_hard": triplet_batch_hard,
    "batch_soft": triplet_batch_soft,
}
NO_TRIPLET = "none"


@dataclass(frozen=True)
class LossConfig:
    """What is minimised; the defaults are the paper's.

    Attributes
    ----------
    triplet : "batch_soft", "batch_hard", "original" or "none"
        Form of the triplet loss.
    margin : float or None
        Hinge with this margin, or the soft margin.
    triplet_weight, cross_entropy_weight : float
        Weights of the two losses.
    label_smoothing : float
        Epsilon, 0 to below 1.
    """

    triplet: str = "batch_soft"
    margin: float | None = None
    triplet_weight: float = 1.0
    cross_entropy_weight: float = 1.0
    label_smoothing: float = 0.1

    def __post_init__(self) -> None:
        if self.triplet not in (*TRIPLETS, NO_TRIPLET):
            expected = ", ".join((*TRIPLETS, NO_TRIPLET))
            raise ValueError(f"triplet: expected one of {expected}, got {self.triplet!r}")
        if not 0.0 <= self.label_smoothing < 1.0:
            raise ValueError(f"label_smoothing: expected 0 to below 1, got {self.label_smoothing}")
        for name in ("margin", "triplet_weight", "cross_entropy_weight"):
            value = getattr(self, name)
            if value is not None and not value >= 0.0:
                raise ValueError(f"{name}: expected at least 0, got {value}")


class ReIDLoss:
    """Both losses on every branch: the weighted sum, averaged over the branches."""

    def __init__(self, config: LossConfig) -> None:
        self.config = config

    def __call__(
        self, features: tuple[BranchFeature, ...], logits: tuple[Tensor, ...], labels: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Total to minimise, and its terms, detached and unweighted.

        Parameters
        ----------
        features : one BranchFeature per branch
        logits : one (N, K) per branch
        labels : (N,) int64

        Returns
        -------
        total : scalar
        terms : dict
            ``cross_entropy`` and ``triplet`` averaged over the branches, and the same with
            ``_0``, ``_1``, ... of every branch.
        """
        config = self.config
        terms: dict[str, list[Tensor]] = {"cross_entropy": [], "triplet": []}
        for feature, scores in zip(features, logits, strict=True):
            terms["cross_entropy"].append(
                cross_entropy_label_smoothing(scores, labels, config.label_smoothing)
            )
            if config.triplet != NO_TRIPLET:
                loss = TRIPLETS[config.triplet](feature.metric, labels, config.margin)
                terms["triplet"].append(loss)
        means = {name: torch.stack(values).mean() for name, values in terms.items() if values}
        total = config.cross_entropy_weight * means["cross_entropy"]
        if "triplet" in means:
            total = total + config.triplet_weight * means["triplet"]
        per_branch = {f"{k}_{i}": v for k, values in terms.items() for i, v in enumerate(values)}
        return total, {k: v.detach() for k, v in (means | per_branch).items()}
