"""The losses against the literal equations of the paper, in float64 loops."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from mtmc.reid.losses import (
    TRIPLETS,
    LossConfig,
    ReIDLoss,
    cross_entropy_label_smoothing,
    pairwise_distances,
    triplet_batch_hard,
    triplet_batch_soft,
    triplet_original,
)
from mtmc.reid.models import BranchFeature

LABELS = torch.tensor([0, 0, 0, 1, 1, 2, 2, 2, 3])  # identity 3 has one image: no positive


def features(rows: int, dim: int = 6, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(rows, dim, generator=generator, dtype=torch.float64))


def soft(x: float, margin: float | None) -> float:
    return math.log1p(math.exp(x)) if margin is None else max(0.0, margin + x)


def literal(name: str, x: torch.Tensor, labels: torch.Tensor, margin: float | None) -> float:
    """Equations (2) to (5), one anchor at a time."""
    rows, ids = x.tolist(), labels.tolist()
    losses = []
    for a, anchor in enumerate(rows):
        to = [math.dist(anchor, other) for other in rows]
        positives = [to[i] for i in range(len(rows)) if ids[i] == ids[a] and i != a]
        negatives = [to[i] for i in range(len(rows)) if ids[i] != ids[a]]
        if not positives or not negatives:
            continue
        if name == "original":
            losses += [soft(p - n, margin) for p in positives for n in negatives]
        elif name == "batch_hard":
            losses.append(soft(max(positives) - min(negatives), margin))
        else:
            wp = [math.exp(p) / sum(map(math.exp, positives)) for p in positives]
            wn = [math.exp(-n) / sum(math.exp(-m) for m in negatives) for n in negatives]
            farther = sum(w * p for w, p in zip(wp, positives, strict=True))
            nearer = sum(w * n for w, n in zip(wn, negatives, strict=True))
            losses.append(soft(farther - nearer, margin))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("margin", [None, 0.0, 0.3, 1.5])
@pytest.mark.parametrize("name", TRIPLETS)
def test_triplet_equals_the_equation(name: str, margin: float | None) -> None:
    x = features(len(LABELS))
    expected = literal(name, x, LABELS, margin)
    assert TRIPLETS[name](x, LABELS, margin).item() == pytest.approx(expected, rel=1e-12)


@settings(max_examples=40, deadline=None)
@given(
    labels=st.lists(st.integers(0, 3), min_size=2, max_size=9),
    seed=st.integers(0, 10_000),
    scale=st.sampled_from([1e-3, 1.0, 30.0]),
)
@pytest.mark.parametrize("name", TRIPLETS)
def test_any_batch_equals_the_equation_and_has_finite_gradients(
    name: str, labels: list[int], seed: int, scale: float
) -> None:
    x = (features(len(labels), seed=seed) * scale).requires_grad_()
    ids = torch.tensor(labels)
    loss = TRIPLETS[name](x, ids, None)
    loss.backward()
    assert torch.isfinite(x.grad).all()
    counted = [labels.count(i) > 1 and labels.count(i) < len(labels) for i in labels]
    expected = literal(name, x.detach(), ids, None) if any(counted) else 0.0
    assert loss.item() == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("margin", [None, 0.7])
@pytest.mark.parametrize("name", TRIPLETS)
def test_gradients(name: str, margin: float | None) -> None:
    x = features(len(LABELS)).requires_grad_()
    assert torch.autograd.gradcheck(lambda v: TRIPLETS[name](v, LABELS, margin), (x,))


def test_the_gradient_flows_through_the_weights() -> None:
    x = features(len(LABELS)).requires_grad_()
    (with_weights,) = torch.autograd.grad(triplet_batch_soft(x, LABELS), x)
    distances = pairwise_distances(x)
    same = LABELS[:, None] == LABELS[None, :]
    positive = same & ~torch.eye(len(LABELS), dtype=torch.bool)
    fixed = distances.detach()
    wp = fixed.masked_fill(~positive, -torch.inf)[:-1].softmax(1)
    wn = (-fixed).masked_fill(same, -torch.inf)[:-1].softmax(1)
    loss = F.softplus(((wp - wn) * distances[:-1]).sum(1)).mean()
    (constant_weights,) = torch.autograd.grad(loss, x)
    assert not torch.allclose(with_weights, constant_weights, atol=1e-3)


@pytest.mark.parametrize("name", TRIPLETS)
def test_duplicates_are_at_zero_distance_with_finite_gradients(name: str) -> None:
    x = features(2).float().repeat_interleave(4, dim=0).requires_grad_()
    labels = torch.tensor([0, 0, 0, 1, 1, 1, 1, 0])  # duplicates within and across identities
    assert (pairwise_distances(x)[:4, :4] == 0).all()
    TRIPLETS[name](x, labels, 0.3).backward()
    assert torch.isfinite(x.grad).all()


@pytest.mark.parametrize(
    "labels",
    [[5, 5, 5, 5], [0, 1, 2, 3], [7]],
    ids=["one identity: no negatives", "all different: no positives", "one image"],
)
@pytest.mark.parametrize("name", TRIPLETS)
def test_without_triplets_the_loss_and_gradients_are_zero(name: str, labels: list[int]) -> None:
    x = features(len(labels)).requires_grad_()
    loss = TRIPLETS[name](x, torch.tensor(labels), 0.3)
    loss.backward()
    assert loss.item() == 0
    assert (x.grad == 0).all()


@pytest.mark.parametrize("name", TRIPLETS)
def test_half_precision_and_autocast_compute_in_float32(name: str) -> None:
    x = features(len(LABELS)).bfloat16()
    expected = TRIPLETS[name](x.float(), LABELS, None)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = TRIPLETS[name](x, LABELS, None)
    assert loss.dtype == torch.float32
    assert loss.item() == expected.item()


def test_far_features_do_not_overflow() -> None:
    x = (features(len(LABELS)).float() * 1e4).requires_grad_()
    loss = triplet_batch_soft(x, LABELS)
    loss.backward()
    assert math.isfinite(loss.item())
    assert torch.isfinite(x.grad).all()


def test_order_of_hardness() -> None:
    x = features(len(LABELS))
    for margin in (None, 0.3):
        easy = triplet_original(x, LABELS[:], margin)
        hard = triplet_batch_hard(x, LABELS, margin)
        between = triplet_batch_soft(x, LABELS, margin)
        assert between <= hard
        assert easy <= hard


@pytest.mark.parametrize("epsilon", [0.0, 0.1, 0.5])
def test_label_smoothing_equals_the_equation(epsilon: float) -> None:
    logits = torch.randn(5, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    labels = torch.tensor([0, 6, 3, 3, 2])
    total = 0.0
    for row, label in zip(logits.tolist(), labels.tolist(), strict=True):
        log_sum = math.log(sum(map(math.exp, row)))
        for k, value in enumerate(row):
            # Luo et al. 2019, equation (1): 1 - (K - 1)/K eps for the label, eps/K otherwise
            q = 1 - 6 / 7 * epsilon if k == label else epsilon / 7
            total -= q * (value - log_sum)
    loss = cross_entropy_label_smoothing(logits, labels, epsilon)
    assert loss.item() == pytest.approx(total / 5, rel=1e-12)


def test_reid_loss_is_the_weighted_mean_over_branches() -> None:
    vectors = [features(len(LABELS), seed=s) for s in (1, 2)]
    logits = tuple(v[:, :4] * 3 for v in vectors)
    config = LossConfig("batch_hard", 0.3, triplet_weight=0.5, cross_entropy_weight=2.0)
    total, terms = ReIDLoss(config)(tuple(BranchFeature(v, -v) for v in vectors), logits, LABELS)
    triplets = [literal("batch_hard", v, LABELS, 0.3) for v in vectors]
    entropies = [cross_entropy_label_smoothing(v, LABELS).item() for v in logits]
    assert terms["triplet_1"].item() == pytest.approx(triplets[1])
    assert terms["cross_entropy_0"].item() == pytest.approx(entropies[0])
    assert terms["triplet"].item() == pytest.approx(sum(triplets) / 2)
    expected = 0.5 * sum(triplets) / 2 + 2.0 * sum(entropies) / 2
    assert total.item() == pytest.approx(expected)


def test_without_triplet_only_cross_entropy_remains() -> None:
    vector = features(len(LABELS))
    feature = (BranchFeature(vector, vector),)
    total, terms = ReIDLoss(LossConfig(triplet="none"))(feature, (vector[:, :4],), LABELS)
    assert set(terms) == {"cross_entropy", "cross_entropy_0"}
    assert total.item() == terms["cross_entropy"].item()


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"triplet": "soft"}, "triplet: expected one of"),
        ({"label_smoothing": 1.0}, "label_smoothing: expected 0 to below 1"),
        ({"margin": -0.1}, "margin: expected at least 0"),
        ({"triplet_weight": float("nan")}, "triplet_weight: expected at least 0"),
    ],
)
def test_bad_config_is_refused(kwargs: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LossConfig(**kwargs)
