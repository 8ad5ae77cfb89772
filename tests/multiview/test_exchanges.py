"""Two people meet and part again: were they exchanged? Stories whose right reading is known."""

from __future__ import annotations

import numpy as np
import pytest

from mtmc.multiview.exchanges import ExchangeConfig, Exchanges, exchange_ratio

STEP_S = 0.25
TALL, SHORT = 1.80, 1.65


def meet(heights_after, closest_m=0.1, step_s=STEP_S, seconds=6.0, **settings):
    """Identities 1 and 2 come along a line, pass at 6 s, and part; how tall they look is noisy.

    Returns
    -------
    names : list of dict
        Who tracks 11 and 12 are at every moment, asked when the story is over.
    """
    subject, rng = Exchanges(ExchangeConfig(**settings)), np.random.default_rng(0)
    times = np.arange(0.0, 2 * seconds, step_s)
    for time_s in times.tolist():
        gap = max(abs(time_s - seconds), closest_m)
        heights = (TALL, SHORT) if time_s < seconds else heights_after
        shown = np.array(heights) + rng.normal(0, 0.02, 2)
        subject.look(np.array([1, 2]), np.array([[0.0, 0.0], [gap, 0.0]]), shown, time_s)
    return [subject.rename({11: 1, 12: 2}, time_s) for time_s in times.tolist()]


def test_people_whose_heights_changed_places_were_exchanged_where_they_met():
    names = meet((SHORT, TALL))
    exchanged = [one == {11: 2, 12: 1} for one in names]
    assert exchanged.index(True) == 24  # the moment at which they were closest, at 6 s
    assert all(exchanged[24:])
    assert all(one == {11: 1, 12: 2} for one in names[:24])


@pytest.mark.parametrize(
    ("after", "settings"),
    [
        ((TALL, SHORT), {}),  # they are who they were
        ((1.72, 1.72), {}),  # nothing tells
        ((np.nan, TALL), {}),  # one is not seen again
        ((SHORT, TALL), {"closest_m": 0.5}),  # they never came close
        ((SHORT, TALL), {"reach_m": 0.0}),
        ((SHORT, TALL), {"threshold": 1000.0}),
    ],
)
def test_others_were_not(after, settings):
    assert all(one == {11: 1, 12: 2} for one in meet(after, **settings))


def test_sitting_down_is_no_exchange():
    """One of two people is much shorter after the encounter: neither fits the other."""
    assert all(one == {11: 1, 12: 2} for one in meet((1.3, SHORT)))


@pytest.mark.parametrize("step_s", [0.05, 0.5])
def test_the_frame_rate_does_not_matter(step_s):
    assert meet((SHORT, TALL), step_s=step_s)[-1] == {11: 2, 12: 1}


def test_two_exchanges_undo_each_other():
    subject = Exchanges(ExchangeConfig())
    for number in range(120):
        time_s = number * STEP_S
        gap = abs((time_s + 5.0) % 10.0 - 5.0) + 0.1 if time_s > 3 else 3.0
        heights = (SHORT, TALL) if 10.0 <= time_s < 20.0 else (TALL, SHORT)
        subject.look(
            np.array([1, 2]), np.array([[0.0, 0.0], [gap, 0.0]]), np.array(heights), time_s
        )
    names = [subject.rename({11: 1, 12: 2}, time_s)[11] for time_s in (5.0, 15.0, 25.0)]
    assert names == [1, 2, 1]


def test_the_ratio_is_that_of_the_likelihoods():
    """Against the literal one, where the sums of heights before and after agree."""
    rng = np.random.default_rng(3)
    before, after = rng.normal(1.7, 0.1, 2), rng.normal(1.7, 0.1, 2)
    after += (before.sum() - after.sum()) / 2
    variance = np.full(2, 0.01)
    literal = sum(
        ((before[i] - after[i]) ** 2 - (before[i] - after[1 - i]) ** 2) / 0.02 for i in range(2)
    )
    assert exchange_ratio((before, variance), (after, variance), np.inf) == pytest.approx(literal)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"reach_m": -1.0}, "reach_m: expected 0 or more"),
        ({"after_s": 0.0}, "after_s: expected a value above 0"),
        ({"apart_m": 0.2}, "apart_m: expected at least reach_m"),
    ],
)
def test_wrong_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        ExchangeConfig(**settings)
