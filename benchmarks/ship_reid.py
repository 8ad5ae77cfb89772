r"""Put a trained network among the shipped weights, and write its card.

    python -m benchmarks.ship_reid weights --weights RUN/last.pt --dataset rendered_people \
        --data-root PEOPLE --name rendered_people.pt --cpu-minutes 60
    python -m benchmarks.shipped_reid --people PEOPLE --market DIR --cuhk DIR
    python -m benchmarks.ship_reid card --name rendered_people.pt

The first step measures distances on the data set's test part, for thresholds, and stores the
weights in half precision; the last writes the card from the checkpoint and the measured figures.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from benchmarks.provenance import provenance
from benchmarks.shipped_reid import RESULT
from benchmarks.table2 import PAPER as TABLE_2
from mtmc.reid import load
from mtmc.reid.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from mtmc.reid.complexity import complexity
from mtmc.reid.data import read_dataset
from mtmc.reid.distances import measure_distances
from mtmc.reid.image_sets import embed_samples
from mtmc.reid.shipped import FOLDER

FALSE_MATCH_RATES = (1e-2, 1e-3)
PAPER = {
    "ha_cnn": TABLE_2["ha_cnn"],
    "robust_reid_1x": TABLE_2["g"],
    "robust_reid_2x": TABLE_2["robust_reid"],
}
"""Rank-1 and mAP on Market-1501 in the paper, by architecture."""
PAPER_TRAINING = "paper, 350 epochs and 15 cycles of 35"
MARKET = "market1501"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    steps = parser.add_subparsers(dest="step", required=True)
    weights = steps.add_parser("weights")
    weights.add_argument("--weights", type=Path, required=True)
    weights.add_argument("--dataset", required=True)
    weights.add_argument("--data-root", type=Path, required=True)
    weights.add_argument("--name", required=True)
    weights.add_argument("--cpu-minutes", type=float, required=True, help="of the whole training")
    weights.add_argument("--stages", nargs="*", default=[], help="recipes of earlier stages")
    weights.add_argument("--commit", help="of the training's code, where it ran from a copy")
    card = steps.add_parser("card")
    card.add_argument("--name", required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.step == "weights":
        store(arguments)
    path = FOLDER / arguments.name
    text = card_text(path, load_checkpoint(path, announce=False))
    path.with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)


def store(arguments: argparse.Namespace) -> None:
    """Write the weights with distances between people of the data set's test part."""
    checkpoint = load_checkpoint(arguments.weights)
    dataset = read_dataset(arguments.dataset, arguments.data_root)
    model = load(arguments.weights, threads=1)
    found = embed_samples(dataset.gallery, model.embed_crops)
    statistics = measure_distances(
        found.embeddings, found.identities, found.cameras, f"{dataset.name} gallery"
    )
    held_out = checkpoint.recipe["data"]["val_identities"]
    facts = {
        "training_cpu_minutes": arguments.cpu_minutes,
        "training_hardware": provenance()["hardware"],
        "training_people": dataset.train.num_identities - held_out,
        "held_out_people": held_out,
        "earlier_stages": arguments.stages,
    }
    commit = arguments.commit or checkpoint.commit
    shipped = replace(checkpoint, distances=statistics, metrics=facts, commit=commit)
    save_checkpoint(shipped, FOLDER / arguments.name, half=True)


