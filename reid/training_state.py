"""Everything a training needs to go on exactly where it was stopped."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from .checkpoint import read_tensors
from .files import has_parts, read_parts, write_atomic, write_parts
from .recipe import Recipe

FORMAT = "mtmc-reid-training-state"
VERSION = 1
STATE_NAME = "state.pt"


@dataclass(frozen=True)
class Position:
    """Where the training stands.

    Attributes
    ----------
    epoch : int
        Epoch under way, from 1; the one after the last when the training is complete.
    step : int
        Steps of it that are done.
    """

    epoch: int = 1
    step: int = 0


@dataclass(frozen=True, eq=False)
class TrainingState:
    """A training between two steps.

    Batches and augmentation are not part of it: they follow from the seed and the epoch.

    Attributes
    ----------
    position : Position
    model, optimiser : mapping
        State dicts; the model's includes the classifiers.
    average : mapping
        Exponential average of the network's state; empty where it is off.
    term_sums : mapping
        Sums of the loss terms over the steps of this epoch.
    history : list of mapping
        One row per complete epoch.
    best : float
        Best result on the people held out; -1 before the first.
    seconds : float
        Time spent so far, in seconds.
    rng : mapping
        States of torch's random generators, by device type.
    recipe : mapping
        The settings, plain values.
    """

    position: Position
    model: Mapping[str, torch.Tensor]
    optimiser: Mapping[str, Any]
    average: Mapping[str, torch.Tensor]
    term_sums: Mapping[str, torch.Tensor]
    history: list[dict[str, Any]]
    best: float
    seconds: float
    rng: Mapping[str, torch.Tensor]
    recipe: Mapping[str, Any]


@dataclass(frozen=True)
class StateFile:
    """Where and how the state is kept.

    Attributes
    ----------
    folder : Path
    parts_mib : float or None
        Write it in parts of at most this size instead of as one file.
    half : bool
        Store floating-point tensors of two axes or more as bfloat16: half the size for transport.
        A training resumed from it goes on from rounded weights, so not exactly.
    """

    folder: Path
    parts_mib: float | None = None
    half: bool = False

    @property
    def path(self) -> Path:
        """The file, or the stem of its parts."""
        return self.folder / STATE_NAME

    def exists(self) -> bool:
        """Whether there is something to resume."""
        return self.path.is_file() or has_parts(self.path)

    def save(self, state: TrainingState) -> None:
        """Write the state, whole or not at all; the former one is replaced."""
        buffer = io.BytesIO()
        torch.save(_document(state, self.half), buffer)
        if self.parts_mib is not None:
            write_parts(self.path, buffer.getvalue(), self.parts_mib)
            self.path.unlink(missing_ok=True)
        else:
            write_atomic(self.path, lambda file: file.write(buffer.getbuffer()))

    def load(self) -> TrainingState:
        """Read the state from the file or its parts.

        Raises
        ------
        FileNotFoundError, ValueError
            When it is missing, damaged or of another version.
        """
        if self.path.is_file() or not has_parts(self.path):
            document = read_tensors(self.path, FORMAT, "a training state")
        else:
            joined = self.path.with_name(self.path.name + ".joined")
            write_atomic(joined, lambda file: file.write(read_parts(self.path)))
            try:
                document = read_tensors(joined, FORMAT, "a training state")
            finally:
                joined.unlink()
        if document.get("version") != VERSION:
            raise ValueError(
                f"{self.path}: expected state version {VERSION}, got {document.get('version')}"
            )
        try:
            state = TrainingState(**{name: document[name] for name in _FIELDS})
            return replace(state, position=Position(**document["position"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"{self.path}: damaged training state: {error!r}") from error


def check_same_training(state: TrainingState, recipe: Recipe, path: Path) -> None:
    """Refuse to go on with other settings; only ``runtime``, and cycles to come, may change."""
    may_change = {"runtime"}
    if state.position.epoch <= recipe.train.epochs + 1:
        may_change.add("cycles")
    wanted = recipe.to_dict()
    for section, values in wanted.items():
        former = state.recipe.get(section, {})
        if section in may_change or former == values:
            continue
        key = next(k for k in values if former.get(k) != values[k])
        raise ValueError(
            f"{path}: is of a training with {section}.{key} = {former.get(key)!r}, not "
            f"{values[key]!r}; choose another --out, or the same settings"
        )


_FIELDS = tuple(TrainingState.__dataclass_fields__)


def _document(state: TrainingState, half: bool) -> dict[str, Any]:
    document: dict[str, Any] = {name: getattr(state, name) for name in _FIELDS}
    document["position"] = {"epoch": state.position.epoch, "step": state.position.step}
    if half:
        for name in ("model", "optimiser", "average"):
            document[name] = _rounded(document[name])
    return {"format": FORMAT, "version": VERSION, **document}


def _rounded(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        wide = value.is_floating_point() and value.ndim >= 2
        return value.bfloat16() if wide else value
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return value
