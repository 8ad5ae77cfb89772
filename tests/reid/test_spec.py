from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtmc.reid.spec import METADATA_KEY, InputSpec, ModelCard, find_card, sidecar_path

numbers = st.floats(0.01, 300, allow_nan=False)


@given(
    st.integers(1, 999), st.integers(1, 999), st.sampled_from(["rgb", "bgr"]),
    st.tuples(numbers, numbers, numbers), st.tuples(numbers, numbers, numbers), numbers,
    st.sampled_from(["nchw", "nhwc"]),
)  # fmt: skip
def test_a_card_survives_its_text(height, width, order, mean, std, scale, layout):
    spec = InputSpec(height, width, order, mean, std, scale, layout)
    card = ModelCard(spec, "somebody", "some terms", {"same": [0.1, 0.2]})
    assert ModelCard.from_json(card.to_json(), "here") == card


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"height": 4}, "width: expected a whole number, got None"),
        ({"height": 4, "width": 0}, "expected sizes from 1"),
        ({"height": 4, "width": 4, "channel_order": "gbr"}, "expected 'rgb' or 'bgr'"),
        ({"height": 4, "width": 4, "mean": [1, 2]}, "mean: expected three numbers"),
        ({"height": 4, "width": 4, "std": [1, 0, 1]}, "std: expected values above 0"),
        ({"height": 4, "width": 4, "scale": "x"}, "scale: expected a number"),
        ({"height": 4, "width": 4, "layout": "hwc"}, "expected 'nchw' or 'nhwc'"),
        ({"height": 4, "width": 4, "size": 3}, "unknown key 'size'"),
    ],
)
def test_what_is_wrong_in_a_specification_is_named(data, message):
    with pytest.raises(ValueError, match=message):
        InputSpec.from_dict(data)


def test_the_sidecar_wins_over_metadata_and_silence_is_an_error(tmp_path):
    model = tmp_path / "net.onnx"
    model.write_bytes(b"some network")
    with pytest.raises(ValueError, match=r"net\.onnx: input size.*never guessed"):
        find_card(model)
    inside = ModelCard(InputSpec(10, 5))
    assert find_card(model, {METADATA_KEY: inside.to_json()}) == inside
    beside = ModelCard(InputSpec(20, 10))
    sidecar_path(model).write_text(beside.to_json(), encoding="utf-8")
    assert find_card(model, {METADATA_KEY: inside.to_json()}) == beside


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "line 1: not JSON"),
        ("[]", "expected a JSON object"),
        (json.dumps({"format": "mtmc-reid"}), "expected a key 'input'"),
        (json.dumps({"format": "mtmc-reid", "input": {"height": 1}}), "width"),
    ],
)
def test_a_broken_sidecar_is_named(tmp_path, text, message):
    model = tmp_path / "net.onnx"
    model.write_bytes(b"x")
    sidecar_path(model).write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message) as caught:
        find_card(model)
    assert "net.onnx.json" in str(caught.value)


def test_known_models_are_known_by_content(real_data):
    card = find_card(real_data / "models" / "osnet_x0_25_market1501.onnx")
    assert (card.input.height, card.input.width, card.input.channel_order) == (128, 64, "rgb")
    assert np.allclose(card.input.mean, (0.485, 0.456, 0.406))