def card_text(path: Path, checkpoint: Checkpoint) -> str:
    """The card as Markdown: what the network is, where it comes from, what it is worth."""
    rows = json.loads(RESULT.read_text(encoding="utf-8"))["rows"] if RESULT.is_file() else {}
    size = complexity(checkpoint.build())
    spec, facts = checkpoint.input, checkpoint.metrics
    about = [
        f"# {path.name}",
        "",
        f"{checkpoint.architecture}, {size.params_m:.2f}M parameters, {spec.height}x{spec.width} "
        f"pixels in, {checkpoint.embedding_dim} numbers out, half precision. Trained from random "
        "weights.",
        "",
        f"* Data: {checkpoint.trained_on} ({facts['training_people']} people in the last "
        f"stage, {facts['held_out_people']} held out to watch it)",
        f"* Terms: {checkpoint.terms}",
        f"* Training: {facts['training_cpu_minutes']:g} minutes of one core of "
        f"{facts['training_hardware']}; the last recipe is in the file (`mtmc reid info --weights "
        f"{path.name}`)" + "".join(f", before it {stage}" for stage in facts["earlier_stages"]),
        f"* Code: {checkpoint.commit}",
        f"* SHA-256: `{hashlib.sha256(path.read_bytes()).hexdigest()}`",
        "",
    ]
    paper = _against_paper(checkpoint, rows.get(path.name, {}))
    return "\n".join([*about, *paper, *_thresholds(checkpoint), *_figures(rows, path.name)])


def _against_paper(checkpoint: Checkpoint, row: dict[str, Any]) -> list[str]:
    """The paper's figures, ours and the difference, for a network that both trained on Market."""
    paper = PAPER.get(checkpoint.architecture)
    if paper is None or MARKET not in row or MARKET not in checkpoint.trained_on:
        return []
    ours = row[MARKET]["rank1"], row[MARKET]["mean_ap"]
    epochs = checkpoint.recipe["train"]["epochs"]
    lines = ["| Market-1501, no re-ranking | rank-1 | mAP |", "|---|---|---|"]
    lines.append(f"| {PAPER_TRAINING} | {paper[0]:.1f} | {paper[1]:.1f} |")
    lines.append(f"| this file, {epochs} epochs | {ours[0]:.1f} | {ours[1]:.1f} |")
    differences = [mine - theirs for mine, theirs in zip(ours, paper, strict=True)]
    lines.append(f"| difference | {differences[0]:+.1f} | {differences[1]:+.1f} |")
    return [*lines, ""]


def _thresholds(checkpoint: Checkpoint) -> list[str]:
    statistics = checkpoint.distances
    if statistics is None:
        return []
    lines = [f"Cosine distances, {statistics.measured_on}, pairs from two cameras:", ""]
    for rate in FALSE_MATCH_RATES:
        threshold = statistics.threshold(rate)
        lines.append(
            f"* {threshold:.3f} matches {rate:.1%} of different people and misses "
            f"{statistics.miss_rate(threshold):.0%} of the same"
        )
    return [*lines, ""]


def _figures(rows: dict[str, Any], name: str) -> list[str]:
    """Rank-1/5/10 and mAP of a network, and rank-1 of the others beside it."""
    if name not in rows:
        return []
    ours = rows[name]
    tests = [
        test for test in ours if "rank1" in (ours[test] if isinstance(ours[test], dict) else {})
    ]
    lines = ["| test | rank-1 | rank-5 | rank-10 | mAP |", "|---|---|---|---|---|"]
    for test in tests:
        scores = [f"{ours[test][key]:.1f}" for key in ("rank1", "rank5", "rank10", "mean_ap")]
        lines.append(f"| {test} | " + " | ".join(scores) + " |")
    if "rendered worlds" in ours:
        auc = ours["rendered worlds"]["auc"]
        lines += ["", f"Same or another person, across cameras of rendered rooms: AUC {auc:.3f}."]
    lines += ["", "Rank-1 beside others:", "", "| network | " + " | ".join(tests) + " | AUC |"]
    lines.append("|---" * (len(tests) + 2) + "|")
    for other, row in rows.items():
        cells = [f"{row[test]['rank1']:.1f}" if test in row else "" for test in tests]
        cells.append(f"{row['rendered worlds']['auc']:.3f}" if "rendered worlds" in row else "")
        lines.append(f"| {other} | " + " | ".join(cells) + " |")
    return [*lines, ""]


if __name__ == "__main__":
    main()
