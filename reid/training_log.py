"""What a training tells while it runs: a CSV file, TensorBoard scalars, progress."""

from __future__ import annotations

import csv
import importlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .files import write_atomic

CSV_NAME = "log.csv"


@dataclass(frozen=True)
class Progress:
    """Where a training stands, for display.

    Attributes
    ----------
    epoch, epochs : int
        Epoch under way, from 1, and how many there are.
    step, steps : int
        Steps done in this epoch, and how many it has.
    loss : float
        Mean over this epoch so far.
    learning_rate : float
    images_per_s : float
        Since the start of this run.
    seconds_left : float
        To the end of the whole training at this rate.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    learning_rate: float
    images_per_s: float
    seconds_left: float


class EpochLog:
    """Writes one row per epoch to ``log.csv``, and to TensorBoard where that is installed.

    Parameters
    ----------
    folder : Path
    first_epoch : int
        Epoch that a resumed training goes on with; later TensorBoard entries are dropped.
    """

    def __init__(self, folder: Path, first_epoch: int) -> None:
        self._path = folder / CSV_NAME
        self._writer = _summary_writer(folder, first_epoch)

    def write(self, history: Sequence[Mapping[str, Any]]) -> None:
        """Rewrite the CSV with all epochs, and add the last one to TensorBoard.

        The history is part of the training state, so a resumed training continues the very table
        that it was stopped in.
        """
        columns = list(dict.fromkeys(name for row in history for name in row))
        text = io.StringIO(newline="")
        table = csv.DictWriter(text, columns, restval="", lineterminator="\n")
        table.writeheader()
        table.writerows({k: _rounded(v) for k, v in row.items()} for row in history)
        write_atomic(self._path, lambda file: file.write(text.getvalue().encode()))
        if self._writer is not None and history:
            for name, value in history[-1].items():
                if isinstance(value, (int, float)) and name != "epoch":
                    self._writer.add_scalar(name, value, history[-1]["epoch"])

    def close(self) -> None:
        """Write out what TensorBoard still holds."""
        if self._writer is not None:
            self._writer.close()


def _summary_writer(folder: Path, first_epoch: int) -> Any:
    """A TensorBoard writer, or None where tensorboard is not installed."""
    try:
        importlib.import_module("tensorboard")
    except ImportError:
        return None
    tensorboard = importlib.import_module("torch.utils.tensorboard")
    return tensorboard.SummaryWriter(str(folder / "tensorboard"), purge_step=first_epoch)


def _rounded(value: object) -> object:
    return f"{value:.6g}" if isinstance(value, float) else value
