"""What a training leaves behind: evaluations on people held out, checkpoints and the log."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from .checkpoint import Checkpoint, save_checkpoint
from .data.images import PackedImages, load_images
from .data.types import Samples
from .evaluation import Labelled, evaluate
from .image_sets import embed_pixels
from .models import ReIDNet
from .recipe import Recipe
from .schedule import ends_cycle
from .training_setup import Setup, plain_config

BEST, BASE, LAST = "best.pt", "base.pt", "last.pt"
SNAPSHOTS = "snapshots"


class Validation:
    """Evaluates on the people held out of the training part."""

    def __init__(self, setup: Setup, device: torch.device) -> None:
        self._setup = setup
        self._parts: list[tuple[Samples, PackedImages]] = []
        if len(setup.dataset.query) and len(setup.dataset.gallery):
            for part in (setup.dataset.query, setup.dataset.gallery):
                self._parts.append((part, load_images(part, setup.spec, device)))

    @property
    def possible(self) -> bool:
        """Whether anybody was held out."""
        return bool(self._parts)

    def run(self, network: ReIDNet) -> dict[str, float]:
        """Rank-1 and mAP in percent."""
        network.eval()
        query, gallery = (
            Labelled(
                embed_pixels(network, images, self._setup.normaliser),
                part.identities,
                part.cameras,
            )
            for part, images in self._parts
        )
        network.train()
        scores = evaluate(query, gallery)
        return {"val_rank1": scores.rank1, "val_mean_ap": scores.mean_ap}


def averaged_network(network: ReIDNet, average: Mapping[str, torch.Tensor]) -> ReIDNet:
    """The network with averaged weights, as a copy; without an average the network itself."""
    if not average:
        return network
    averaged = copy.deepcopy(network)
    averaged.load_state_dict(dict(average))
    return averaged


def checkpoint_names(recipe: Recipe, epoch: int, improved: bool) -> list[str]:
    """Files due at the end of an epoch."""
    main = recipe.train.epochs
    names = [BEST] if improved else []
    if epoch == main and recipe.cycles.cycles:
        names.append(BASE)
    if epoch == recipe.total_epochs:
        names.append(LAST)
    if epoch > main and ends_cycle(recipe.cycles, epoch - main):
        cycle = (epoch - main) // recipe.cycles.epochs_per_cycle
        names.append(f"{SNAPSHOTS}/cycle_{cycle:02d}.pt")
    return names


def write_checkpoints(
    folder: Path,
    names: list[str],
    setup: Setup,
    recipe: Recipe,
    weights: Mapping[str, torch.Tensor],
    row: Mapping[str, Any],
    *,
    commit: str,
    half: bool,
) -> None:
    """Save the network under all of these names.

    Parameters
    ----------
    folder : Path
    names : list of str
    setup : Setup
    recipe : Recipe
    weights : mapping
        State dict to save: the network's, or its average.
    row : mapping
        The epoch's row of the log; its number and results go along.
    commit : str
    half : bool
    """
    network = setup.model.network
    results = {k: v for k, v in row.items() if k.startswith("val_")}
    checkpoint = Checkpoint(
        architecture=recipe.model.name,
        config=plain_config(network),
        input=setup.spec,
        embedding_dim=network.embedding_dim,
        weights=weights,
        trained_on=setup.trained_on,
        terms=setup.terms,
        recipe=recipe.to_dict(),
        commit=commit,
        metrics={"epoch": row["epoch"], **results},
    )
    for name in names:
        save_checkpoint(checkpoint, folder / name, half=half)
