"""The log of a training: the CSV always, TensorBoard where it is installed."""

from __future__ import annotations

import csv
import sys
from types import SimpleNamespace

import pytest

from mtmc.reid.training_log import EpochLog

ROWS = [
    {"epoch": 1, "stage": "main", "loss": 1.23456789},
    {"epoch": 2, "stage": "main", "loss": 1.0, "val_rank1": 50.0},
]


class Writer:
    """Takes the place of TensorBoard's."""

    def __init__(self, folder: str, purge_step: int) -> None:
        self.folder, self.purge_step = folder, purge_step
        self.scalars: list[tuple[str, float, int]] = []
        self.closed = False

    def add_scalar(self, name: str, value: float, epoch: int) -> None:
        self.scalars.append((name, value, epoch))

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def tensorboard(monkeypatch) -> list[Writer]:
    made: list[Writer] = []

    def make(folder: str, purge_step: int) -> Writer:
        made.append(Writer(folder, purge_step))
        return made[-1]

    monkeypatch.setitem(sys.modules, "tensorboard", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", SimpleNamespace(SummaryWriter=make))
    return made


def test_csv_holds_all_epochs_and_all_columns(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)  # not installed
    log = EpochLog(tmp_path, 1)
    for last in (1, 2):
        log.write(ROWS[:last])
    log.close()
    rows = list(csv.DictReader((tmp_path / "log.csv").read_text().splitlines()))
    assert rows == [
        {"epoch": "1", "stage": "main", "loss": "1.23457", "val_rank1": ""},
        {"epoch": "2", "stage": "main", "loss": "1", "val_rank1": "50"},
    ]
    assert [p.name for p in tmp_path.iterdir()] == ["log.csv"]


def test_tensorboard_gets_every_epoch_once(tmp_path, tensorboard):
    log = EpochLog(tmp_path, 2)
    log.write(ROWS)
    log.close()
    (writer,) = tensorboard
    assert writer.scalars == [("loss", 1.0, 2), ("val_rank1", 50.0, 2)]
    assert (writer.purge_step, writer.closed) == (2, True)
    assert writer.folder == str(tmp_path / "tensorboard")
