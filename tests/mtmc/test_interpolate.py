"""Filling gaps and smoothing finished tracks, in memory and from the command line."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtmc.cli import main
from mtmc.interpolate import InterpolationConfig, interpolate, interpolate_file, smooth
from mtmc.mot_files import NO_CLASS, MotTable, read_results, write_results


def table(rows):
    """Results from (frame, id, left, top, width, height, confidence)."""
    values = np.array(sorted(rows), float).reshape(-1, 7)
    return MotTable(
        frame=values[:, 0].astype(np.int64),
        id=values[:, 1].astype(np.int64),
        tlwh=values[:, 2:6],
        confidence=values[:, 6],
        class_id=np.full(len(values), NO_CLASS),
        visibility=np.full(len(values), np.nan),
        line=np.arange(1, len(values) + 1),
    )


def boxes(result, identity):
    rows = result.id == identity
    return dict(zip(result.frame[rows].tolist(), result.tlwh[rows].tolist(), strict=True))


def test_a_gap_is_filled_along_a_straight_line():
    result = interpolate(table([(1, 7, 0, 10, 50, 100, 1.0), (4, 7, 30, 10, 80, 100, 0.4)]))
    assert boxes(result, 7) == {
        1: [0, 10, 50, 100],
        2: [10, 10, 60, 100],
        3: [20, 10, 70, 100],
        4: [30, 10, 80, 100],
    }
    np.testing.assert_allclose(result.confidence, [1.0, 0.8, 0.6, 0.4])
    assert result.line.tolist() == [1, 0, 0, 2]


def test_gaps_up_to_the_limit_are_filled_and_longer_ones_stay():
    rows = [(1, 1, 0, 0, 9, 9, 1), (4, 1, 0, 0, 9, 9, 1), (8, 1, 0, 0, 9, 9, 1)]
    result = interpolate(table(rows), InterpolationConfig(max_gap=2))
    assert result.frame.tolist() == [1, 2, 3, 4, 8]


def test_nothing_is_filled_before_after_or_between_people():
    rows = [(3, 1, 0, 0, 9, 9, 1), (5, 1, 0, 0, 9, 9, 1), (6, 2, 50, 0, 9, 9, 1)]
    result = interpolate(table(rows))
    assert sorted(zip(result.frame.tolist(), result.id.tolist(), strict=True)) == [
        (3, 1),
        (4, 1),
        (5, 1),
        (6, 2),
    ]


@pytest.mark.parametrize("method", ["linear", "gaussian"])
def test_results_without_rows_stay_empty(method):
    assert len(interpolate(table([]), InterpolationConfig(method=method))) == 0


def test_a_single_box_is_not_changed_by_smoothing():
    result = interpolate(table([(5, 1, 3, 4, 9, 9, 1)]), InterpolationConfig(method="gaussian"))
    assert boxes(result, 1) == {5: [3, 4, 9, 9]}


def literal_smooth(values, sigma):
    """Weighted least squares at every place, over all values."""
    at = np.arange(len(values))
    fitted = []
    for t in at:
        weight = np.exp(-0.25 * ((at - t) / sigma) ** 2)[:, None]  # its square root
        design = np.column_stack([np.ones(len(at)), at - t])
        fitted.append(np.linalg.lstsq(weight * design, weight * values, rcond=None)[0][0])
    return np.array(fitted)


@given(seed=st.integers(0, 10_000), length=st.integers(2, 60), sigma=st.floats(0.8, 6.0))
def test_smoothing_is_a_local_linear_regression(seed, length, sigma):
    values = np.random.default_rng(seed).normal(0, 10, (length, 3))
    # The kernel ends after four standard deviations.
    np.testing.assert_allclose(smooth(values, sigma), literal_smooth(values, sigma), atol=0.3)
    short = values[: min(length, int(4 * 0.8))]
    np.testing.assert_allclose(smooth(short, sigma), literal_smooth(short, sigma), atol=1e-6)


@given(seed=st.integers(0, 10_000), length=st.integers(1, 80), sigma=st.floats(0.5, 10.0))
def test_a_straight_walk_stays_as_it_is(seed, length, sigma):
    start, speed = np.random.default_rng(seed).normal(0, 50, (2, 4))
    values = start + np.arange(length)[:, None] * speed
    np.testing.assert_allclose(smooth(values, sigma), values, atol=1e-6)


def test_smoothing_brings_noisy_boxes_closer_to_the_truth():
    rng = np.random.default_rng(0)
    frames = np.arange(1, 121)
    bend = 50 + 20 * np.sin(frames / 30)
    truth = np.column_stack([3.0 * frames, bend, np.full(120, 40.0), np.full(120, 90.0)])
    noisy = truth + rng.normal(0, 3, truth.shape)
    rows = [(f, 1, *box, 1) for f, box in zip(frames, noisy, strict=True) if f % 5 != 2]
    result = interpolate(table(rows), InterpolationConfig(method="gaussian"))
    plain = interpolate(table(rows))
    assert result.frame.tolist() == frames.tolist()
    error = np.abs(result.tlwh - truth[result.frame - 1]).mean()
    assert error < 0.6 * np.abs(plain.tlwh - truth[plain.frame - 1]).mean()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "cubic"}, "method: expected one of linear, gaussian, got 'cubic'"),
        ({"max_gap": -1}, "max_gap: expected 0 or more, got -1"),
        ({"sigma": 0.0}, "sigma: expected above 0"),
        ({"sigma": float("nan")}, "sigma: expected above 0"),
    ],
)
def test_wrong_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        InterpolationConfig(**settings)


def test_a_file_is_completed_beside_a_note_that_says_so(tmp_path):
    source, target = tmp_path / "a" / "S.txt", tmp_path / "b" / "S.txt"
    write_results(source, table([(1, 1, 0, 0, 9, 9, 1), (3, 1, 4, 0, 9, 9, 1)]))
    before = source.read_bytes()
    assert interpolate_file(source, target) == (2, 1)
    assert source.read_bytes() == before
    assert read_results(target).frame.tolist() == [1, 2, 3]
    note = json.loads((tmp_path / "b" / "S.interpolated.json").read_text())
    assert note["post_process"] == "offline interpolation"
    assert (note["rows"], note["filled"], note["config"]["max_gap"]) == (2, 1, 20)


def test_online_results_are_never_overwritten(tmp_path):
    source = tmp_path / "S.txt"
    write_results(source, table([(1, 1, 0, 0, 9, 9, 1)]))
    with pytest.raises(ValueError, match="expected another folder"):
        interpolate_file(source, tmp_path / "x" / ".." / "S.txt")


def test_the_command_completes_every_file_of_a_folder(tmp_path, capsys):
    for name in ("A", "B"):
        write_results(
            tmp_path / "in" / f"{name}.txt", table([(1, 1, 0, 0, 9, 9, 1), (3, 1, 4, 0, 9, 9, 1)])
        )
    out = tmp_path / "out"
    assert main(["interpolate", str(tmp_path / "in"), "--out", str(out)]) == 0
    assert sorted(path.name for path in out.glob("*.txt")) == ["A.txt", "B.txt"]
    assert "1 filled in (offline, linear)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["in", "--out", "in"], "--out: expected another folder"),
        (["empty", "--out", "x"], "expected NAME.txt files, got none"),
        (["in", "--out", "x", "--sequence", "Z"], "Z.txt"),
        (["in", "--out", "x", "--max-gap", "-2"], "max_gap: expected 0 or more"),
    ],
)
def test_the_command_answers_wrong_input_in_one_line(
    arguments, message, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    write_results(tmp_path / "in" / "A.txt", table([(1, 1, 0, 0, 9, 9, 1)]))
    assert main(["interpolate", *arguments]) == 2
    assert message in " ".join(capsys.readouterr().err.split())
