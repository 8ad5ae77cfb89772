"""ONNX files compute what the networks compute, at any batch size."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from mtmc.cli import main
from mtmc.reid import load
from mtmc.reid.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from mtmc.reid.distances import measure_distances
from mtmc.reid.export import export_onnx
from mtmc.reid.export_file import MIN_COSINE, ExportConfig, export
from mtmc.reid.models import MODELS, build
from mtmc.reid.spec import METADATA_KEY, InputSpec, ModelCard, sidecar_path

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


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    """A small network with random weights, distance statistics, and an unusual normalisation."""
    torch.manual_seed(0)
    model = randomised(build("robust_reid_1x", **SMALL))
    vectors = np.random.default_rng(0).normal(size=(60, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    statistics = measure_distances(vectors, np.arange(60) // 3, np.arange(60) % 3, "noise")
    path = tmp_path_factory.mktemp("weights") / "small.pt"
    spec = InputSpec(32, 16, "rgb", (0.4, 0.5, 0.6), (0.2, 0.3, 0.1))
    saved = Checkpoint(
        "robust_reid_1x", SMALL, spec, model.embedding_dim, model.state_dict(), "noise", "none",
        distances=statistics,
    )  # fmt: skip
    save_checkpoint(saved, path)
    return path


@pytest.fixture(scope="module")
def core_onnx(checkpoint, tmp_path_factory) -> Path:
    pytest.importorskip("onnxscript")
    path = tmp_path_factory.mktemp("core") / "small.onnx"
    export(checkpoint, path, ExportConfig())
    return path


def test_an_onnx_file_takes_any_batch_and_carries_its_card(session, checkpoint, core_onnx) -> None:
    opened, model = session(core_onnx), load_checkpoint(checkpoint).build()
    assert opened.get_inputs()[0].shape[1:] == [3, 32, 16]
    assert isinstance(opened.get_inputs()[0].shape[0], str)  # any batch
    assert opened.get_outputs()[0].name == "embeddings"
    card = opened.get_modelmeta().custom_metadata_map[METADATA_KEY]
    assert ModelCard.from_json(card, "here").input.mean == (0.4, 0.5, 0.6)
    assert_equal(opened, model, (32, 16), (1, 2, 5))
    assert [path.name for path in core_onnx.parent.iterdir()] == ["small.onnx"]


@pytest.fixture
def people(draw_person, tmp_path) -> Path:
    for number in range(80):
        draw_person(tmp_path / "people" / f"{number:03d}.png", number // 4, number % 3, number)
    return tmp_path / "people"


def crops() -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [rng.integers(0, 256, (60 + i, 30, 3)).astype(np.uint8) for i in range(5)]


NEEDS = {"onnx": "onnxruntime", "openvino": "openvino", "torchscript": "torch"}


@pytest.mark.parametrize("profile", ["core", "ultralytics"])
@pytest.mark.parametrize("kind", ["onnx", "openvino", "torchscript"])
def test_every_export_is_read_again_and_answers_alike(
    kind, profile, checkpoint, core_onnx, tmp_path
):
    pytest.importorskip(NEEDS[kind])
    config = ExportConfig(kind, profile)
    # TorchScript is traced from the checkpoint; the rest is quicker from the ONNX file.
    weights = checkpoint if kind == "torchscript" else core_onnx
    out = config.default_name(tmp_path / "small.pt")
    assert out.stem == ("small" if profile == "core" else "small_ultralytics")
    if kind == "onnx":
        sidecar_path(out).write_text("of an older file", encoding="utf-8")
    done = export(weights, out, config, crops())
    assert done.crops == 5 + 8
    assert done.min_cosine >= MIN_COSINE
    parts = {out.name, out.with_suffix(".bin").name} if kind == "openvino" else {out.name}
    assert {path.name for path in tmp_path.iterdir()} == parts
    source, again = load(checkpoint), load(out, threads=1)
    cosines = (source.embed_crops(crops()) * again.embed_crops(crops())).sum(axis=1)
    assert cosines.min() >= MIN_COSINE
    assert again.threshold(0.1) == source.threshold(0.1)
    assert again.card.trained_on == "noise"
    assert again.embed_crops(crops()[:1]).shape == (1, source.embedding_dim)
    assert again.spec.mean == (source.spec.mean if profile == "core" else (0.0, 0.0, 0.0))


def test_an_ultralytics_file_takes_rgb_from_zero_to_one(checkpoint, core_onnx, tmp_path, session):
    out = tmp_path / "scaled.onnx"
    export(core_onnx, out, ExportConfig(profile="ultralytics"))
    images = np.random.default_rng(0).random((3, 3, 32, 16), np.float32)
    (vectors,) = session(out).run(None, {session(out).get_inputs()[0].name: images})
    bgr = [(image[::-1].transpose(1, 2, 0) * 255).round().astype(np.uint8) for image in images]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert (vectors * load(checkpoint).embed_crops(bgr)).sum(axis=1).min() > 0.999  # rounding


@pytest.mark.parametrize("order", ["rgb", "bgr"])
@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_foreign_graphs_get_their_input_normalised_inside(order, layout, tmp_path):
    onnx = pytest.importorskip("onnx")
    spec = InputSpec(8, 4, order, (10.0, 20.0, 30.0), (2.0, 4.0, 8.0), 0.5, layout)
    shape = ["n", 3, 8, 4] if layout == "nchw" else ["n", 8, 4, 3]
    axes = [2, 3] if layout == "nchw" else [1, 2]
    x, y = (
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, size)
        for name, size in (("x", shape), ("y", ["n", 3]))
    )
    node = onnx.helper.make_node("ReduceMean", ["x"], ["y"], axes=axes, keepdims=0)
    graph = onnx.helper.make_graph([node], "mean", [x], [y])
    opset = [onnx.helper.make_opsetid("", 13)]
    weights = tmp_path / "foreign.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8), weights)
    sidecar_path(weights).write_text(ModelCard(spec).to_json(), encoding="utf-8")
    done = export(weights, tmp_path / "out.onnx", ExportConfig(profile="ultralytics"), crops())
    assert done.min_cosine >= MIN_COSINE
    assert load(done.path).spec.channel_order == "rgb"


@pytest.mark.parametrize("kind", ["onnx", "openvino"])
def test_int8_states_its_loss_and_keeps_no_statistics(kind, core_onnx, people, tmp_path, capsys):
    pytest.importorskip(NEEDS[kind])
    pytest.importorskip("onnxruntime")
    out, report = tmp_path / f"small{'.onnx' if kind == 'onnx' else '.xml'}", tmp_path / "r.json"
    words = ["reid", "export", "--weights", str(core_onnx), "--format", kind, "--int8"]
    words += ["--crops", str(people), "--out", str(out), "--json", str(report)]
    assert main(words) == 0
    stated = json.loads(report.read_text())
    assert "int8; cosine similarity to small.onnx on 40 crops: mean 0.9" in capsys.readouterr().out
    assert stated["crops"] == 40
    assert 0.9 < stated["min_cosine"] <= stated["mean_cosine"] < 1
    with pytest.raises(ValueError, match="no distance statistics"):
        load(out).threshold(0.1)


def test_a_network_that_answers_otherwise_is_not_written(core_onnx, tmp_path, monkeypatch):
    def scramble(content: bytes, card: ModelCard) -> bytes:
        model = onnx.load_from_string(content)
        for weight in model.graph.initializer:
            if weight.data_type == onnx.TensorProto.FLOAT and len(weight.dims) == 4:
                noise = np.random.default_rng(0).normal(size=weight.dims).astype(np.float32)
                weight.CopyFrom(onnx.numpy_helper.from_array(noise, weight.name))
        onnx.helper.set_model_props(model, {"mtmc_reid": card.to_json()})
        return model.SerializeToString()

    onnx = pytest.importorskip("onnx")
    monkeypatch.setattr("mtmc.reid.export_file._with_card", scramble)
    with pytest.raises(ValueError, match="the exported network answers differently"):
        export(core_onnx, tmp_path / "other.onnx", ExportConfig())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--weights", "none.pt", "--format", "onnx"], "none.pt: no such model file"),
        (["--weights", "PT", "--format", "onnx", "--int8"], "--int8: needs --crops"),
        (["--weights", "PT", "--format", "torchscript", "--int8"], "int8: expected format onnx"),
        (["--weights", "PT", "--format", "onnx", "--out", "x.xml"], "ends in .onnx"),
        (["--weights", "ONNX", "--format", "onnx"], "this is the weights file itself"),
        (["--weights", "ONNX", "--format", "torchscript"], "made from a checkpoint"),
        (["--weights", "PT", "--format", "onnx", "--crops", "none"], "none: no such folder"),
        (["--weights", "PT", "--format", "onnx", "--crops", "EMPTY"], "no images"),
        (
            ["--weights", "ONNX", "--format", "onnx", "--int8", "--crops", "FEW"],
            "at least 32 crops",
        ),
    ],
)
def test_what_cannot_be_exported_is_one_line(
    words, message, checkpoint, core_onnx, draw_person, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    draw_person(tmp_path / "few" / "1.png", 1, 1, 1)
    names = {"PT": checkpoint, "ONNX": core_onnx, "EMPTY": "empty", "FEW": "few"}
    assert main(["reid", "export", *(str(names.get(word, word)) for word in words)]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert len(told.strip().splitlines()) == 1


@pytest.mark.parametrize("suffix", [".onnx", ".xml", ".torchscript"])
def test_files_that_are_no_exports(suffix, tmp_path):
    pytest.importorskip({".onnx": "onnxruntime", ".xml": "openvino"}.get(suffix, "torch"))
    (tmp_path / f"broken{suffix}").write_bytes(b"x")
    with pytest.raises(ValueError, match=rf"broken{suffix}: not a usable"):
        load(tmp_path / f"broken{suffix}")


def test_weights_are_found_by_name_in_the_data_folder(core_onnx, tmp_path, monkeypatch):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "named.onnx").write_bytes(core_onnx.read_bytes())
    monkeypatch.setenv("MTMC_DATA", str(tmp_path))
    assert load("named.onnx").card.trained_on == "noise"
    with pytest.raises(FileNotFoundError, match=r"other\.onnx: no such model file"):
        load("other.onnx")
