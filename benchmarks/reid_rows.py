"""Train and test the rows of a table of the paper; what tables 2, 3 and 4 share.

A row is a recipe in ``benchmarks/recipes`` and the figures that the paper reports for it. Rows are
trained one after another below ``--out``; an interrupted table goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from mtmc.recipes import load_recipe
from mtmc.reid.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from mtmc.reid.data import PersonDataset, keep_identities, read_dataset
from mtmc.reid.data.images import load_images
from mtmc.reid.evaluation import Labelled, Scores, evaluate
from mtmc.reid.fold import fold_for_inference
from mtmc.reid.image_sets import embed_pixels
from mtmc.reid.recipe import Recipe
from mtmc.reid.snapshots import fit, mean_checkpoint, model_average, snapshot_files
from mtmc.reid.swag import SwagConfig
from mtmc.reid.train import RunOptions, train
from mtmc.reid.training_world import SingleProcess
from mtmc.reid.transforms import Normaliser

from .provenance import provenance

RECIPES = Path(__file__).parent / "recipes"

SHORT_TRAIN, SHORT_TEST, SHORT_EPOCHS = 100, 100, 4
"""What ``--short`` cuts a row down to: people to learn from, people to test on, epochs."""

PLAIN, CYCLES, SWAG = "plain", "cycles", "SWAG"


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes
    ----------
    name : str
    recipe : Path
    paper : mapping
        Stage -> (rank-1, mAP) in percent, as printed. The stages: ``"plain"``, trained by the main
        schedule; ``"cycles"``, the end of the cyclic schedule; ``"SWAG"``, averaged.
    dataset : str
    """

    name: str
    recipe: Path
    paper: Mapping[str, tuple[float, float]]
    dataset: str = "market1501"


def main(title: str, rows: Sequence[Row], doc: str | None) -> None:
    """Command line of a table."""
    args = _parse(rows, doc)
    torch.set_num_threads(args.threads)
    chosen = [row for row in rows if row.name in args.rows]
    found: dict[str, Any] = {}
    for row in chosen:
        result = run_row(row, args)
        if result is None:
            print(f"{row.name}: the budget is spent; the same command goes on")
            break
        found[row.name] = result
        _print(title, chosen, found, args.short)
    document = {"table": title, "short": args.short, "rows": found, **provenance("reid")}
    path = args.out / f"{'short_' if args.short else ''}results.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    print(f"written to {path}")


