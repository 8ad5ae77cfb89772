"""From the snapshots of a cyclic training to one network, or to an average over many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from .batch_norm import update_batch_norm
from .checkpoint import Checkpoint, load_checkpoint
from .data.images import PackedImages
from .models import ReIDNet
from .swag import SwagConfig, WeightMoments, averaged_embeddings, load_weights
from .transforms import Normaliser

BATCH_SIZE = 256


def snapshot_files(folder: Path) -> list[Path]:
    """The snapshots in a folder, in order of their cycles.

    Raises
    ------
    FileNotFoundError
        When there are none.
    """
    files = sorted(folder.glob("cycle_*.pt"))
    if not files:
        raise FileNotFoundError(f"{folder}: expected snapshots cycle_01.pt, ...; found none")
    return files


def fit(files: Sequence[Path], rank: int = 0) -> tuple[Checkpoint, WeightMoments]:
    """Moments over snapshots, and the last of them, which lends its description.

    Parameters
    ----------
    files : sequence of Path
        From oldest to newest, of one architecture.
    rank : int
        Deviations to keep for a low-rank Gaussian.

    Raises
    ------
    ValueError
        When there are none, or they are of different networks.
    """
    moments = WeightMoments(rank)
    newest: Checkpoint | None = None
    for file in files:
        checkpoint = load_checkpoint(file, announce=False)
        if newest is not None and newest.architecture != checkpoint.architecture:
            raise ValueError(
                f"{file}: expected a snapshot of {newest.architecture}, "
                f"got {checkpoint.architecture}"
            )
        moments.add(checkpoint.weights)
        newest = checkpoint
    if newest is None:
        raise ValueError("SWAG: expected at least one snapshot, got none")
    return newest, moments


def prepare_network(
    network: ReIDNet, images: PackedImages, normaliser: Normaliser, batch_size: int = BATCH_SIZE
) -> None:
    """Recompute batch norms over the training images, unaugmented, as they are seen in use."""
    update_batch_norm(network, _batches(images, normaliser, batch_size), network)


def mean_checkpoint(
    checkpoint: Checkpoint, moments: WeightMoments, images: PackedImages, device: torch.device
) -> Checkpoint:
    """The SWA network: mean weights, with batch norms recomputed.

    Parameters
    ----------
    checkpoint : Checkpoint
        Describes the network; results and distances in it are of other weights and are dropped.
    moments : WeightMoments
    images : PackedImages
        The training images, on ``device``.
    device : torch.device
    """
    network = checkpoint.build().to(device)
    load_weights(network, moments.mean())
    prepare_network(network, images, Normaliser(checkpoint.input, device))
    return replace(
        checkpoint,
        weights=network.state_dict(),
        metrics={"swa_snapshots": moments.count},
        distances=None,
    )


def draws(moments: WeightMoments, config: SwagConfig) -> Iterator[dict[str, torch.Tensor]]:
    """Weights drawn from the Gaussian, one set at a time; for the mean just that."""
    generator = torch.Generator().manual_seed(config.seed)
    for _ in range(1 if config.kind == "mean" else config.samples):
        yield moments.sample(generator, config.kind, config.scale)


def model_average(
    checkpoint: Checkpoint,
    moments: WeightMoments,
    config: SwagConfig,
    training: PackedImages,
    tested: Sequence[PackedImages],
    device: torch.device,
) -> list[torch.Tensor]:
    """Embeddings averaged over networks drawn from the Gaussian (Bayesian model averaging).

    Parameters
    ----------
    checkpoint : Checkpoint
        Describes the network.
    moments : WeightMoments
    config : SwagConfig
    training : PackedImages
        For the batch norms of every drawn network.
    tested : sequence of PackedImages
        What to embed, e.g. queries and gallery.
    device : torch.device

    Returns
    -------
    list of (N, D) float32 tensors, rows of unit length.
    """
    network = checkpoint.build().to(device)
    normaliser = Normaliser(checkpoint.input, device)

    @torch.no_grad()
    def embed(drawn: torch.nn.Module) -> torch.Tensor:
        parts = [
            drawn(batch).float().cpu()
            for images in tested
            for batch in _batches(images, normaliser, BATCH_SIZE)
        ]
        return torch.cat(parts)

    vectors = averaged_embeddings(
        network,
        draws(moments, config),
        embed,
        lambda _: prepare_network(network, training, normaliser),
    )
    return list(torch.split(vectors, [len(images) for images in tested]))


def _batches(
    images: PackedImages, normaliser: Normaliser, batch_size: int
) -> Iterator[torch.Tensor]:
    for start in range(0, len(images), batch_size):
        yield normaliser(images.pixels[start : start + batch_size]).permute(0, 3, 1, 2)
