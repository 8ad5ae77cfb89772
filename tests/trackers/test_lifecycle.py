"""Births, confirmations, losses and deaths in the table, and the clock."""

import numpy as np
import pytest

from mtmc.trackers.lifecycle import Clock, TrackTable


def table_of(count, time_s=0.0):
    table = TrackTable.empty(np.zeros((0, 4, 2)), np.zeros((0, 4, 3)))
    table.add(
        np.arange(count * 8.0).reshape(count, 4, 2),
        np.zeros((count, 4, 3)),
        np.arange(count),
        np.full(count, 0.9),
        time_s,
    )
    return table


def hit(table, rows, time_s):
    rows = np.array(rows, np.int64)
    table.hit(rows, rows, np.full(len(rows), 0.8), time_s)


def test_identities_are_given_at_confirmation_and_never_twice():
    table = table_of(3)
    table.confirm(2)
    assert table.ids.tolist() == [0, 0, 0]
    hit(table, [0, 2], 0.1)
    table.confirm(2)
    assert table.ids.tolist() == [1, 0, 2]
    hit(table, [1], 0.2)
    table.confirm(2)
    assert table.ids.tolist() == [1, 3, 2]


def test_tentative_tracks_die_at_the_first_miss_and_confirmed_ones_do_not():
    table = table_of(3)
    hit(table, [0], 0.1)
    table.confirm(2)
    hit(table, [1], 0.2)
    assert table.forget(0.2, 1.0).tolist() == [True, True, False]
    assert table.ids.tolist() == [1, 0]
    assert table.mean[:, 0, 0].tolist() == [0.0, 8.0]


def test_lost_tracks_live_exactly_as_long_as_stated():
    table = table_of(1)
    table.confirm(1)
    for frame in range(1, 31):
        hit(table, [], frame / 30)
        assert table.forget(frame / 30, 1.0) is None
    hit(table, [], 31 / 30)
    assert table.forget(31 / 30, 1.0).tolist() == [False]
    assert len(table) == 0


def test_a_report_shows_seen_tracks_and_on_request_coasting_ones():
    table = table_of(2)
    table.confirm(1)
    hit(table, [1], 0.1)
    boxes = np.array([[0.0, 0.0, 1.0, 1.0], [5.0, 5.0, 6.0, 6.0]])
    shown = table.report(boxes, 0.1, coast_s=0.0)
    assert (shown.ids.tolist(), shown.det_index.tolist()) == ([2], [1])
    both = table.report(boxes, 0.1, coast_s=0.1)
    assert (both.ids.tolist(), both.det_index.tolist()) == ([1, 2], [-1, 1])


def test_steps_count_frames_of_the_reference_rate():
    clock = Clock(30.0)
    assert clock.advance(5.0) == 0.0
    assert clock.advance(5.0 + 1 / 30) == 1.0
    assert clock.advance(5.0 + 3 / 30) == 2.0
    assert clock.advance(5.0 + 3.5 / 30) == 0.5


@pytest.mark.parametrize("time_s", [1.0, 0.5, float("nan"), float("inf"), float("-inf")])
def test_time_must_move_on(time_s):
    clock = Clock(30.0)
    clock.advance(1.0)
    with pytest.raises(ValueError, match="time_s: expected a"):
        clock.advance(time_s)
    assert clock.advance(1.1) == pytest.approx(3.0)


def test_the_first_time_must_be_finite():
    with pytest.raises(ValueError, match="finite"):
        Clock(30.0).advance(float("nan"))
