from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtmc.evaluation.mistaken import match_people, mistaken_share
from mtmc.sites import GroundTruth


def truth_of(rows: list[tuple[int, int, float, float]]) -> GroundTruth:
    frame, identity, x, y = (np.array(column) for column in zip(*rows, strict=True))
    return GroundTruth(np.unique(frame), frame, identity, np.stack([x, y], axis=1))


def test_a_tentative_identity_is_wrong_until_it_is_put_right() -> None:
    person = np.zeros(10, np.int64)
    final = np.full(10, 1)
    live = np.where(np.arange(10) < 3, 5, 1)
    assert mistaken_share(person, live, final, 10) == pytest.approx(0.3)
    assert mistaken_share(person, final, final, 10) == 0.0
    assert mistaken_share(person, final, final, 20) == 0.0  # what is not matched is not wrong
    assert mistaken_share(person, live, final, 20) == pytest.approx(0.15)


def test_an_identity_is_right_for_one_person_at_most() -> None:
    person = np.array([0] * 6 + [1] * 4)
    one_for_both = np.ones(10, np.int64)
    assert mistaken_share(person, one_for_both, one_for_both, 10) == pytest.approx(0.4)


def test_nothing_is_wrong_where_nothing_is_shown() -> None:
    none = np.zeros(0, np.int64)
    assert mistaken_share(none, none, none, 5) == 0.0
    assert mistaken_share(np.array([-1]), np.array([1]), np.array([1]), 5) == 0.0


@given(
    st.lists(
        st.tuples(st.integers(-1, 2), st.integers(1, 4), st.integers(1, 4)), min_size=1, max_size=25
    )
)
@settings(max_examples=80, deadline=None)
def test_the_share_is_that_of_the_best_of_all_assignments(
    rows: list[tuple[int, int, int]],
) -> None:
    person, shown, final = (np.array(column) for column in zip(*rows, strict=True))
    best = max(
        sum((person == p) & (final == i) for p, i in enumerate(right)).sum()
        for right in permutations([*range(1, 5), -7, -8], 3)
    )
    matched = int((person >= 0).sum())
    assert mistaken_share(person, final, final, len(rows)) == pytest.approx(
        (matched - best) / len(rows)
    )
    assert 0 <= mistaken_share(person, shown, final, len(rows)) <= matched / len(rows)


def test_places_are_matched_one_to_one_within_the_threshold() -> None:
    truth = truth_of([(1, 4, 0.0, 0.0), (1, 9, 0.4, 0.0), (2, 9, 5.0, 5.0)])
    frame = np.array([2, 1, 1, 1, 3])
    xy = np.array([[5.0, 5.6], [0.3, 0.0], [-0.2, 0.0], [0.9, 0.9], [0.0, 0.0]])
    # too far; the second person; the first; nobody; a frame without annotation
    assert match_people(truth, frame, xy).tolist() == [-1, 1, 0, -1, -1]
    assert match_people(truth, frame, xy, 0.7).tolist()[0] == 1
