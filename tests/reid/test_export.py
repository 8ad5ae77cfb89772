"""ONNX files compute what the networks compute, at any batch size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from mtmc.reid.export import export_onnx
from mtmc.reid.models import MODELS, build

SMALL = {
    "stem_channels": 8,
    "channels": (16, 16, 16),
    "repeats": (2, 1, 1),
    "embedding": 10,
    "input_size": (32, 16),
    "region_size": (4, 8),
    "attention_reduction": 2,
}


@pytest.fixture
def session():
    ort = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")

    def open_session(path: Path):
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    return open_session


def randomised(model: torch.nn.Module) -> torch.nn.Module:
    for part in model.modules():
        if isinstance(part, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            part.running_mean.normal_(0, 0.3)
            part.running_var.uniform_(0.5, 2.0)
    return model.eval()


def assert_equal(session, model, size: tuple[int, int], batches: tuple[int, ...]) -> None:
    for batch in batches:
        images = torch.randn(batch, 3, *size)
        (embeddings,) = session.run(None, {"images": images.numpy()})
        with torch.no_grad():
            assert np.abs(embeddings - model(images).numpy()).max() < 1e-5


def test_small_network_with_metadata(session, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = randomised(build("robust_reid_1x", **SMALL))
    path = tmp_path / "small.onnx"
    export_onnx(model, path, metadata={"made_by": "test"})
    opened = session(path)
    assert opened.get_inputs()[0].shape[1:] == [3, 32, 16]
    assert isinstance(opened.get_inputs()[0].shape[0], str)  # any batch
    assert opened.get_outputs()[0].name == "embeddings"
    assert opened.get_modelmeta().custom_metadata_map["made_by"] == "test"
    assert_equal(opened, model, (32, 16), (1, 2, 5))
    assert [p.name for p in tmp_path.iterdir()] == ["small.onnx"]


def test_normalisation_inside_the_graph(session, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = randomised(build("robust_reid_1x", **SMALL))
    mean, std = (0.4, 0.5, 0.6), (0.2, 0.3, 0.1)
    export_onnx(model, tmp_path / "x.onnx", mean_std=(mean, std))
    images = torch.rand(3, 3, 32, 16)
    normalised = (images - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
    (embeddings,) = session(tmp_path / "x.onnx").run(None, {"images": images.numpy()})
    with torch.no_grad():
        assert np.abs(embeddings - model(normalised).numpy()).max() < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_every_model(name: str, session, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = randomised(build(name))
    export_onnx(model, tmp_path / "model.onnx")
    assert_equal(session(tmp_path / "model.onnx"), model, model.config.input_size, (1, 3))
