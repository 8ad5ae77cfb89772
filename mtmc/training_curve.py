"""The learning curve of a training as a picture, from the log that the training writes."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .atomic import atomic_path
from .errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".svg", ".png", ".pdf")
LOSSES = {"loss": "loss", "cross_entropy": "cross-entropy", "triplet": "triplet"}
HELD_OUT = {"val_rank1": "rank-1, held out", "val_mean_ap": "mAP, held out"}


@dataclass(frozen=True)
class TrainingLog:
    """What ``log.csv`` of a training holds.

    Attributes
    ----------
    columns : mapping of str to tuple of float or None
        Column -> value of every epoch, None where the epoch has none; losses, ``accuracy`` in
        0..1, ``learning_rate``, ``val_rank1`` and ``val_mean_ap`` in percent, ``seconds`` since
        the start.
    cycles_from : int or None
        First epoch of the cyclic stage.
    """

    columns: Mapping[str, tuple[float | None, ...]]
    cycles_from: int | None = None

    @property
    def epochs(self) -> tuple[float | None, ...]:
        """Numbers of the epochs, from 1."""
        return self.columns["epoch"]


def read_log(path: Path) -> TrainingLog:
    """Read ``log.csv``, or the one in a training's folder.

    Raises
    ------
    InputError
        When it is missing, holds no epoch, or something that is not a number.
    """
    path = path / "log.csv" if path.is_dir() else path
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a training's log ({error})") from None
    if not rows or not {"epoch", "stage", *LOSSES} <= set(rows[0]):
        raise InputError(f"{path}: expected the log of a training with at least one epoch")
    columns = {
        name: tuple(_number(path, line, name, row[name]) for line, row in enumerate(rows, 2))
        for name in rows[0]
        if name != "stage"
    }
    cycles = [int(row["epoch"]) for row in rows if row["stage"] == "cycles"]
    return TrainingLog(columns, cycles[0] if cycles else None)


def _number(path: Path, line: int, name: str, text: str | None) -> float | None:
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{path}, line {line}: {name}: expected a number, got {text!r}") from None


def draw_curve(log: TrainingLog, title: str = "", small_epochs: int = 0) -> Figure:
    """Losses, how often the classifiers are right, and the learning rate, over the epochs.

    Parameters
    ----------
    log : TrainingLog
    title : str
    small_epochs : int
        Epochs on small images, shaded.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 7.2), layout="constrained")
    top, middle, bottom = figure.subplots(3, 1, sharex=True, height_ratios=(3, 3, 1.3))
    _lines(top, log, LOSSES)
    top.set_ylabel("loss per image")
    accuracy = [None if a is None else 100 * a for a in log.columns.get("accuracy", ())]
    if accuracy:
        middle.plot(*_known(log.epochs, accuracy), label="training images named rightly")
    _lines(middle, log, HELD_OUT, marker="o")
    middle.set_ylabel("%")
    middle.set_ylim(0, 100)
    bottom.plot(*_known(log.epochs, log.columns["learning_rate"]), color="0.3")
    bottom.set_ylabel("learning rate")
    bottom.set_yscale("log")
    bottom.yaxis.set_minor_formatter("")  # rates within one power of ten would crowd
    bottom.set_xlabel("epoch")
    bottom.xaxis.get_major_locator().set_params(integer=True)
    for axes in (top, middle, bottom):
        axes.grid(alpha=0.3)
        if small_epochs:
            axes.axvspan(0.5, small_epochs + 0.5, color="tab:blue", alpha=0.07, label="_small")
        if log.cycles_from is not None:
            axes.axvline(log.cycles_from - 0.5, color="0.4", linestyle="--")
    if small_epochs:
        bottom.text(0.03, 0.1, "small images", transform=bottom.transAxes, color="tab:blue")
    top.legend()
    if middle.get_legend_handles_labels()[0]:
        middle.legend(loc="upper left")
    figure.suptitle(title + _duration(log))
    return figure


def save_curve(figure: Figure, path: Path) -> None:
    """Write the picture as SVG, PNG or PDF.

    Raises
    ------
    InputError
        For another suffix.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: expected a picture's name in {', '.join(SUFFIXES)}")
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110)


def _lines(axes: Axes, log: TrainingLog, names: Mapping[str, str], **style: Any) -> None:
    for column, label in names.items():
        if any(value is not None for value in log.columns.get(column, ())):
            axes.plot(*_known(log.epochs, log.columns[column]), label=label, **style)


def _known(
    epochs: Sequence[float | None], values: Sequence[float | None]
) -> tuple[list[float], list[float]]:
    """The epochs that have a value, and their values."""
    pairs = [(e, v) for e, v in zip(epochs, values, strict=True) if e is not None and v is not None]
    return [epoch for epoch, _ in pairs], [value for _, value in pairs]


def _duration(log: TrainingLog) -> str:
    seconds = [s for s in log.columns.get("seconds", ()) if s is not None]
    if not seconds:
        return ""
    minutes = seconds[-1] / 60
    spent = f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"
    return f" ({len(log.epochs)} epochs, {spent})"
