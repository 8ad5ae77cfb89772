"""``mtmc reid swag``: one network, or an average over many, from the snapshots of a training."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtmc.atomic import atomic_writer

from . import reid_arguments as shared
from .console import output

if TYPE_CHECKING:
    import torch

    from mtmc.reid.checkpoint import Checkpoint
    from mtmc.reid.data import PersonDataset
    from mtmc.reid.data.images import PackedImages
    from mtmc.reid.evaluation import Scores
    from mtmc.reid.swag import SwagConfig, WeightMoments

EPILOG = """examples:
  mtmc reid swag --snapshots runs/r2x/snapshots --dataset market1501 --data-root DIR --out swa.pt
      the network of mean weights (SWA), its batch norms recomputed on the training images
  mtmc reid swag --snapshots runs/r2x/snapshots --dataset market1501 --data-root DIR --out swa.pt \\
      --kind diagonal --samples 30 --json swag.json
      also tests the average of 30 networks drawn from the Gaussian around that mean

The average of many networks costs that many networks at each image; the mean costs one.
"""


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "swag",
        help="average the snapshots of a cyclic training (SWA, SWAG)",
        description="Average the snapshots that a training with cycles leaves behind.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--snapshots", required=True, metavar="DIR", help="folder of cycle_*.pt")
    parser.add_argument("--out", required=True, metavar="PT", help="checkpoint of the mean network")
    parser.add_argument("--half", action="store_true", help="write it in half precision")
    shared.add_dataset(parser, required=True)
    shared.add_hardware(parser)
    group = parser.add_argument_group("average over drawn networks, tested on the data set")
    group.add_argument(
        "--kind",
        choices=("mean", "diagonal", "low_rank"),
        default="mean",
        help="mean: draw nothing (default); diagonal: the paper's SWAG; low_rank: with covariances",
    )
    group.add_argument("--samples", type=int, default=30, metavar="N", help="networks (default 30)")
    group.add_argument("--scale", type=float, default=1.0, metavar="S", help="of the covariance")
    group.add_argument("--seed", type=int, default=0, help="of the draws (default 0)")
    group.add_argument("--json", metavar="FILE", help="write its scores")
    parser.set_defaults(handler=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the mean network; with another kind also test the average of drawn ones."""
    from mtmc.reid.checkpoint import save_checkpoint
    from mtmc.reid.data.images import load_images
    from mtmc.reid.snapshots import fit, mean_checkpoint, snapshot_files
    from mtmc.reid.swag import SwagConfig

    device = shared.set_up_torch(arguments)
    config = SwagConfig(arguments.kind, arguments.samples, arguments.scale, arguments.seed)
    files = snapshot_files(Path(arguments.snapshots))
    newest, moments = fit(files, rank=len(files) if config.kind == "low_rank" else 0)
    dataset = shared.open_dataset(arguments)
    with shared.counting("read") as report:
        training = load_images(dataset.train, newest.input, device, report)
    mean = mean_checkpoint(newest, moments, training, device)
    save_checkpoint(mean, Path(arguments.out), half=arguments.half)
    output().print(f"{arguments.out}: mean of {moments.count} snapshots")
    if config.kind == "mean":
        return 0
    scores = _test(newest, moments, config, training, dataset, device)
    output().print(
        f"{dataset.name}, {config.kind} SWAG, {config.samples} networks averaged: rank-1 "
        f"{scores.rank1:.2f}, rank-5 {scores.rank5:.2f}, mAP {scores.mean_ap:.2f}"
    )
    if arguments.json:
        document = {
            "protocol": f"{dataset.name}, average of {config.samples} networks",
            "kind": config.kind,
            **scores.to_dict(),
        }
        with atomic_writer(arguments.json) as file:
            file.write(json.dumps(document, indent=2) + "\n")
    return 0


def _test(
    newest: Checkpoint,
    moments: WeightMoments,
    config: SwagConfig,
    training: PackedImages,
    dataset: PersonDataset,
    device: torch.device,
) -> Scores:
    from mtmc.reid.data.images import load_images
    from mtmc.reid.evaluation import Labelled, evaluate
    from mtmc.reid.snapshots import model_average

    parts = (dataset.query, dataset.gallery)
    tested = [load_images(part, newest.input, device) for part in parts]
    vectors = model_average(newest, moments, config, training, tested, device)
    query, gallery = (
        Labelled(found.numpy(), part.identities, part.cameras)
        for found, part in zip(vectors, parts, strict=True)
    )
    return evaluate(query, gallery)
