"""Scores on one scale: order is kept, thresholds mean what the formulas say."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtmc.config import from_dict
from mtmc.errors import InputError
from mtmc.scores import SCORE_MAPPINGS, ScoreMapping, score_mapping
from mtmc.types import Detections

UNBOUNDED = [ScoreMapping("logistic", 1.0, 0.5), ScoreMapping("linear", -3.0, 20.0)]


@pytest.mark.parametrize("mapping", UNBOUNDED)
@given(scores=st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20))
def test_order_is_kept_and_the_range_is_0_to_1(mapping, scores):
    scores = np.sort(np.array(scores))
    mapped = mapping(scores)
    assert (np.diff(mapped) >= 0).all()
    assert ((mapped >= 0) & (mapped <= 1)).all()


@given(st.floats(-10, 10), st.floats(0.1, 10), st.floats(-20, 20))
def test_logistic_is_the_formula(center, scale, score):
    expected = 1.0 / (1.0 + math.exp(-(score - center) / scale))
    assert ScoreMapping("logistic", center, scale)(np.array([score]))[0] == pytest.approx(expected)


def test_linear_reaches_its_ends_half_a_scale_from_the_center():
    mapping = ScoreMapping("linear", 10.0, 4.0)
    assert mapping(np.array([7.0, 8.0, 9.0, 10.0, 12.0, 13.0])).tolist() == [0, 0, 0.25, 0.5, 1, 1]


def test_logistic_takes_scores_without_bound():
    assert ScoreMapping("logistic")(np.array([-np.inf, np.inf, 1e308])).tolist() == [0, 1, 1]


def test_identity_refuses_other_scales_and_names_the_row():
    with pytest.raises(InputError, match=r"expected 0 to 1, got 60\.5 in row 1"):
        ScoreMapping()(np.array([0.3, 60.5]))
    with pytest.raises(InputError, match="row 0"):
        ScoreMapping()(np.array([-0.4]))
    assert ScoreMapping()(np.array([0.0, 1.000001])).tolist() == [0.0, 1.0]


def test_detections_keep_boxes_and_embeddings():
    embeddings = np.ones((1, 3), np.float32)
    before = Detections(np.array([[0.0, 0.0, 5.0, 9.0]]), np.array([0.0]), embeddings)
    after = ScoreMapping("logistic").detections(before)
    assert after.scores.tolist() == [0.5]
    assert after.xyxy is before.xyxy
    assert after.embeddings is embeddings


def test_no_scores():
    for mapping in SCORE_MAPPINGS.values():
        assert mapping(np.zeros(0)).shape == (0,)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("sigmoid",), "kind"),
        (("logistic", math.nan), "center"),
        (("logistic", 0.0, 0.0), "scale"),
        (("linear", 0.0, math.inf), "scale"),
    ],
)
def test_wrong_settings_are_named(arguments, field):
    with pytest.raises(ValueError, match=rf"ScoreMapping\.{field}: expected"):
        ScoreMapping(*arguments)


def test_it_is_filled_from_toml_values():
    table = {"kind": "logistic", "center": 2, "scale": 3.5}
    assert from_dict(ScoreMapping, table) == ScoreMapping("logistic", 2.0, 3.5)


def test_presets_are_found_by_name_and_unknown_names_say_which_exist():
    assert score_mapping("mot16") == score_mapping("mot17-dpm")
    with pytest.raises(InputError, match=r"mot15, mot16.*got 'mot99'"):
        score_mapping("mot99")
