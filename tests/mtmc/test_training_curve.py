"""The picture of a training shows the numbers of its log."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtmc.cli import main
from mtmc.errors import InputError
from mtmc.training_curve import draw_curve, read_log

LOG = """\
epoch,stage,learning_rate,loss,cross_entropy,triplet,accuracy,val_rank1,val_mean_ap,seconds
1,main,0.01,7.5,6.5,1,0.25,,,60
2,main,0.02,6,5.5,0.5,0.5,40,20,120
3,cycles,0.03,4,3.75,0.25,0.75,,,180
"""


@pytest.fixture
def run(tmp_path) -> Path:
    folder = tmp_path / "r1x"
    folder.mkdir()
    (folder / "log.csv").write_text(LOG, encoding="utf-8")
    return folder


def test_lines_are_the_columns(run):
    figure = draw_curve(read_log(run), "mine", small_epochs=2)
    losses, shares, rates = figure.axes
    assert {line.get_label(): list(line.get_ydata()) for line in losses.get_lines()[:3]} == {
        "loss": [7.5, 6, 4],
        "cross-entropy": [6.5, 5.5, 3.75],
        "triplet": [1, 0.5, 0.25],
    }
    named, rank1, mean_ap = shares.get_lines()[:3]
    assert list(named.get_ydata()) == [25, 50, 75]
    assert (list(rank1.get_xdata()), list(rank1.get_ydata())) == ([2], [40])
    assert (list(mean_ap.get_xdata()), list(mean_ap.get_ydata())) == ([2], [20])
    assert list(rates.get_lines()[0].get_ydata()) == [0.01, 0.02, 0.03]
    # the cyclic stage begins between the second and the third epoch
    assert all(set(axes.get_lines()[-1].get_xdata()) == {2.5} for axes in figure.axes)
    assert figure.get_suptitle() == "mine (3 epochs, 3 min)"


def test_first_epoch_of_a_plain_run_is_enough(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("epoch,stage,learning_rate,loss,cross_entropy,triplet\n1,main,1,3,2,1\n")
    losses, shares, _ = draw_curve(read_log(path)).axes
    assert len(losses.get_lines()) == 3
    assert not shares.get_lines()


@pytest.mark.parametrize(
    ("suffix", "magic"), [(".svg", b"<?xml"), (".png", b"\x89PNG"), (".pdf", b"%PDF")]
)
def test_command_writes_a_picture(run, tmp_path, suffix, magic):
    out = tmp_path / f"curve{suffix}"
    assert main(["reid", "curve", str(run / "log.csv"), "--out", str(out)]) == 0
    assert out.read_bytes().startswith(magic)


def test_picture_lies_beside_the_log(run):
    assert main(["reid", "curve", str(run)]) == 0
    assert "r1x (3 epochs, 3 min)" in (run / "curve.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "at least one epoch"),
        (LOG.splitlines()[0] + "\n", "at least one epoch"),
        ("epoch,loss\n1,2\n", "expected the log of a training"),
        (LOG.replace("7.5", "seven"), "line 2: loss: expected a number, got 'seven'"),
        (LOG.replace("3,cycles", "x,cycles"), "line 4: epoch: expected a number, got 'x'"),
    ],
)
def test_a_damaged_log_is_one_clear_line(run, text, message):
    (run / "log.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_log(run)


def test_missing_log_and_unknown_kind_of_picture(run, tmp_path, capsys):
    assert main(["reid", "curve", str(tmp_path / "none")]) == 2
    assert "none: not a training's log" in capsys.readouterr().err
    assert main(["reid", "curve", str(run), "--out", str(run / "curve.gif")]) == 2
    assert "expected a picture's name in .svg, .png, .pdf" in capsys.readouterr().err
    assert not (run / "curve.gif").exists()
