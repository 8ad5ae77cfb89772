"""Averages over weights that a training went through: SWA, and the Gaussians of SWAG.

SWA is the mean of the snapshots (Izmailov et al., UAI 2018). SWAG fits a Gaussian around it (Maddox
et al., NeurIPS 2019): diagonal, as in the Robust-ReID paper, or diagonal plus low rank. Networks
drawn from it are averaged in what they say, not in their weights.

The training leaves one snapshot per cycle in a file each; everything here works on these, so the
averaging can be repeated with other settings without training again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

Weights = Mapping[str, torch.Tensor]
Kind = Literal["mean", "diagonal", "low_rank"]


class WeightMoments:
    """Running mean and variance of snapshots, by Welford's recurrence in float64.

    The variance as ``E[w^2] - E[w]^2`` in float32 loses all digits when weights barely move, and
    can turn negative; Welford's sum of squared deviations cannot.

    Parameters
    ----------
    rank : int
        Number of most recent deviations ``w_i - mean_i`` to keep for the low-rank Gaussian.
    """

    def __init__(self, rank: int = 0) -> None:
        if rank < 0:
            raise ValueError(f"rank: expected 0 or more, got {rank}")
        self.count = 0
        self._rank = rank
        self._mean: dict[str, torch.Tensor] = {}
        self._squares: dict[str, torch.Tensor] = {}
        self._deviations: list[dict[str, torch.Tensor]] = []

    def add(self, weights: Weights) -> None:
        """Take in one snapshot; its integer entries (counters) are passed over.

        Raises
        ------
        ValueError
            When names, shapes or finiteness do not fit the earlier ones.
        """
        floats = {n: w.double() for n, w in weights.items() if w.is_floating_point()}
        _check_snapshot(floats, self._mean)
        self.count += 1
        for name, value in floats.items():
            mean = self._mean.setdefault(name, torch.zeros_like(value))
            squares = self._squares.setdefault(name, torch.zeros_like(value))
            delta = value - mean
            mean += delta / self.count
            squares += delta * (value - mean)
        if self._rank:
            deviation = {n: (w - self._mean[n]).float() for n, w in floats.items()}
            self._deviations = [*self._deviations, deviation][-self._rank :]

    def mean(self) -> dict[str, torch.Tensor]:
        """The SWA mean, float64."""
        self._require(1)
        return {name: value.clone() for name, value in self._mean.items()}

    def variance(self) -> dict[str, torch.Tensor]:
        """Variance of every weight over the snapshots (population variance), float64."""
        self._require(1)
        return {name: value / self.count for name, value in self._squares.items()}

    def sample(
        self, generator: torch.Generator, kind: Kind = "diagonal", scale: float = 1.0
    ) -> dict[str, torch.Tensor]:
        """Draw weights from the Gaussian.

        Diagonal: ``mean + sqrt(scale var) z``. Low rank (Maddox et al., eq. 1):
        ``mean + sqrt(scale / 2) (sqrt(var) z1 + D z2 / sqrt(K - 1))`` with D the K last deviations.

        Parameters
        ----------
        generator : torch.Generator
            On the CPU.
        kind : "mean", "diagonal" or "low_rank"
            ``"mean"`` draws nothing and returns the mean.
        scale : float
            Factor on the covariance; 1 in the diagonal case of the paper.

        Raises
        ------
        ValueError
            For ``"low_rank"`` with fewer than two deviations kept.
        """
        self._require(1)
        if kind == "mean":
            return self.mean()
        low_rank = kind == "low_rank"
        kept = len(self._deviations)
        if low_rank and kept < 2:
            raise ValueError(
                f"low-rank SWAG: expected at least 2 snapshots and rank >= 2, got {kept}"
            )
        # One coefficient per deviation, shared by all weights: that is what correlates them.
        shared = torch.randn(kept, generator=generator, dtype=torch.float64) if low_rank else None
        share = scale / 2 if low_rank else scale
        drawn = {}
        for name, mean in self._mean.items():
            deviation = (self._squares[name] / self.count).sqrt()
            z = torch.randn(mean.shape, generator=generator, dtype=torch.float64)
            step = deviation * z
            if shared is not None:
                stacked = torch.stack([d[name].double() for d in self._deviations])
                step += torch.tensordot(shared, stacked, dims=1) / (kept - 1) ** 0.5
            drawn[name] = mean + share**0.5 * step
        return drawn

    def _require(self, snapshots: int) -> None:
        if self.count < snapshots:
            raise ValueError(f"SWAG: expected at least {snapshots} snapshot, got {self.count}")


def _check_snapshot(floats: Weights, mean: Weights) -> None:
    if mean and floats.keys() != mean.keys():
        odd = sorted(floats.keys() ^ mean.keys())[0]
        raise ValueError(f"SWAG: snapshots are of different networks: {odd!r} is not in all")
    for name, value in floats.items():
        if mean and value.shape != mean[name].shape:
            raise ValueError(
                f"SWAG: {name}: expected shape {tuple(mean[name].shape)}, got {tuple(value.shape)}"
            )
        if not torch.isfinite(value).all():
            raise ValueError(f"SWAG: {name}: expected finite weights")


@dataclass(frozen=True)
class SwagConfig:
    """How snapshots become a network.

    Attributes
    ----------
    kind : "mean", "diagonal" or "low_rank"
        SWA mean, diagonal SWAG (the paper's), or SWAG with a low-rank part.
    samples : int
        Networks drawn; their embeddings are averaged. Unused for the mean.
    scale : float
        Factor on the covariance.
    seed : int
        Of the draws.
    """

    kind: Kind = "mean"
    samples: int = 30
    scale: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise ValueError(f"samples: expected 1 or more, got {self.samples}")
        if not self.scale > 0:
            raise ValueError(f"scale: expected a value above 0, got {self.scale}")


def load_weights(network: nn.Module, weights: Weights) -> None:
    """Put weights into a network; entries that the weights lack (counters) stay as they are."""
    own = network.state_dict()
    unknown = sorted(weights.keys() - own.keys())
    if unknown:
        raise ValueError(f"weights: {unknown[0]!r} is not part of this network")
    network.load_state_dict(own | {name: value.to(own[name]) for name, value in weights.items()})


def averaged_embeddings(
    network: nn.Module,
    draws: Iterable[Weights],
    embed: Callable[[nn.Module], torch.Tensor],
    prepare: Callable[[nn.Module], None],
) -> torch.Tensor:
    """Bayesian model average: the mean of the unit vectors that several networks give.

    A product of two mean vectors is the mean product over all pairs of networks, also of different
    ones; that makes sense because the draws lie close together and so share one embedding space.

    Parameters
    ----------
    network : nn.Module
        Takes the drawn weights in turn, and is left with the last ones.
    draws : iterable of weights
    embed : callable
        Network -> (N, D) embeddings.
    prepare : callable
        Called after new weights are in, to update batch norms.

    Returns
    -------
    (N, D) float tensor, rows of unit length.

    Raises
    ------
    ValueError
        Without any draw.
    """
    total: torch.Tensor | None = None
    for weights in draws:
        load_weights(network, weights)
        prepare(network)
        vectors = nn.functional.normalize(embed(network), dim=1)
        total = vectors if total is None else total + vectors
    if total is None:
        raise ValueError("model averaging: expected at least one draw, got none")
    return nn.functional.normalize(total, dim=1)
