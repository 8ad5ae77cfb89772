"""Training the shipped detector: scenes are composed on the way, no data set is read.

The learning rate rises, stays, and falls to nothing over the last part; what is kept is the running
mean of the weights. Every step draws its scenes from its own number, so that an interrupted run
goes on exactly where it stopped.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mtmc.atomic import atomic_path
from mtmc.errors import InputError

from .losses import LossConfig, detection_loss
from .material import Material
from .network import NetworkConfig, PeopleNet
from .optics import OpticsConfig, observe
from .scenes import SceneConfig, compose
from .targets import target


@dataclass(frozen=True)
class TrainConfig:
    """Recipe.

    Attributes
    ----------
    steps, batch : int
    learning_rate, weight_decay : float
        Of AdamW (Loshchilov and Hutter, ICLR 2019).
    warm_up : int
        Steps over which the learning rate rises.
    fall : float
        Share of the steps, at the end, over which it falls.
    average : float
        Of the running mean of the weights: what is kept per step.
    max_norm : float
        Longer gradients are shortened to this.
    half : bool
        Compute in bfloat16 where that is safe; faster on recent CPUs.
    seed : int
    network, loss, scene, optics
        See there.
    """

    steps: int = 4000
    batch: int = 16
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    warm_up: int = 100
    fall: float = 0.3
    average: float = 0.998
    max_norm: float = 5.0
    half: bool = True
    seed: int = 0
    network: NetworkConfig = field(default_factory=NetworkConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    scene: SceneConfig = field(default_factory=SceneConfig)
    optics: OpticsConfig = field(default_factory=OpticsConfig)

    def __post_init__(self) -> None:
        if min(self.steps, self.batch, self.warm_up) < 1:
            raise ValueError("steps, batch, warm_up: expected numbers from 1")
        if not (0 <= self.fall <= 1 and 0 < self.average < 1):
            raise ValueError("fall, average: expected shares of 1")


Batch = tuple[Tensor, Tensor, Tensor, Tensor]
"""Input (N, 4, H, W), and heat, weight and boxes as in `Target`."""


def draw_batch(material: Material, config: TrainConfig, step: int) -> Batch:
    """The scenes of one step: always the same for the same seed and step."""
    rng = np.random.default_rng([config.seed, 3, step])
    inputs, targets = [], []
    for _ in range(config.batch):
        scene = compose(rng, material.sprites, material.backdrops, config.scene)
        inputs.append(observe(rng, scene, config.optics))
        targets.append(target(scene.xyxy, scene.ignored, config.scene.size))
    return (
        torch.from_numpy(np.stack(inputs)),
        torch.from_numpy(np.stack([one.heat for one in targets])),
        torch.from_numpy(np.stack([one.weight for one in targets])),
        torch.from_numpy(np.stack([one.xyxy for one in targets])),
    )


class Training:
    """Network, optimiser and running mean after some number of steps."""

    def __init__(self, config: TrainConfig) -> None:
        torch.manual_seed(config.seed)
        self.config = config
        self.step = 0
        self.network = PeopleNet(config.network).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.mean = PeopleNet(config.network)
        self.mean.load_state_dict(self.network.state_dict())
        self._optimiser = torch.optim.AdamW(
            self.network.parameters(), config.learning_rate, weight_decay=config.weight_decay
        )

    def learn(self, batch: Batch) -> dict[str, float]:
        """One step; answers with the parts of the loss.

        Raises
        ------
        FloatingPointError
            When the loss is not finite.
        """
        inputs, heat, weight, wanted = batch
        rate = learning_rate(self.step, self.config)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        self.network.train()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.config.half):
            answer = self.network(inputs.contiguous(memory_format=torch.channels_last))
        found, boxes = detection_loss(answer.float(), heat, weight, wanted, self.config.loss)
        loss = found + boxes
        if not torch.isfinite(loss):
            raise FloatingPointError(f"step {self.step}: loss is {loss.item()}")
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.config.max_norm)
        self._optimiser.step()
        self.step += 1
        self._average()
        return {"map": found.item(), "boxes": boxes.item(), "rate": rate}

    def save(self, path: Path) -> None:
        """Write everything that `load` needs to go on."""
        state = {
            "step": self.step,
            "network": self.network.state_dict(),
            "mean": self.mean.state_dict(),
            "optimiser": self._optimiser.state_dict(),
        }
        with atomic_path(path) as temporary:
            torch.save(state, temporary)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint.

        Raises
        ------
        InputError
            When it belongs to another network.
        """
        state: dict[str, Any] = torch.load(path, weights_only=True)
        try:
            self.network.load_state_dict(state["network"])
            self.mean.load_state_dict(state["mean"])
            self._optimiser.load_state_dict(state["optimiser"])
            self.step = int(state["step"])
        except (KeyError, RuntimeError) as error:
            raise InputError(f"{path}: no checkpoint of this network: {error}") from error

    @torch.no_grad()
    def _average(self) -> None:
        # young means forget faster, so that they do not drag the first weights along
        keep = min(self.config.average, (1 + self.step) / (10 + self.step))
        now = self.network.state_dict()
        for name, value in self.mean.state_dict().items():
            if value.is_floating_point():
                value.lerp_(now[name].float(), 1 - keep)
            else:
                value.copy_(now[name])


def learning_rate(step: int, config: TrainConfig) -> float:
    """Of one step, counted from 0: up, level, and down like a cosine."""
    if step < config.warm_up:
        return config.learning_rate * (step + 1) / config.warm_up
    fall = config.fall * config.steps
    left = config.steps - step
    if left >= fall:
        return config.learning_rate
    return config.learning_rate * 0.5 * (1 - math.cos(math.pi * left / fall))


def train(
    training: Training,
    material: Material,
    on_step: Callable[[int, dict[str, float]], None] = lambda step, losses: None,
) -> None:
    """Run the steps that are left."""
    config = training.config
    while training.step < config.steps:
        losses = training.learn(draw_batch(material, config, training.step))
        on_step(training.step, losses)
