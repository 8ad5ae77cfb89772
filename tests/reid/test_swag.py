"""Weight averages against closed forms; batch norms against all images at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from mtmc.reid.batch_norm import update_batch_norm
from mtmc.reid.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from mtmc.reid.data.images import PackedImages
from mtmc.reid.models import build
from mtmc.reid.snapshots import draws, fit, mean_checkpoint, model_average, snapshot_files
from mtmc.reid.swag import SwagConfig, WeightMoments, averaged_embeddings, load_weights
from mtmc.reid.training_setup import input_spec, plain_config


def snapshots(count: int = 6, offset: float = 0.0) -> list[dict[str, torch.Tensor]]:
    generator = torch.Generator().manual_seed(1)
    return [
        {
            "a": offset + 1e-3 * torch.randn(4, 3, generator=generator),
            "b": offset + 1e-3 * torch.randn(5, generator=generator),
            "steps": torch.tensor(number),
        }
        for number in range(count)
    ]


def moments_of(weights, rank: int = 0) -> WeightMoments:
    moments = WeightMoments(rank)
    for snapshot in weights:
        moments.add(snapshot)
    return moments


@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_mean_and_variance_are_exact(offset):
    """Also where deviations are a millionth of the values, which E[w^2] - E[w]^2 would not see."""
    weights = snapshots(offset=offset)
    moments = moments_of(weights)
    for name in ("a", "b"):
        stacked = torch.stack([w[name].double() for w in weights]).numpy()
        mean, variance = moments.mean()[name], moments.variance()[name]
        np.testing.assert_allclose(mean, stacked.mean(axis=0), rtol=1e-14, atol=1e-15)
        np.testing.assert_allclose(variance, stacked.var(axis=0), rtol=1e-7, atol=1e-16)
        assert (variance >= 0).all()
    assert "steps" not in moments.mean()


def test_one_snapshot_is_its_own_mean():
    weights = snapshots(1)
    moments = moments_of(weights)
    assert torch.equal(moments.mean()["a"], weights[0]["a"].double())
    assert not moments.variance()["a"].any()
    drawn = moments.sample(torch.Generator().manual_seed(0), "diagonal")
    assert torch.equal(drawn["a"], moments.mean()["a"])


@pytest.mark.parametrize("scale", [1.0, 0.25])
def test_diagonal_draws_have_its_moments(scale):
    moments = moments_of(snapshots())
    generator = torch.Generator().manual_seed(0)
    drawn = torch.stack([moments.sample(generator, "diagonal", scale)["a"] for _ in range(20000)])
    mean, variance = moments.mean()["a"], scale * moments.variance()["a"]
    error = (variance / 20000).sqrt()
    assert ((drawn.mean(0) - mean).abs() < 5 * error).all()
    np.testing.assert_allclose(drawn.var(0), variance, rtol=0.06)


def test_low_rank_draws_have_its_covariance():
    """Maddox et al., eq. 1: half the diagonal and half D D^T / (K - 1)."""
    weights = snapshots(5)
    moments = moments_of(weights, rank=4)
    running, deviations = torch.zeros(4, 3, dtype=torch.float64), []
    for number, snapshot in enumerate(weights, start=1):
        running = running + (snapshot["a"].double() - running) / number
        deviations.append(snapshot["a"].double() - running)
    D = torch.stack(deviations[-4:]).reshape(4, -1)
    expected = 0.5 * torch.diag(moments.variance()["a"].ravel()) + 0.5 * D.T @ D / 3
    generator = torch.Generator().manual_seed(0)
    drawn = [moments.sample(generator, "low_rank")["a"].ravel() for _ in range(8000)]
    covariance = torch.cov(torch.stack(drawn).T)
    largest = expected.diagonal().max()
    assert ((covariance - expected).abs() < 0.08 * largest).all()


def test_low_rank_couples_different_layers():
    moments = moments_of(
        [{"a": torch.tensor([float(x)]), "b": torch.tensor([-2.0 * x])} for x in (1, 3, -1, 2)],
        rank=4,
    )
    generator = torch.Generator().manual_seed(0)
    drawn = [moments.sample(generator, "low_rank") for _ in range(4000)]
    pairs = torch.stack([torch.cat([d["a"], d["b"]]) for d in drawn])
    # the diagonal half carries no correlation, the low-rank half all of it
    assert torch.corrcoef(pairs.T)[0, 1] < -0.3


def test_seed_decides_the_draw_and_the_mean_draws_nothing():
    moments = moments_of(snapshots(), rank=3)
    for kind in ("diagonal", "low_rank"):
        one, same, other = (
            moments.sample(torch.Generator().manual_seed(seed), kind)["a"] for seed in (1, 1, 2)
        )
        assert torch.equal(one, same)
        assert not torch.equal(one, other)
    assert torch.equal(moments.sample(torch.Generator(), "mean")["a"], moments.mean()["a"])


def test_wrong_snapshots_are_named():
    moments = moments_of(snapshots(1))
    with pytest.raises(ValueError, match="'c' is not in all"):
        moments.add({**snapshots(1)[0], "c": torch.zeros(1)})
    with pytest.raises(ValueError, match="a: expected shape \\(4, 3\\)"):
        moments.add({"a": torch.zeros(2), "b": torch.zeros(5)})
    with pytest.raises(ValueError, match="b: expected finite weights"):
        moments.add({"a": torch.zeros(4, 3), "b": torch.full((5,), torch.nan)})
    with pytest.raises(ValueError, match="at least 1 snapshot"):
        WeightMoments().mean()
    with pytest.raises(ValueError, match="at least 2 snapshots and rank >= 2"):
        moments.sample(torch.Generator(), "low_rank")
    with pytest.raises(ValueError, match="rank: expected 0 or more"):
        WeightMoments(-1)


@pytest.mark.parametrize("changes", [{"samples": 0}, {"scale": 0.0}])
def test_config_is_checked(changes):
    with pytest.raises(ValueError, match=next(iter(changes))):
        SwagConfig(**changes)


def test_first_batch_norm_gets_the_statistics_of_all_images_at_once():
    """The last, short batch counts by its size: 3 + 3 + 2 images."""
    images = torch.randn(8, 4, 5, 6, generator=torch.Generator().manual_seed(0)) * 3 + 1
    network = nn.Sequential(nn.BatchNorm2d(4), nn.ReLU())
    update_batch_norm(network, images.split(3), network)
    values = images.permute(1, 0, 2, 3).reshape(4, -1).double()
    norm = network[0]
    np.testing.assert_allclose(norm.running_mean, values.mean(dim=1), rtol=1e-5)
    np.testing.assert_allclose(norm.running_var, values.var(dim=1), rtol=1e-5)
    assert not network.training


def test_one_batch_gives_what_training_with_momentum_one_gives():
    torch.manual_seed(0)
    images = torch.randn(6, 3, 8, 8)
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 5), nn.BatchNorm1d(5)
    )
    update_batch_norm(network, [images], network)
    ours = {k: v.clone() for k, v in network.state_dict().items()}
    for module in network:
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            module.reset_running_stats()
            module.momentum = 1.0
    network.train()
    network(images)
    for name, value in network.state_dict().items():
        if "running" in name:
            np.testing.assert_allclose(ours[name], value, rtol=1e-4, atol=1e-6)


def test_batch_norm_update_needs_images():
    network = nn.Sequential(nn.BatchNorm2d(4))
    with pytest.raises(ValueError, match="at least one batch"):
        update_batch_norm(network, [], network)
    assert not network.training


def test_averaged_embeddings_are_the_mean_of_unit_vectors():
    network = nn.Linear(2, 2, bias=False)
    weights = [{"weight": torch.eye(2)}, {"weight": torch.tensor([[0.0, -5.0], [5.0, 0.0]])}]
    prepared = []
    ours = averaged_embeddings(
        network, weights, lambda n: n(torch.tensor([[2.0, 0.0]])).detach(), prepared.append
    )
    # (1, 0) and (0, 1), each of unit length before averaging
    np.testing.assert_allclose(ours.numpy(), [[0.5**0.5, 0.5**0.5]], rtol=1e-6)
    assert prepared == [network, network]
    with pytest.raises(ValueError, match="at least one draw"):
        averaged_embeddings(network, [], lambda n: torch.zeros(1, 2), prepared.append)


def test_load_weights_refuses_strangers():
    with pytest.raises(ValueError, match="'bias' is not part of this network"):
        load_weights(nn.Linear(2, 2, bias=False), {"bias": torch.zeros(2)})


TINY = {
    "input_size": (32, 16), "region_size": (8, 8), "channels": (8, 8, 8), "repeats": (1, 1, 1),
    "stem_channels": 8, "embedding": 8,
}  # fmt: skip


@pytest.fixture
def trained(tmp_path):
    """Three snapshots of a small network, and images to recompute its batch norms on."""
    for number in range(1, 4):
        torch.manual_seed(number)
        network = build("robust_reid_1x", **TINY)
        checkpoint = Checkpoint(
            "robust_reid_1x",
            plain_config(network),
            input_spec(network),
            network.embedding_dim,
            network.state_dict(),
            trained_on="nothing",
            terms="research only",
            metrics={"val_rank1": 5.0},
        )
        save_checkpoint(checkpoint, tmp_path / f"cycle_{number:02d}.pt")
    pixels = torch.randint(0, 256, (20, 32, 16, 3), generator=torch.Generator().manual_seed(0))
    return tmp_path, PackedImages(pixels.to(torch.uint8), torch.arange(20), 20)


def test_mean_network_of_snapshots(trained):
    folder, images = trained
    newest, moments = fit(snapshot_files(folder))
    mean = mean_checkpoint(newest, moments, images, torch.device("cpu"))
    loaded = [load_checkpoint(file).weights for file in snapshot_files(folder)]
    name = next(n for n in mean.weights if mean.weights[n].ndim == 4)
    expected = torch.stack([w[name] for w in loaded]).mean(dim=0)
    np.testing.assert_allclose(mean.weights[name], expected, atol=1e-6)
    running = [n for n in mean.weights if n.endswith("running_mean")]
    assert any(mean.weights[n].any() for n in running)
    assert (mean.metrics, mean.terms) == ({"swa_snapshots": 3}, "research only")
    network = mean.build()
    vectors = network(torch.randn(2, 3, 32, 16))
    np.testing.assert_allclose(vectors.detach().norm(dim=1), 1.0, rtol=1e-5)


def test_model_average_of_one_mean_is_the_mean_network(trained):
    folder, images = trained
    newest, moments = fit(snapshot_files(folder))
    device = torch.device("cpu")
    few = PackedImages(images.pixels[:3], images.labels[:3], 20)
    tested = [few, images]
    first, second = model_average(newest, moments, SwagConfig(), images, tested, device)
    assert (len(first), len(second)) == (3, 20)
    np.testing.assert_allclose(first, second[:3], atol=1e-5)
    drawn = model_average(
        newest, moments, SwagConfig("diagonal", samples=2), images, tested, device
    )
    assert not torch.allclose(drawn[1], second, atol=1e-3)
    np.testing.assert_allclose(drawn[1].norm(dim=1), 1.0, rtol=1e-5)


def test_number_of_draws():
    moments = moments_of(snapshots())
    assert len(list(draws(moments, SwagConfig("mean", samples=9)))) == 1
    assert len(list(draws(moments, SwagConfig("diagonal", samples=9)))) == 9


def test_snapshots_must_be_there_and_of_one_network(trained, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"expected snapshots cycle_01\.pt"):
        snapshot_files(tmp_path / "nowhere")
    folder, _ = trained
    file = snapshot_files(folder)[0]
    save_checkpoint(replace(load_checkpoint(file), architecture="ha_cnn"), file)
    with pytest.raises(ValueError, match="expected a snapshot of ha_cnn, got robust_reid_1x"):
        fit(snapshot_files(folder))
    with pytest.raises(ValueError, match="at least one snapshot"):
        fit([])
