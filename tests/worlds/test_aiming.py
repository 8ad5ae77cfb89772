"""Where drawn cameras look: at their target, upright, and tilted as asked."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from mtmc.worlds.aiming import look_along, look_at, rolled

places = st.tuples(*[st.floats(-5, 5)] * 2, st.floats(1, 4)).map(np.array)
targets = st.tuples(st.floats(6, 9), *[st.floats(-5, 5)] * 2).map(np.array)  # never straight below


@given(places, targets)
def test_the_target_lies_straight_ahead(position: np.ndarray, target: np.ndarray) -> None:
    rotation = look_at(position, target)
    assert np.linalg.det(rotation) == pytest.approx(1)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    ahead = [0, 0, np.linalg.norm(target - position)]
    np.testing.assert_allclose(rotation @ (target - position), ahead, atol=1e-9)


@given(places, targets)
def test_the_horizon_is_level_and_the_floor_below(position: np.ndarray, target: np.ndarray) -> None:
    right, down, _ = look_at(position, target)
    assert right[2] == 0
    assert down[2] < 0


@given(st.floats(-3, 3))
def test_a_roll_is_a_turn_about_where_it_looks(roll: float) -> None:
    level = look_along(np.array([0.6, 0.0, -0.8]))
    turned = Rotation.from_rotvec(roll * level[2]).apply(level)
    np.testing.assert_allclose(rolled(level, roll), turned, atol=1e-12)
