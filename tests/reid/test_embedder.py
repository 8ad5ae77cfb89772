from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtmc.reid.crops import crop, input_batch
from mtmc.reid.embedder import Embedder, load
from mtmc.reid.spec import InputSpec, ModelCard, sidecar_path

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper  # noqa: E402

PLAIN = InputSpec(4, 2, "bgr", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), scale=1.0)


def mean_colour_network(path, batch: int | str = "n", height: int = 4, width: int = 2):
    """An ONNX file that answers with the mean of each channel of its input."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 3, height, width])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, 3, 1, 1])
    node = helper.make_node("GlobalAveragePool", ["x"], ["y"])
    graph = helper.make_graph([node], "mean", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path


def unit(vector) -> np.ndarray:
    vector = np.asarray(vector, np.float64)
    return vector / np.linalg.norm(vector)


@given(
    st.floats(-50, 120), st.floats(-50, 120), st.floats(-30, 80), st.floats(-30, 80)
)  # fmt: skip
def test_a_crop_lies_inside_the_image_or_is_none(left, top, width, height):
    image = np.arange(60 * 80 * 3, dtype=np.uint8).reshape(60, 80, 3)
    box = np.array([left, top, left + width, top + height])
    pixels = crop(image, box)
    covers = box[2] > left and box[3] > top and left < 80 and top < 60 and box[2] > 0 and box[3] > 0
    if not covers:
        assert pixels is None
    else:
        assert pixels is not None
        assert np.shares_memory(pixels, image)
        # at least the box's part inside the image, at most a pixel more on each side
        inside = min(box[2], 80) - max(left, 0), min(box[3], 60) - max(top, 0)
        assert inside[0] <= pixels.shape[1] < inside[0] + 2
        assert inside[1] <= pixels.shape[0] < inside[1] + 2


@pytest.mark.parametrize("order", ["rgb", "bgr"])
@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_the_input_batch_is_what_the_specification_says(order, layout):
    spec = InputSpec(6, 3, order, (0.1, 0.2, 0.3), (0.5, 0.6, 0.7), 1 / 255, layout)
    crops = [
        np.random.default_rng(i).integers(0, 256, (9 + i, 5, 3)).astype(np.uint8) for i in range(3)
    ]
    batch = input_batch(crops, spec)
    assert batch.dtype == np.float32
    assert batch.flags.c_contiguous
    for image, got in zip(crops, batch, strict=True):
        small = cv2.resize(image, (3, 6), interpolation=cv2.INTER_LINEAR).astype(np.float64)
        if order == "rgb":
            small = small[:, :, ::-1]
        expected = (small / 255 - np.array(spec.mean)) / np.array(spec.std)
        if layout == "nchw":
            expected = expected.transpose(2, 0, 1)
        np.testing.assert_allclose(got, expected, atol=1e-5)


@pytest.mark.parametrize("runtime", ["onnxruntime", "opencv"])
@pytest.mark.parametrize("batch", ["n", 1, 4])
def test_vectors_are_unit_length_in_row_order_over_all_images(tmp_path, runtime, batch):
    if runtime == "onnxruntime":
        pytest.importorskip("onnxruntime")
    elif batch == 4:
        pytest.skip("OpenCV does not tell that a network takes four at a time")
    path = mean_colour_network(tmp_path / "net.onnx", batch)
    model = load(path, spec=PLAIN, runtime=runtime, batch_size=1 if batch == 1 else 2)
    assert model.embedding_dim == 3
    image = np.zeros((20, 30, 3), np.uint8)
    image[:, :10], image[:, 10:20], image[:, 20:] = (200, 0, 0), (0, 100, 0), (30, 40, 0)
    boxes = np.array([[0, 0, 10, 20], [20, 0, 30, 20], [10, 2, 20, 9.0]])
    first, none, second = model.embed([image, image, image], [boxes, boxes[:0], boxes[::-1]])
    expected = np.array([[1, 0, 0], unit([30, 40, 0]), [0, 1, 0]])
    np.testing.assert_allclose(first, expected, atol=1e-5)
    np.testing.assert_allclose(second, expected[::-1], atol=1e-5)
    assert none.shape == (0, 3)
    assert first.dtype == np.float32


def test_boxes_without_pixels_get_no_invented_vector(tmp_path):
    model = load(mean_colour_network(tmp_path / "net.onnx"), spec=PLAIN)
    image = np.full((20, 30, 3), 9, np.uint8)
    boxes = np.array([[5, 5, 5, 9], [100, 5, 120, 9], [1, 1, 9, 9], [-9, -9, 0, 0]], np.float64)
    vectors = model.embed([image], [boxes])[0]
    assert np.isnan(vectors).all(axis=1).tolist() == [True, True, False, True]
    assert model.embed([], []) == []
    with pytest.raises(ValueError, match="one array of boxes per image"):
        model.embed([image], [])


def test_channel_order_reaches_the_network(tmp_path):
    path = mean_colour_network(tmp_path / "net.onnx")
    blue = np.zeros((8, 8, 3), np.uint8)
    blue[..., 0] = 50
    rgb = InputSpec(4, 2, "rgb", (0.0,) * 3, (1.0,) * 3, 1.0)
    np.testing.assert_allclose(load(path, spec=PLAIN).embed_crops([blue])[0], [1, 0, 0])
    np.testing.assert_allclose(load(path, spec=rgb).embed_crops([blue])[0], [0, 0, 1])


def test_a_model_is_loaded_by_its_sidecar(tmp_path):
    path = mean_colour_network(tmp_path / "net.onnx")
    with pytest.raises(ValueError, match="never guessed"):
        load(path)
    sidecar_path(path).write_text(ModelCard(PLAIN, "nobody").to_json(), encoding="utf-8")
    assert load(path).card.trained_on == "nobody"
    sidecar_path(path).write_text(ModelCard(InputSpec(8, 4)).to_json(), encoding="utf-8")
    with pytest.raises(ValueError, match="specification says nchw 8x4"):
        load(path)


def test_networks_that_answer_nonsense_are_errors():
    def nan_network(batch):
        return np.full((len(batch), 2), np.nan, np.float32)

    with pytest.raises(ValueError, match="not finite"):
        Embedder(nan_network, ModelCard(PLAIN))
    with pytest.raises(ValueError, match="batch_size"):
        Embedder(lambda batch: batch, ModelCard(PLAIN), batch_size=0)


@pytest.mark.parametrize("name", ["none.onnx", "weights.bin"])
def test_files_that_are_no_model(tmp_path, name):
    if name == "weights.bin":
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises((OSError, ValueError), match=name):
        load(tmp_path / name)


def test_the_histogram_tells_colours_apart_and_needs_no_file():
    model = load("histogram")
    rng = np.random.default_rng(0)

    def coat(bgr):
        image = np.full((90, 40, 3), 120, np.uint8)
        image[15:60, 8:32] = bgr
        return np.clip(image + rng.normal(0, 4, image.shape), 0, 255).astype(np.uint8)

    red, red_again, blue = model.embed_crops(
        [coat((30, 30, 200)), coat((32, 28, 196)), coat((200, 40, 30))]
    )
    np.testing.assert_allclose(np.linalg.norm([red, red_again, blue], axis=1), 1, atol=1e-6)
    assert red @ red_again > 0.9 > red @ blue


@pytest.fixture(scope="module")
def small_checkpoint(tmp_path_factory):
    import torch

    from mtmc.reid.checkpoint import Checkpoint, save_checkpoint
    from mtmc.reid.distances import measure_distances
    from mtmc.reid.models import build

    torch.manual_seed(0)
    network = build("osnet_x0_25").eval()
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(40, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    statistics = measure_distances(vectors, np.arange(40) // 4, np.arange(40) % 2, "noise")
    path = tmp_path_factory.mktemp("checkpoint") / "net.pt"
    spec = InputSpec(*network.config.input_size)
    checkpoint = Checkpoint(
        "osnet_x0_25", {}, spec, network.embedding_dim, network.state_dict(), "noise",
        "anything", distances=statistics,
    )  # fmt: skip
    save_checkpoint(checkpoint, path)
    return path, network, statistics


def test_a_checkpoint_is_an_appearance_model_like_its_network(small_checkpoint):
    import torch

    path, network, statistics = small_checkpoint
    model = load(path)
    crops = [
        np.random.default_rng(i).integers(0, 256, (90 + i, 40, 3)).astype(np.uint8)
        for i in range(3)
    ]
    with torch.inference_mode():
        expected = network(torch.from_numpy(input_batch(crops, model.spec))).numpy()
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(model.embed_crops(crops), expected, atol=2e-5)
    assert model.threshold(0.01) == pytest.approx(statistics.threshold(0.01))
    assert model.card.trained_on == "noise"


def test_checkpoints_refuse_what_they_know_themselves(small_checkpoint, tmp_path):
    path, _, _ = small_checkpoint
    with pytest.raises(ValueError, match="says itself"):
        load(path, spec=PLAIN)
    broken = tmp_path / "half.pt"
    broken.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ValueError, match=r"half\.pt"):
        load(broken)
    with pytest.raises(ValueError, match="no distance statistics"):
        load("histogram").threshold(0.01)
