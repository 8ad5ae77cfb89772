"""Robust-ReID learns a batch of 8 people x 4 images by heart."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from mtmc.reid.losses import LossConfig, ReIDLoss
from mtmc.reid.models import ClassifierHeads, build

PEOPLE, IMAGES = 8, 4
SIZE = (48, 32)  # a seventh of the work of 160x64
RATE = 0.1  # 40 steps suffice; the paper's 0.03 needs 60
MAX_STEPS = 100
# Features of unit length that are equal within and orthogonal across people reach
# softplus(0 - sqrt 2) = 0.218; opposite directions may go a little below.
SOFT_MARGIN_BAR = 0.22


def synthetic_people() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    looks = torch.randn(PEOPLE, 3, 8, 4, generator=generator)
    images = F.interpolate(looks, size=SIZE, mode="bilinear").repeat_interleave(IMAGES, dim=0)
    images = images + 0.3 * torch.randn(images.shape, generator=generator)
    return images, torch.arange(PEOPLE).repeat_interleave(IMAGES)


def test_robust_reid_overfits_a_batch() -> None:
    torch.manual_seed(0)
    model = build("robust_reid_1x", input_size=SIZE, region_size=(8, 12))
    heads = ClassifierHeads(model.branch_dims, PEOPLE, scale=16.0)
    images, labels = synthetic_people()
    loss = ReIDLoss(LossConfig())
    parameters = [*model.parameters(), *heads.parameters()]
    optimiser = torch.optim.SGD(parameters, lr=RATE, momentum=0.9, nesterov=True)
    for _ in range(MAX_STEPS):
        features = model.branches(images)
        logits = heads(features)
        total, terms = loss(features, logits, labels)
        learned = all(bool((scores.argmax(1) == labels).all()) for scores in logits)
        if terms["triplet"] <= SOFT_MARGIN_BAR and learned:
            break
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
    assert terms["triplet"] <= SOFT_MARGIN_BAR
    assert learned
