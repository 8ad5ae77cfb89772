"""The training loop.

One process or several, CPU or GPU; it can be stopped at any moment and goes on exactly where the
last saved state was (bit for bit on a CPU). Batches and augmentation of an epoch follow from the
seed and the number of the epoch alone, so they need not be saved.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from .data.types import PersonDataset
from .recipe import Recipe
from .schedule import cyclic_learning_rate, learning_rate
from .training_log import EpochLog, Progress
from .training_options import Outcome, RunOptions
from .training_output import (
    BEST,
    Validation,
    averaged_network,
    checkpoint_names,
    write_checkpoints,
)
from .training_setup import prepare
from .training_state import Position, StateFile, TrainingState, check_same_training
from .training_world import SingleProcess, World
from .transforms import Draws, draw_epoch

__all__ = ["Outcome", "Progress", "Recipe", "RunOptions", "TrainingDivergedError", "train"]

CHECK_EVERY = 50
"""Steps between looks at the loss on a GPU, where every look waits for the device."""


class TrainingDivergedError(ValueError):
    """The loss is no longer finite; the last saved state is from before."""


def train(
    recipe: Recipe,
    dataset: PersonDataset,
    options: RunOptions,
    *,
    world: World | None = None,
    report: Callable[[Progress], None] | None = None,
) -> Outcome:
    """Train a network, or go on training it.

    Parameters
    ----------
    recipe : Recipe
    dataset : PersonDataset
        Only its training part is used.
    options : RunOptions
    world : World or None
        Device, and the other processes; None is this process on the CPU.
    report : callable or None
        Called with a Progress now and then.

    Raises
    ------
    ValueError
        When settings and data do not go together, or a state in ``out`` is of another training.
    TrainingDivergedError
        When the loss is not finite.
    """
    world = world or SingleProcess(torch.device("cpu"))
    with torch.backends.cudnn.flags(enabled=True, benchmark=True):
        return _Training(recipe, dataset, options, world, report).run()


class _Training:
    """A training under way."""

    def __init__(
        self,
        recipe: Recipe,
        dataset: PersonDataset,
        options: RunOptions,
        world: World,
        report: Callable[[Progress], None] | None,
    ) -> None:
        self.recipe, self.options, self.world, self.report = recipe, options, world, report
        self.setup = prepare(recipe, dataset, options.init, world)
        self.network = self.setup.model.network
        self.validation = Validation(self.setup, world.device)
        self.position = Position()
        self.average: dict[str, torch.Tensor] = {}
        if recipe.train.ema_decay:
            self.average = {k: v.clone() for k, v in self.network.state_dict().items()}
        self.term_sums: dict[str, torch.Tensor] = {}
        self.history: list[dict[str, Any]] = []
        self.best = -1.0
        self.seconds_before = 0.0
        self.state_file = StateFile(options.out, options.parts_mib, options.half_state)
        if self.state_file.exists():
            self._restore(self.state_file.load())
        self.log = EpochLog(options.out, self.position.epoch) if world.rank == 0 else None
        self.check_every = CHECK_EVERY if world.device.type == "cuda" else 1
        self.run_started = self.saved_at = time.monotonic()
        self.run_steps = 0

    def run(self) -> Outcome:
        """Train to the end, or until the budget is spent."""
        total = self.recipe.total_epochs
        while self.position.epoch <= total and not self.world.agree(self._budget_spent()):
            if self._epoch():
                self._end_epoch()
        self._save()
        if self.log is not None:
            self.log.close()
        best = self.options.out / BEST
        return Outcome(
            self.position.epoch > total,
            self.position,
            self.history,
            best if best.is_file() else None,
        )

    def _epoch(self) -> bool:
        """Finish the epoch under way; False where the budget ended before it did."""
        epoch, steps = self.position.epoch, self.setup.steps
        rows, draws = self._plan(epoch)
        size = self.recipe.train.image_size(self.network.config.input_size, epoch)
        for step in range(self.position.step, steps):
            rate = self._learning_rate(epoch, step / steps)
            for group in self.setup.optimiser.param_groups:
                group["lr"] = rate
            self._add_terms(self.setup.gradients(rows[step], draws[step], size))
            self.setup.optimiser.step()
            self._update_average()
            self.position = Position(epoch, step + 1)
            self.run_steps += 1
            if (step + 1) % self.check_every == 0 or step + 1 == steps:
                self._check_finite()
                self._tell(rate)
                if step + 1 < steps and self.world.agree(self._budget_spent()):
                    return False
                if self.world.agree(self._save_due()):
                    self._save()
        return True

    def _plan(self, epoch: int) -> tuple[torch.Tensor, Draws]:
        """Image rows (steps, B) and augmentation of this process's batches of an epoch."""
        generator = np.random.default_rng([self.recipe.train.seed, epoch])
        batches = self.setup.sampler.epoch(generator)
        draws = draw_epoch(batches.shape, self.recipe.augment, self.setup.spec, generator)
        own = slice(self.world.rank, self.setup.steps * self.world.size, self.world.size)
        mine = Draws(draws.flip[own], draws.shift[own], draws.erase[own])
        device = self.world.device
        return torch.from_numpy(batches[own]).to(device), mine.to(device)

    def _learning_rate(self, epoch: int, progress: float) -> float:
        main = self.recipe.train.epochs
        if epoch <= main:
            return learning_rate(self.recipe.schedule, main, epoch, progress)
        return cyclic_learning_rate(self.recipe.cycles, epoch - main, progress)

    @torch.no_grad()
    def _update_average(self) -> None:
        if not self.average:
            return
        state = self.network.state_dict()
        floats = [name for name, value in state.items() if value.is_floating_point()]
        counters = [name for name in state if name not in set(floats)]
        # One launch for all tensors: hundreds of small ones would cost more than the step itself.
        torch._foreach_lerp_(
            [self.average[name] for name in floats],
            [state[name] for name in floats],
            1 - self.recipe.train.ema_decay,
        )
        for name in counters:
            self.average[name] = state[name]

    def _add_terms(self, terms: Mapping[str, torch.Tensor]) -> None:
        for name, value in terms.items():
            if name in self.term_sums:
                self.term_sums[name] += value
            else:
                self.term_sums[name] = value.clone()

    def _check_finite(self) -> None:
        sums = torch.stack(list(self.term_sums.values()))
        if not torch.isfinite(sums).all():
            bad = [n for n, v in self.term_sums.items() if not torch.isfinite(v)]
            raise TrainingDivergedError(
                f"training diverged: {bad[0]} is not finite in epoch {self.position.epoch}, "
                f"step {self.position.step} (looked at every {self.check_every}); lower "
                "schedule.base_lr or set runtime.precision to float32"
            )

    def _end_epoch(self) -> None:
        """Evaluate, write what this epoch is due to write, log it, and move on."""
        epoch = self.position.epoch
        row: dict[str, Any] = {
            "epoch": epoch,
            "stage": "main" if epoch <= self.recipe.train.epochs else "cycles",
            "learning_rate": self._learning_rate(epoch, 0.0),
            **{name: float(v) / self.setup.steps for name, v in self.term_sums.items()},
        }
        last = epoch == self.recipe.total_epochs
        improved = last and not self.validation.possible
        if self.validation.possible and (epoch % self.recipe.train.val_every == 0 or last):
            row |= self.validation.run(averaged_network(self.network, self.average))
            improved = row["val_mean_ap"] > self.best
            self.best = max(self.best, row["val_mean_ap"])
        row["seconds"] = self._seconds()
        self.history.append(row)
        self.term_sums = {}
        self.position = Position(epoch + 1, 0)
        if self.log is not None:
            names = checkpoint_names(self.recipe, epoch, improved)
            self._write_checkpoints(names, row)
            self.log.write(self.history)

    def _write_checkpoints(self, names: list[str], row: Mapping[str, Any]) -> None:
        weights = self.average or self.network.state_dict()
        write_checkpoints(
            self.options.out,
            names,
            self.setup,
            self.recipe,
            weights,
            row,
            commit=self.options.commit,
            half=self.options.half,
        )

    def _seconds(self) -> float:
        return self.seconds_before + time.monotonic() - self.run_started

    def _budget_spent(self) -> bool:
        budget = self.options.budget_minutes
        return budget is not None and time.monotonic() - self.options.started >= 60 * budget

    def _save_due(self) -> bool:
        return time.monotonic() - self.saved_at >= 60 * self.options.checkpoint_minutes

    def _tell(self, rate: float) -> None:
        if self.report is None or self.world.rank != 0:
            return
        steps, total = self.setup.steps, self.recipe.total_epochs
        epoch, step = self.position.epoch, self.position.step
        per_step = (time.monotonic() - self.run_started) / self.run_steps
        sampler = self.recipe.sampler
        batch = sampler.identities * sampler.images * self.world.size
        left = (total - epoch + 1) * steps - step
        loss = float(self.term_sums["loss"]) / step
        self.report(
            Progress(epoch, total, step, steps, loss, rate, batch / per_step, left * per_step)
        )

    def _save(self) -> None:
        self.saved_at = time.monotonic()
        if self.world.rank != 0:
            return
        rng = {"cpu": torch.get_rng_state()}
        if self.world.device.type == "cuda":
            rng["cuda"] = torch.cuda.get_rng_state(self.world.device)
        self.state_file.save(
            TrainingState(
                position=self.position,
                model=self.setup.model.state_dict(),
                optimiser=self.setup.optimiser.state_dict(),
                average=self.average,
                term_sums=self.term_sums,
                history=self.history,
                best=self.best,
                seconds=self._seconds(),
                rng=rng,
                recipe=self.recipe.to_dict(),
            )
        )

    def _restore(self, state: TrainingState) -> None:
        check_same_training(state, self.recipe, self.state_file.path)
        self.setup.model.load_state_dict(dict(state.model))
        self.setup.optimiser.load_state_dict(dict(state.optimiser))
        for name, value in state.average.items():
            self.average[name].copy_(value)
        device = self.world.device
        self.term_sums = {name: value.to(device) for name, value in state.term_sums.items()}
        self.position, self.history = state.position, list(state.history)
        self.best, self.seconds_before = state.best, state.seconds
        torch.set_rng_state(state.rng["cpu"])
        if device.type == "cuda" and "cuda" in state.rng:
            torch.cuda.set_rng_state(state.rng["cuda"], device)