def _parse(rows: Sequence[Row], doc: str | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [row.name for row in rows]
    parser.add_argument("--data-root", type=Path, required=True, help="data sets, or a packed one")
    parser.add_argument("--out", type=Path, required=True, help="folder for runs and results.json")
    parser.add_argument("--rows", nargs="+", choices=names, default=names)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--set", action="append", default=[], help="change a setting of all rows")
    parser.add_argument("--budget-minutes", type=float, help="stop after that long, resumable")
    parser.add_argument(
        "--swag-samples", type=int, default=30, help="networks that SWAG averages; 0: their mean"
    )
    parser.add_argument(
        "--short",
        action="store_true",
        help=f"{SHORT_TRAIN} people, {SHORT_EPOCHS} epochs, tested on {SHORT_TEST} people: shows "
        "that the way works; its figures compare with nothing else",
    )
    args = parser.parse_args()
    args.started = time.monotonic()
    return args


def run_row(row: Row, args: argparse.Namespace) -> dict[str, Any] | None:
    """Train and test one row; None where the budget ended it."""
    out = args.out / (row.name + ("_short" if args.short else ""))
    done = out / "result.json"
    if done.is_file():
        known: dict[str, Any] = json.loads(done.read_text(encoding="utf-8"))
        return known
    recipe = load_recipe(row.recipe, args.set)
    recipe = replace(recipe, data=replace(recipe.data, datasets=(row.dataset,)))
    dataset = read_dataset(row.dataset, args.data_root)
    if args.short:
        recipe, dataset = shortened(recipe), some_people(dataset, SHORT_TEST)
    options = RunOptions(out, budget_minutes=args.budget_minutes, started=args.started)
    world = SingleProcess(torch.device(args.device))
    if not train(recipe, dataset, options, world=world).complete:
        return None
    result = {
        stage: scores.to_dict()
        for stage, scores in _test(recipe, dataset, out, world.device, args.swag_samples).items()
    }
    done.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return result


def shortened(recipe: Recipe) -> Recipe:
    """The same row on few people and for few epochs."""
    cycles = replace(recipe.cycles, cycles=min(recipe.cycles.cycles, 2), epochs_per_cycle=1)
    return replace(
        recipe,
        data=replace(recipe.data, train_identities=SHORT_TRAIN),
        schedule=replace(recipe.schedule, shape="cosine", warmup_epochs=1),
        cycles=cycles,
        train=replace(recipe.train, epochs=SHORT_EPOCHS),
    )


def some_people(dataset: PersonDataset, number: int) -> PersonDataset:
    """The test part with that many of its people, and without distractors."""
    people = np.unique(dataset.query.identities)
    kept = np.random.default_rng(0).permutation(people)[:number]
    query = dataset.query.select(np.isin(dataset.query.identities, kept))
    gallery = dataset.gallery.select(np.isin(dataset.gallery.identities, kept))
    return replace(dataset, query=query, gallery=gallery)


def _test(
    recipe: Recipe, dataset: PersonDataset, out: Path, device: torch.device, samples: int
) -> dict[str, Scores]:
    """Scores of every stage that the recipe has."""
    if not recipe.cycles.cycles:
        return {PLAIN: score_checkpoint(load_checkpoint(out / "last.pt"), dataset, device)}
    stages = {
        PLAIN: score_checkpoint(load_checkpoint(out / "base.pt"), dataset, device),
        CYCLES: score_checkpoint(load_checkpoint(out / "last.pt"), dataset, device),
    }
    newest, moments = fit(snapshot_files(out / "snapshots"))
    learnt = dataset
    if recipe.data.train_identities is not None:
        learnt = keep_identities(dataset, recipe.data.train_identities, recipe.data.split_seed)
    images = load_images(learnt.train, newest.input, device)
    mean = mean_checkpoint(newest, moments, images, device)
    save_checkpoint(mean, out / "swa.pt")
    if samples == 0:
        return {**stages, SWAG: score_checkpoint(mean, dataset, device)}
    parts = (dataset.query, dataset.gallery)
    tested = [load_images(part, newest.input, device) for part in parts]
    config = SwagConfig("diagonal", samples)
    vectors = model_average(newest, moments, config, images, tested, device)
    query, gallery = (
        Labelled(found.numpy(), part.identities, part.cameras)
        for found, part in zip(vectors, parts, strict=True)
    )
    return {**stages, SWAG: evaluate(query, gallery)}


def score_checkpoint(
    checkpoint: Checkpoint, dataset: PersonDataset, device: torch.device
) -> Scores:
    """Scores on the data set's test part."""
    network = fold_for_inference(checkpoint.build()).to(device)
    normaliser = Normaliser(checkpoint.input, device)
    query, gallery = (
        Labelled(
            embed_pixels(network, load_images(part, checkpoint.input, device), normaliser),
            part.identities,
            part.cameras,
        )
        for part in (dataset.query, dataset.gallery)
    )
    return evaluate(query, gallery)


def _print(title: str, rows: Sequence[Row], found: Mapping[str, Any], short: bool) -> None:
    table = Table(title=title + (" (short: compares with nothing)" if short else ""))
    for column in ("row", "stage", "paper", "ours", "difference"):
        table.add_column(column)
    for row in rows:
        for stage, scores in found.get(row.name, {}).items():
            ours = (scores["rank1"], scores["mean_ap"])
            paper = None if short else row.paper.get(stage)
            printed, difference = "", ""
            if paper is not None:
                printed = f"{paper[0]:.1f} / {paper[1]:.1f}"
                difference = f"{ours[0] - paper[0]:+.1f} / {ours[1] - paper[1]:+.1f}"
            ours_text = f"{ours[0]:.1f} / {ours[1]:.1f}"
            table.add_row(row.name, stage, printed, ours_text, difference)
    Console().print(table)
