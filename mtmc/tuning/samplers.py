"""Which settings to try next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from scipy.stats import qmc

from ..errors import InputError
from ..types import FloatArray
from .space import Dimension, Settings, settings_at

Point = dict[str, float]


class Sampler(Protocol):
    """Proposes settings, and is told how good they were. Equal seeds give equal answers."""

    def begin(self, shares: Mapping[str, float], quality: float) -> None:
        """Learn of the settings that the search begins with, as a point of the unit cube."""
        ...

    def ask(self, count: int) -> list[Settings]:
        """The next settings to try."""
        ...

    def tell(self, qualities: Sequence[float | None]) -> None:
        """How good the settings of the last `ask` were; None for impossible ones."""
        ...


class Halton:
    """Points that fill the space evenly and do not depend on results (Halton, 1960).

    Every fold of a search tries the same settings, so that the folds cost nothing extra.
    """

    def __init__(self, space: Sequence[Dimension], seed: int) -> None:
        self._space = list(space)
        self._sequence = qmc.Halton(len(self._space), scramble=True, seed=seed)

    def begin(self, shares: Mapping[str, float], quality: float) -> None:
        """See `Sampler.begin`; there is nothing to learn."""

    def ask(self, count: int) -> list[Settings]:
        """See `Sampler.ask`."""
        return [_settings(self._space, row) for row in self._sequence.random(count)]

    def tell(self, qualities: Sequence[float | None]) -> None:
        """See `Sampler.tell`; there is nothing to learn."""


class Climb:
    """Halton points first, then steps away from the best so far, shorter and shorter.

    A step changes every setting with probability `CHANGE`, one at least, by a normal deviate whose
    scale falls from `FIRST_STEP` to `LAST_STEP` of the range: a (1 + n) evolution strategy.
    """

    SPREAD = 1 / 3  # part of the trials that explore
    CHANGE = 0.5
    FIRST_STEP, LAST_STEP = 0.2, 0.04

    def __init__(self, space: Sequence[Dimension], seed: int, trials: int) -> None:
        self._space = list(space)
        self._halton = qmc.Halton(len(self._space), scramble=True, seed=seed)
        self._rng = np.random.default_rng(seed)
        self._trials = trials
        self._done = 0
        self._asked: list[FloatArray] = []
        self._best: tuple[float, FloatArray] | None = None

    def begin(self, shares: Mapping[str, float], quality: float) -> None:
        """See `Sampler.begin`."""
        self._best = (quality, np.array([shares[each.name] for each in self._space]))

    def ask(self, count: int) -> list[Settings]:
        """See `Sampler.ask`."""
        self._asked = [self._next(self._done + k) for k in range(count)]
        self._done += count
        return [_settings(self._space, point) for point in self._asked]

    def tell(self, qualities: Sequence[float | None]) -> None:
        """See `Sampler.tell`."""
        for point, quality in zip(self._asked, qualities, strict=True):
            if quality is not None and (self._best is None or quality > self._best[0]):
                self._best = (quality, point)

    def _next(self, number: int) -> FloatArray:
        if self._best is None or number < self.SPREAD * self._trials:
            spread: FloatArray = self._halton.random(1)[0]
            return spread
        share = min(number / max(self._trials, 1), 1.0)
        step = self.FIRST_STEP * (self.LAST_STEP / self.FIRST_STEP) ** share
        changed = self._rng.random(len(self._space)) < self.CHANGE
        changed[self._rng.integers(len(self._space))] = True
        moved = self._best[1] + changed * self._rng.normal(0.0, step, len(self._space))
        # Reflected at the borders, where many good settings lie.
        reflected: FloatArray = 1.0 - np.abs(1.0 - np.abs(moved))
        return reflected.clip(0.0, 1.0)


class Tpe:
    """Tree-structured Parzen estimator (Bergstra et al., 2011), as Optuna has it."""

    def __init__(self, space: Sequence[Dimension], seed: int) -> None:
        try:
            import optuna
        except ImportError as error:
            raise InputError("sampler tpe: needs Optuna; install mtmc[tune]") from error
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._space = list(space)
        sampler = optuna.samplers.TPESampler(seed=seed, constant_liar=True)
        self._study = optuna.create_study(direction="maximize", sampler=sampler)
        self._optuna = optuna
        self._asked: list[Any] = []

    def begin(self, shares: Mapping[str, float], quality: float) -> None:
        """See `Sampler.begin`."""
        unit = self._optuna.distributions.FloatDistribution(0.0, 1.0)
        trial = self._optuna.trial.create_trial(
            params=dict(shares), distributions=dict.fromkeys(shares, unit), value=quality
        )
        self._study.add_trial(trial)

    def ask(self, count: int) -> list[Settings]:
        """See `Sampler.ask`."""
        self._asked = [self._study.ask() for _ in range(count)]
        return [
            settings_at(
                self._space,
                {each.name: trial.suggest_float(each.name, 0.0, 1.0) for each in self._space},
            )
            for trial in self._asked
        ]

    def tell(self, qualities: Sequence[float | None]) -> None:
        """See `Sampler.tell`."""
        for trial, quality in zip(self._asked, qualities, strict=True):
            if quality is None:
                self._study.tell(trial, state=self._optuna.trial.TrialState.FAIL)
            else:
                self._study.tell(trial, quality)


def _settings(space: Sequence[Dimension], row: FloatArray) -> Settings:
    return settings_at(
        space, {each.name: float(share) for each, share in zip(space, row, strict=True)}
    )


MakeSampler = Callable[[Sequence[Dimension], int, int], Sampler]

SAMPLERS: dict[str, MakeSampler] = {
    "climb": Climb,
    "halton": lambda space, seed, trials: Halton(space, seed),
    "tpe": lambda space, seed, trials: Tpe(space, seed),
}
"""Name -> maker from (space, seed, number of trials)."""
