"""Where the time of a training step goes: getting the batch, gradients, the optimiser.

    python -m benchmarks.profile_training --model robust_reid_1x --threads 1 --out profile.json

Needs no data set: pixels are random, which costs the same.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mtmc.reid.data.images import PackedImages
from mtmc.reid.host_memory import keep_freed_memory
from mtmc.reid.losses import LossConfig
from mtmc.reid.models import ClassifierHeads, build
from mtmc.reid.recipe import OptimiserConfig, RuntimeConfig
from mtmc.reid.sampler import IdentitySampler, SamplerConfig
from mtmc.reid.training_setup import input_spec
from mtmc.reid.training_step import Gradients, TrainingModel, make_optimiser
from mtmc.reid.training_world import SingleProcess
from mtmc.reid.transforms import AugmentConfig, Normaliser, augment, draw_epoch

from .provenance import provenance

IDENTITIES, IMAGES = 751, 12936
"""Market-1501's training part; one epoch's plan is made for that many images."""


def profile(args: argparse.Namespace) -> dict[str, Any]:
    device = torch.device(args.device)
    if device.type == "cpu":
        keep_freed_memory()  # as `mtmc reid train` does
    network = build(args.model)
    spec = input_spec(network)
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (1024, spec.height, spec.width, 3), np.uint8)
    labels = rng.integers(0, IDENTITIES, 1024)
    images = PackedImages(
        torch.from_numpy(pixels).to(device), torch.from_numpy(labels).to(device), IDENTITIES
    )
    model = TrainingModel(network, ClassifierHeads(network.branch_dims, IDENTITIES), LossConfig())
    model = model.to(device).to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    optimiser = make_optimiser(model, OptimiserConfig())
    normaliser = Normaliser(spec, device)
    gradients = Gradients(
        model, images, normaliser, RuntimeConfig(compile=args.compile), SingleProcess(device)
    )
    sampler = SamplerConfig(identities=args.batch // 4)
    owners = np.sort(rng.integers(0, IDENTITIES, IMAGES))

    started = time.perf_counter()
    planner = IdentitySampler(owners, sampler)
    batches = planner.epoch(rng)
    config = AugmentConfig(flip=True, crop_padding=10)
    draws = draw_epoch(batches.shape, config, spec, rng).to(device)
    rows = torch.from_numpy(batches % len(pixels)).to(device)
    plan_s = (time.perf_counter() - started) / len(batches)

    def step(number: int) -> None:
        gradients(rows[number], draws[number])
        optimiser.step()

    def batch(number: int) -> None:
        augment(images.pixels[rows[number]], draws[number], normaliser)

    step_s = measure(step, args.steps, device)
    batch_s = measure(batch, args.steps, device)
    return {
        "model": args.model,
        "batch": args.batch,
        "device": args.device,
        "gpu": torch.cuda.get_device_name() if device.type == "cuda" else None,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        **provenance("reid", "benchmarks"),
        "plan_ms": 1e3 * plan_s,
        "augment_ms": 1e3 * batch_s,
        "step_ms": 1e3 * step_s,
        "images_per_s": args.batch / (step_s + plan_s),
        "data_share": (plan_s + batch_s) / (step_s + plan_s),
    }


def measure(run: Any, steps: int, device: torch.device) -> float:
    """Median seconds of a call, after three calls that do not count."""
    times = []
    for number in range(steps + 3):
        started = time.perf_counter()
        run(number)
        if device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - started)
    return float(np.median(times[3:]))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="robust_reid_1x")
    parser.add_argument("--batch", type=int, default=32, help="images per step, a multiple of 4")
    parser.add_argument("--steps", type=int, default=10, help="steps that are timed")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    result = profile(args)
    text = json.dumps(result, indent=2)
    print(text)
    if args.out is not None:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
