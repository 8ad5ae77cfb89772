"""Checkpoints, and files in parts: what is written comes back, what is broken says so."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pytest
import torch

from mtmc.reid.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from mtmc.reid.distances import BINS, DistanceStatistics
from mtmc.reid.files import has_parts, read_parts, write_atomic, write_parts
from mtmc.reid.models import build
from mtmc.reid.training_setup import input_spec, plain_config

TINY = {
    "input_size": (32, 16), "region_size": (8, 8), "channels": (8, 8, 8), "repeats": (1, 1, 1),
    "stem_channels": 8, "embedding": 8,
}  # fmt: skip


@pytest.fixture
def network():
    torch.manual_seed(0)
    return build("robust_reid_1x", **TINY)


@pytest.fixture
def checkpoint(network) -> Checkpoint:
    histogram = np.zeros(BINS, np.int64)
    histogram[100:200] = 3
    return Checkpoint(
        architecture="robust_reid_1x",
        config=plain_config(network),
        input=input_spec(network),
        embedding_dim=16,
        weights=network.state_dict(),
        trained_on="market1501",
        terms="research only; the images may not be redistributed",
        recipe={"train": {"epochs": 3}},
        commit="abc",
        metrics={"market1501": {"rank1": 12.5}},
        distances=DistanceStatistics(histogram, histogram, "somewhere"),
    )


def test_everything_comes_back(checkpoint, network, tmp_path):
    path = tmp_path / "new" / "net.pt"
    save_checkpoint(checkpoint, path)
    again = load_checkpoint(path)
    assert again.describe() == checkpoint.describe()
    assert again.input == checkpoint.input
    assert again.distances.threshold(0.1) == checkpoint.distances.threshold(0.1)
    images = torch.randn(2, 3, 32, 16)
    assert torch.equal(again.build()(images), network.eval()(images))
    assert list(tmp_path.glob("new/*")) == [path]


def test_half_precision_is_half_as_large_and_close(checkpoint, network, tmp_path):
    whole, half = tmp_path / "whole.pt", tmp_path / "half.pt"
    save_checkpoint(replace(checkpoint, distances=None), whole)
    save_checkpoint(replace(checkpoint, distances=None), half, half=True)
    assert half.stat().st_size < whole.stat().st_size
    weights = load_checkpoint(half).weights
    for name, value in checkpoint.weights.items():
        wide = value.is_floating_point() and value.ndim >= 2
        assert weights[name].dtype == (torch.float16 if wide else value.dtype)
        np.testing.assert_allclose(weights[name].float(), value.float(), rtol=1e-3, atol=1e-6)
    network.eval()
    images = torch.randn(4, 3, 32, 16)
    built = load_checkpoint(half).build()
    assert all(p.dtype == torch.float32 for p in built.parameters())
    np.testing.assert_allclose(built(images).detach(), network(images).detach(), atol=5e-3)


def test_loads_without_running_code(checkpoint, tmp_path):
    save_checkpoint(checkpoint, tmp_path / "net.pt")
    document = torch.load(tmp_path / "net.pt", weights_only=True)
    assert document["format"] == "mtmc-reid-checkpoint"
    assert document["input"]["channel_order"] == "rgb"


def test_research_only_is_announced_in_one_line(checkpoint, tmp_path, caplog):
    save_checkpoint(checkpoint, tmp_path / "net.pt")
    with caplog.at_level(logging.WARNING):
        load_checkpoint(tmp_path / "net.pt")
        assert [r.getMessage() for r in caplog.records] == [
            "net.pt: trained on market1501 (research only; the images may not be redistributed)"
        ]
        caplog.clear()
        load_checkpoint(tmp_path / "net.pt", announce=False)
        save_checkpoint(replace(checkpoint, terms="CC0"), tmp_path / "free.pt")
        load_checkpoint(tmp_path / "free.pt")
        assert not caplog.records


def test_missing_foreign_and_truncated_files(checkpoint, tmp_path):
    path = tmp_path / "net.pt"
    with pytest.raises(FileNotFoundError, match=r"net\.pt: no such file"):
        load_checkpoint(path)
    for content in (b"", b"hello", b"PK\x03\x04 and then nothing"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"net\.pt: not a checkpoint, or a damaged one"):
            load_checkpoint(path)
    save_checkpoint(checkpoint, path)
    whole = path.read_bytes()
    for size in (10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match=r"net\.pt: not a checkpoint, or a damaged one"):
            load_checkpoint(path)
    torch.save({"state_dict": network_like()}, path)
    with pytest.raises(ValueError, match="not a checkpoint of this program"):
        load_checkpoint(path)
    torch.save(torch.nn.Linear(1, 1), path)  # a pickled object: refused, not run
    with pytest.raises(ValueError, match="not a checkpoint, or a damaged one"):
        load_checkpoint(path)


def network_like() -> dict[str, torch.Tensor]:
    return {"weight": torch.zeros(2, 2)}


def test_a_flipped_bit_in_the_weights_is_found(checkpoint, tmp_path):
    path = tmp_path / "net.pt"
    marker = torch.full((64,), 7.125)
    save_checkpoint(replace(checkpoint, weights={**checkpoint.weights, "marker": marker}), path)
    content = bytearray(path.read_bytes())
    where = bytes(content).index(marker.numpy().tobytes())
    content[where + 100] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="damaged"):
        load_checkpoint(path)


def test_other_versions_and_missing_entries(checkpoint, tmp_path):
    path = tmp_path / "net.pt"
    save_checkpoint(checkpoint, path)
    document = torch.load(path, weights_only=True)
    torch.save({**document, "version": 99}, path)
    with pytest.raises(ValueError, match="expected checkpoint version 1, got 99"):
        load_checkpoint(path)
    torch.save({k: v for k, v in document.items() if k != "input"}, path)
    with pytest.raises(ValueError, match="damaged checkpoint: KeyError"):
        load_checkpoint(path)


def test_weights_of_another_network(checkpoint):
    odd = replace(checkpoint, config={**checkpoint.config, "embedding": 12})
    with pytest.raises(ValueError, match="weights do not fit robust_reid_1x: size mismatch"):
        odd.build()


def test_weights_must_be_finite(checkpoint, tmp_path):
    for bad in (torch.full((2, 2), torch.inf), torch.full((2, 2), 1e6)):
        odd = replace(checkpoint, weights={"w": bad})
        with pytest.raises(ValueError, match="weights: w: expected finite values"):
            save_checkpoint(odd, tmp_path / "net.pt", half=True)
    assert not (tmp_path / "net.pt").exists()


def test_a_failed_write_leaves_the_former_file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"former")

    def fail(file):
        file.write(b"half of the n")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomic(path, fail)
    assert path.read_bytes() == b"former"


@pytest.mark.parametrize("size", [0, 1, 1024, 5000])
def test_parts_come_together_again(tmp_path, size):
    content = np.random.default_rng(0).bytes(size)
    path = tmp_path / "state.pt"
    written = write_parts(path, content, 1 / 1024)
    assert all(part.stat().st_size <= 1024 for part in written[:-1])
    assert len(written) - 1 == max(1, -(-size // 1024))
    assert has_parts(path)
    assert read_parts(path) == content


def test_parts_of_an_earlier_write_are_removed(tmp_path):
    path = tmp_path / "state.pt"
    write_parts(path, b"a" * 4000, 1 / 1024)
    write_parts(path, b"b" * 2000, 1 / 1024)
    assert len(list(tmp_path.iterdir())) == 3
    assert read_parts(path) == b"b" * 2000


def test_broken_parts_are_named(tmp_path):
    path = tmp_path / "state.pt"
    with pytest.raises(FileNotFoundError, match="no such index of parts"):
        read_parts(path)
    first, second, index = write_parts(path, b"x" * 1500, 1 / 1024)
    second.write_bytes(b"y" * 476)
    with pytest.raises(ValueError, match="its parts are damaged"):
        read_parts(path)
    first.unlink()
    with pytest.raises(FileNotFoundError, match=f"{first.name}: missing"):
        read_parts(path)
    index.write_text("{}")
    with pytest.raises(ValueError, match="not an index of parts"):
        read_parts(path)
    with pytest.raises(ValueError, match="parts_mib: expected a size above 0"):
        write_parts(path, b"x", 0)
