"""Train the person detector that ships: rendered people in made-up, rendered and real places.

    python -m benchmarks.train_detector --out DIR [--panoramas DIR] [--steps 4000]

DIR keeps the material (people and places), a log, and a checkpoint from which the same command goes
on; ``--export FILE`` writes the network as ONNX from what is there. Panoramas are equirectangular
pictures of places without people. No picture of a real person takes part.
"""

from __future__ import annotations

import argparse
import csv
import time
from dataclasses import replace
from pathlib import Path

import cv2
import torch

from mtmc.detectors.training.backdrops import draw_backdrops, read_panoramas
from mtmc.detectors.training.calibration import calibrate
from mtmc.detectors.training.export import export
from mtmc.detectors.training.material import Material, joined, read_material, write_material
from mtmc.detectors.training.sprites import draw_sprites
from mtmc.detectors.training.train import TrainConfig, Training, train

SPRITES, BACKDROPS = 1800, 260
UNSEEN_SEED, UNSEEN, CALIBRATION_SCENES = 1000, (200, 40), 300
SAVE_EVERY, LOG_EVERY = 200, 20


def main() -> None:
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(arguments.threads)
    config = replace(TrainConfig(), steps=arguments.steps, seed=arguments.seed)
    arguments.out.mkdir(parents=True, exist_ok=True)
    training = Training(config)
    checkpoint = arguments.out / "checkpoint.pt"
    if checkpoint.is_file():
        training.load(checkpoint)
    if arguments.export is None:
        parts = [
            make_material(
                arguments.out / f"material-{seed}.npz", arguments, seed, SPRITES, BACKDROPS
            )
            for seed in arguments.material
        ]
        material = joined(parts)
        run(training, material, arguments.out)
    else:
        unseen = make_material(arguments.out / "unseen.npz", arguments, UNSEEN_SEED, *UNSEEN)
        scale, shift = calibrate(training.mean, unseen, config, CALIBRATION_SCENES)
        print(f"step {training.step}: scores are sigmoid({scale:.4f} * logit + {shift:.4f})")
        export(training.mean, arguments.export, scale, shift)


def make_material(
    path: Path, arguments: argparse.Namespace, seed: int, people: int, places: int
) -> Material:
    """People and places, drawn unless they are there already."""
    if not path.is_file():
        panoramas = read_panoramas(arguments.panoramas) if arguments.panoramas else []
        print(f"drawing {people} people and {places} places", flush=True)
        sprites = draw_sprites(people, seed)
        write_material(Material(sprites, draw_backdrops(places, seed, panoramas)), path)
    return read_material(path)


def run(training: Training, material: Material, out: Path) -> None:
    """Train with a log, a row per some steps, and checkpoints."""
    started = time.monotonic()
    sums: dict[str, float] = {}
    with (out / "log.csv").open("a", newline="", encoding="utf-8") as stream:
        log = csv.writer(stream)

        def on_step(step: int, losses: dict[str, float]) -> None:
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + value / LOG_EVERY
            if step % LOG_EVERY == 0:
                log.writerow([step, *(f"{value:.5g}" for value in sums.values()),
                              f"{time.monotonic() - started:.0f}"])  # fmt: skip
                stream.flush()
                sums.clear()
            if step % SAVE_EVERY == 0 or step == training.config.steps:
                training.save(out / "checkpoint.pt")

        train(training, material, on_step)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--panoramas", type=Path)
    parser.add_argument("--steps", type=int, default=TrainConfig.steps)
    parser.add_argument("--seed", type=int, default=TrainConfig.seed)
    parser.add_argument(
        "--material", type=int, nargs="+", default=[0], help="seeds of the material"
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--export", type=Path, help="write the calibrated network instead of training"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
