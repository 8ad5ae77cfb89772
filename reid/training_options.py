"""How one run of a training is carried out, and how it ended."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .checkpoint import Checkpoint
from .training_state import Position


@dataclass(frozen=True)
class RunOptions:
    """What may differ between two runs of the same training.

    Attributes
    ----------
    out : Path
        Folder for state, checkpoints and log. A state found there is resumed.
    budget_minutes : float or None
        Stop with a saved state after this much wall-clock time since ``started``.
    checkpoint_minutes : float
        Save the state this often.
    parts_mib : float or None
        Write the state in parts of at most this size.
    half_state : bool
        Write the state in half precision, for transport; a resume is then not exact.
    half : bool
        Write checkpoints and snapshots in half precision.
    init : Checkpoint or None
        Start from these weights instead of random ones.
    commit : str
        Version of the code, to be noted in checkpoints.
    started : float
        ``time.monotonic()`` that the budget counts from.
    """

    out: Path
    budget_minutes: float | None = None
    checkpoint_minutes: float = 2.0
    parts_mib: float | None = None
    half_state: bool = False
    half: bool = False
    init: Checkpoint | None = None
    commit: str = ""
    started: float = field(default_factory=time.monotonic)


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes
    ----------
    complete : bool
        False where the budget ended it; the same call goes on.
    position : Position
        Where the training stands.
    history : list of dict
        One row per epoch.
    checkpoint : Path or None
        The best checkpoint so far.
    """

    complete: bool
    position: Position
    history: list[dict[str, Any]]
    checkpoint: Path | None
