"""A short training on a CPU, against the same network with random weights.

    python -m benchmarks.reid_cpu_short --data-root DIR --out runs/cpu_short

Shows that the whole way works without a GPU: the recipe ``cpu_short.toml``, tested on people of the
training part who were held out, and on a stated part of the test part (``--test-people`` of its
people, without distractors). Its figures are a log, not a claim. Resumable.
"""

from __future__ import annotations

import argparse
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from mtmc.recipes import load_recipe
from mtmc.reid.checkpoint import Checkpoint, load_checkpoint
from mtmc.reid.data import PersonDataset, hold_out, read_dataset
from mtmc.reid.models import build
from mtmc.reid.recipe import Recipe
from mtmc.reid.train import RunOptions, train
from mtmc.reid.training_setup import input_spec, plain_config

from .provenance import provenance
from .reid_rows import RECIPES, score_checkpoint, some_people

RESULTS = Path(__file__).parent / "results"
NAME = "reid_cpu_short"


def random_network(trained: Checkpoint, seed: int) -> Checkpoint:
    """The architecture of a checkpoint with random weights."""
    torch.manual_seed(seed)
    network = build(trained.architecture, **trained.config)
    return replace(
        trained,
        config=plain_config(network),
        input=input_spec(network),
        weights=network.state_dict(),
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--test-people", type=int, default=100)
    parser.add_argument("--budget-minutes", type=float)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    recipe = load_recipe(RECIPES / "cpu_short.toml")
    dataset = read_dataset(recipe.data.datasets, args.data_root)
    options = RunOptions(args.out, budget_minutes=args.budget_minutes)
    outcome = train(recipe, dataset, options)
    if not outcome.complete:
        print(f"stopped in epoch {outcome.position.epoch}; the same command goes on")
        return
    scores = compare(load_checkpoint(args.out / "last.pt"), recipe, dataset, args.test_people)
    document = {
        "what": "a short training on a CPU; a log, not a claim",
        "recipe": recipe.to_dict(),
        "training_seconds": outcome.history[-1]["seconds"],
        "threads": args.threads,
        "scores": scores,
        **provenance("reid", "benchmarks"),
    }
    (RESULTS / f"{NAME}.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    shutil.copyfile(args.out / "log.csv", RESULTS / f"{NAME}.csv")
    print(json.dumps(scores, indent=2))


def compare(
    trained: Checkpoint, recipe: Recipe, dataset: PersonDataset, test_people: int
) -> dict[str, Any]:
    """Scores of random and of trained weights, on both sets of people."""
    number = recipe.data.val_identities
    tests = {
        f"{number} people held out of the training part": hold_out(
            dataset, number, recipe.data.split_seed
        ),
        f"{test_people} people of the test part, no distractors": some_people(dataset, test_people),
    }
    networks = {"random weights": random_network(trained, seed=1), "trained": trained}
    return {
        where: {
            name: score_checkpoint(network, part, torch.device("cpu")).to_dict()
            for name, network in networks.items()
        }
        for where, part in tests.items()
    }


if __name__ == "__main__":
    main()
