"""Learning rates over a training: equation (1) of the paper, a cosine, and cosine cycles."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class ScheduleConfig:
    """Learning rate of the main training.

    The default is equation (1) of the paper, with epochs counted from 1:
    ``lr(t) = 3e-2 t / 10`` for ``t <= 10``, ``3e-2`` to 150, ``3e-3`` to 225, ``3e-4`` to 350.

    Attributes
    ----------
    shape : "steps" or "cosine"
        ``"steps"`` multiplies by ``gamma`` after every milestone, constant within an epoch, as in
        the paper. ``"cosine"`` falls smoothly to zero after the warm-up and ``flat_epochs`` of
        ``base_lr``; milestones do not count.
    base_lr : float
        Rate after the warm-up.
    warmup_epochs : int
        Epochs over which the rate rises linearly to ``base_lr``; 0 for none.
    milestones : tuple of int
        Last epochs of their rates.
    gamma : float
        Factor at a milestone.
    flat_epochs : int
        Epochs after the warm-up before a cosine begins to fall; steps take no notice.
    """

    shape: Literal["steps", "cosine"] = "steps"
    base_lr: float = 3e-2
    warmup_epochs: int = 10
    milestones: tuple[int, ...] = (150, 225)
    gamma: float = 0.1
    flat_epochs: int = 0

    def __post_init__(self) -> None:
        if not self.base_lr > 0:
            raise ValueError(f"base_lr: expected a value above 0, got {self.base_lr}")
        for name in ("warmup_epochs", "flat_epochs"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}: expected 0 or more, got {getattr(self, name)}")
        if list(self.milestones) != sorted(set(self.milestones)):
            raise ValueError(f"milestones: expected rising epochs, got {self.milestones}")
        if not 0 < self.gamma <= 1:
            raise ValueError(f"gamma: expected a factor in (0, 1], got {self.gamma}")


def learning_rate(config: ScheduleConfig, epochs: int, epoch: int, progress: float = 0.0) -> float:
    """Rate of one step of the main training.

    Parameters
    ----------
    config : ScheduleConfig
    epochs : int
        Length of the training, where a cosine ends.
    epoch : int
        Counted from 1, as in equation (1).
    progress : float
        Part of the epoch that is over, 0 to 1; only a cosine looks at it.
    """
    if epoch <= config.warmup_epochs:
        return config.base_lr * epoch / config.warmup_epochs
    if config.shape == "steps":
        return config.base_lr * config.gamma ** sum(epoch > m for m in config.milestones)
    before = config.warmup_epochs + config.flat_epochs
    over = (epoch - 1 - before + progress) / max(epochs - before, 1)
    return config.base_lr * _half_cosine(max(over, 0.0))


@dataclass(frozen=True)
class CyclesConfig:
    """Cyclic learning rate of the stage that SWAG averages over.

    The paper: 15 cycles of 35 epochs, cosine annealing, decay 0.7 after each cycle. Its start value
    is not stated.

    Attributes
    ----------
    cycles : int
        Number of cycles; each ends with a snapshot of the weights. 0 leaves the stage out.
    epochs_per_cycle : int
    start_lr : float
        Rate at the start of the first cycle.
    decay : float
        Factor on the start rate from one cycle to the next.
    end_lr : float
        Rate that every cycle falls to.
    """

    cycles: int = 0
    epochs_per_cycle: int = 35
    start_lr: float = 3e-2
    decay: float = 0.7
    end_lr: float = 0.0

    def __post_init__(self) -> None:
        if self.cycles < 0:
            raise ValueError(f"cycles: expected 0 or more, got {self.cycles}")
        if self.epochs_per_cycle < 1:
            raise ValueError(f"epochs_per_cycle: expected 1 or more, got {self.epochs_per_cycle}")
        if not 0 <= self.end_lr < self.start_lr:
            raise ValueError(
                f"start_lr: expected a value above end_lr {self.end_lr}, got {self.start_lr}"
            )
        if not 0 < self.decay <= 1:
            raise ValueError(f"decay: expected a factor in (0, 1], got {self.decay}")

    @property
    def epochs(self) -> int:
        """Length of the whole stage."""
        return self.cycles * self.epochs_per_cycle


def cyclic_learning_rate(config: CyclesConfig, epoch: int, progress: float = 0.0) -> float:
    """Rate of one step of the cyclic stage.

    ``end + (start 0.7^c - end) (1 + cos(pi s)) / 2`` with c the cycle and s the part of it that is
    over; never below ``end_lr``.

    Parameters
    ----------
    config : CyclesConfig
    epoch : int
        Counted from 1 at the beginning of the stage.
    progress : float
        Part of the epoch that is over, 0 to 1.
    """
    cycle, within = divmod(epoch - 1, config.epochs_per_cycle)
    start = max(config.start_lr * config.decay**cycle, config.end_lr)
    over = (within + progress) / config.epochs_per_cycle
    return config.end_lr + (start - config.end_lr) * _half_cosine(over)


def ends_cycle(config: CyclesConfig, epoch: int) -> bool:
    """Whether an epoch of the cyclic stage, counted from 1, is the last of its cycle."""
    return epoch % config.epochs_per_cycle == 0


def _half_cosine(over: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * over))
