"""What the network's logits are worth: the probability that a box is a person."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import minimize
from scipy.special import expit, logit

from mtmc.trackers.boxes import iou_matrix
from mtmc.types import FloatArray

from ..heatmap import decode
from .material import Material
from .network import PeopleNet
from .optics import observe
from .scenes import compose
from .train import TrainConfig

HIT_IOU = 0.5
LEAST_SCORE = 0.05
"""Peaks below are left out: there are many, and nobody asks them."""


def calibrate(
    network: PeopleNet, material: Material, config: TrainConfig, scenes: int
) -> tuple[float, float]:
    """Scale and shift of the logits, from scenes of material that the network has not seen."""
    logits, hits = zip(*(_judged(network, material, config, k) for k in range(scenes)), strict=True)
    return platt(np.concatenate(logits), np.concatenate(hits))


def platt(logits: FloatArray, hits: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Scale and shift that make ``sigmoid(scale * logit + shift)`` the share of hits.

    Maximum likelihood (Platt, 1999). Parameters: logits (N,), hits (N,).
    """
    signs = np.where(hits, -1.0, 1.0)

    def surprise(weights: FloatArray) -> tuple[float, FloatArray]:
        margin = signs * (weights[0] * logits + weights[1])
        slope = signs * expit(margin)
        loss = np.logaddexp(0.0, margin).mean()
        return float(loss), np.array([(slope * logits).mean(), slope.mean()])

    scale, shift = minimize(surprise, np.array([1.0, 0.0]), jac=True).x
    return float(scale), float(shift)


def _judged(
    network: PeopleNet, material: Material, config: TrainConfig, number: int
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Logits of the peaks in one scene, and which of them are people; the rest does not count."""
    rng = np.random.default_rng([config.seed, 4, number])
    scene = compose(rng, material.sprites, material.backdrops, config.scene)
    inputs = torch.from_numpy(observe(rng, scene, config.optics))[None]
    with torch.no_grad():
        answer = network.eval()(inputs)[0].numpy()
    answer[0] = expit(answer[0])
    xyxy, scores = decode(answer, LEAST_SCORE)
    overlap = iou_matrix(xyxy, scene.xyxy) >= HIT_IOU
    best = np.zeros(len(xyxy), bool)
    taken = np.zeros(len(scene.xyxy), bool)
    for row in np.argsort(-scores, kind="stable"):
        free = np.flatnonzero(overlap[row] & ~taken & ~scene.ignored)
        if len(free):
            best[row], taken[free[0]] = True, True
    counted = best | ~overlap[:, scene.ignored].any(axis=1)
    return logit(scores[counted]), best[counted]
