"""``mtmc reid train``: train a network, in one go or in many short runs."""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bars

from mtmc.errors import InputError
from mtmc.recipes import build_recipe, recipe_tables

from . import reid_arguments as shared
from .console import errors, output

if TYPE_CHECKING:
    from mtmc.reid.checkpoint import Checkpoint
    from mtmc.reid.recipe import Recipe
    from mtmc.reid.training_log import Progress

EPILOG = """examples:
  mtmc reid train --config robust_reid_2x.toml --data-root DIR --out runs/r2x --device cuda
      the recipe of the paper; the same command again goes on where it was stopped
  mtmc reid train --config robust_reid_2x.toml --data-root pack.npz --out runs/r2x \\
      --device cuda --budget-minutes 9 --parts-mib 15
      in short runs: stops in time, and leaves its state in files of at most 15 MiB
  mtmc reid train --init rendered_people.pt --data my_people/ --out runs/mine
      fine-tune on people of your own: my_people/NAME/CAMERA_anything.jpg
  mtmc reid train --config robust_reid_1x.toml --data-root DIR --out runs/try \\
      --set train.epochs=3 --set data.val_identities=100
      change settings; choose among them on people held out, never on the test part
  accelerate launch -m mtmc reid train --distributed --config ... --out ...
      several GPUs; batches are shared out, so every step sees that many times more images

Writes into --out: state (to resume), log.csv, best.pt (best on the people held out, or the last),
last.pt, and for a cyclic stage base.pt and snapshots/. `--print-config` shows all settings.
"""

FINE_TUNING = "fine_tuning.toml"


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "train",
        help="train a network",
        description="Train a re-identification network. Stop it whenever you like: the same "
        "command goes on exactly where it was.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", metavar="DIR", help="folder for everything it writes")
    parser.add_argument(
        "--config", metavar="TOML", help="recipe: a file, or the name of a shipped one"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change one setting"
    )
    parser.add_argument(
        "--print-config", action="store_true", help="print all settings as JSON and stop"
    )
    parser.add_argument("--init", metavar="PT", help="start from the weights of this checkpoint")
    shared.add_dataset(parser, required=False)
    parser.add_argument(
        "--data",
        metavar="DIR",
        help="a folder of people of your own: short for --dataset folder --data-root DIR",
    )
    shared.add_hardware(parser)
    parser.add_argument(
        "--distributed", action="store_true", help="one of several processes of `accelerate launch`"
    )
    _add_runs(parser)
    parser.add_argument(
        "--half", action="store_true", help="write checkpoints and snapshots in half precision"
    )
    parser.set_defaults(handler=run)


def _add_runs(parser: argparse.ArgumentParser) -> None:
    runs = parser.add_argument_group("runs that are cut short")
    runs.add_argument(
        "--budget-minutes", type=float, metavar="M", help="stop after M minutes, with a saved state"
    )
    runs.add_argument(
        "--checkpoint-minutes",
        type=float,
        default=2.0,
        metavar="M",
        help="save that often (default 2)",
    )
    runs.add_argument(
        "--parts-mib", type=float, metavar="S", help="write the state in parts of at most S MiB"
    )
    runs.add_argument(
        "--half-state",
        action="store_true",
        help="write the state in half precision: half the size, but going on is no longer exact",
    )


def run(arguments: argparse.Namespace) -> int:
    """Train, and say how it ended."""
    started = time.monotonic()
    if arguments.data is not None:
        if arguments.dataset or arguments.data_root:
            raise InputError("--data: expected without --dataset and --data-root")
        arguments.dataset, arguments.data_root = ["folder"], arguments.data
    init = _load_init(arguments.init)
    recipe = _recipe(arguments, init)
    if arguments.print_config:
        output().print_json(data=recipe.to_dict())
        return 0
    if arguments.out is None:
        raise InputError("--out: missing")
    device = shared.set_up_torch(arguments)
    dataset = shared.open_dataset(arguments, recipe.data.datasets)

    from mtmc.reid.host_memory import keep_freed_memory
    from mtmc.reid.train import RunOptions, train
    from mtmc.reid.training_world import Accelerated, SingleProcess

    options = RunOptions(
        Path(arguments.out),
        budget_minutes=arguments.budget_minutes,
        checkpoint_minutes=arguments.checkpoint_minutes,
        parts_mib=arguments.parts_mib,
        half_state=arguments.half_state,
        half=arguments.half,
        init=init,
        commit=shared.code_version(),
        started=started,
    )
    world = (
        Accelerated(cpu=device.type == "cpu") if arguments.distributed else SingleProcess(device)
    )
    if device.type == "cpu":
        keep_freed_memory()
    with _Display() as display:
        outcome = train(recipe, dataset, options, world=world, report=display.show)
    if world.rank == 0:
        _tell(outcome.complete, outcome.position.epoch, outcome.position.step, arguments.out)
        if outcome.history:
            row = outcome.history[-1]
            numbers = {k: f"{v:.4g}" for k, v in row.items() if isinstance(v, float)}
            output().print(", ".join(f"{k} {v}" for k, v in numbers.items()))
    return 0


def _tell(complete: bool, epoch: int, step: int, out: str) -> None:
    if complete:
        output().print(f"complete; see {out}")
    else:
        output().print(f"stopped in epoch {epoch} after step {step}; the same command goes on")


def _load_init(path: str | None) -> Checkpoint | None:
    if path is None:
        return None
    from mtmc.reid.checkpoint import load_checkpoint
    from mtmc.reid.shipped import find_weights

    return load_checkpoint(find_weights(path))


def _recipe(arguments: argparse.Namespace, init: Checkpoint | None) -> Recipe:
    """Settings of ``--config``, or of fine-tuning for ``--init``, changed by the other flags."""
    config = arguments.config
    if config is None:
        if init is None:
            raise InputError(
                "--config: missing; name a recipe, e.g. robust_reid_1x.toml, or --init"
            )
        config = FINE_TUNING
    tables = recipe_tables(config)
    if arguments.dataset:
        tables.setdefault("data", {})["datasets"] = arguments.dataset
    recipe = build_recipe(tables, arguments.set)
    if init is not None and "model" not in tables:
        from mtmc.reid.recipe import ModelConfig

        recipe = replace(recipe, model=ModelConfig(init.architecture, dict(init.config)))
    return recipe


class _Display:
    """A progress line on a terminal; one line per epoch elsewhere."""

    def __init__(self) -> None:
        self._console = errors()
        self._bars = Bars(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            TextColumn("{task.fields[note]}", style="dim"),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._bars.add_task("", total=None, epoch="", note="")

    def __enter__(self) -> _Display:
        self._bars.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bars.stop()

    def show(self, progress: Progress) -> None:
        """Take one report of the training."""
        note = (
            f"loss {progress.loss:.3f}  lr {progress.learning_rate:.2g}  "
            f"{progress.images_per_s:.0f} images/s  {_duration(progress.seconds_left)} left"
        )
        self._bars.update(
            self._task,
            completed=progress.step,
            total=progress.steps,
            epoch=f"{progress.epoch}/{progress.epochs}",
            note=note,
        )
        if not self._console.is_terminal and progress.step == progress.steps:
            self._console.print(f"epoch {progress.epoch}/{progress.epochs}  {note}")


def _duration(seconds: float) -> str:
    minutes = int(seconds // 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes + 1} min"
