"""One step of the training: pixels in, gradients out; eager, compiled, or as a CUDA graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from .data.images import PackedImages
from .losses import LossConfig, ReIDLoss
from .models import ClassifierHeads, ReIDNet
from .recipe import OptimiserConfig, RuntimeConfig
from .training_world import World
from .transforms import Draws, Normaliser, augment

GRAPH_WARMUPS = 3
"""Eager passes before a capture, in which cuDNN chooses its kernels."""

_Forward = Callable[..., tuple[torch.Tensor, dict[str, torch.Tensor]]]
_Compute = Callable[[torch.Tensor, Draws], dict[str, torch.Tensor]]


class TrainingModel(nn.Module):
    """Network, classifiers and loss as one module, so that wrappers see all of the computation."""

    def __init__(self, network: ReIDNet, heads: ClassifierHeads, loss: LossConfig) -> None:
        super().__init__()
        self.network = network
        self.heads = heads
        self._loss = ReIDLoss(loss)

    def forward(
        self, images: torch.Tensor, labels: torch.Tensor
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Loss of a batch and its terms."""
        features = self.network.branches(images)
        logits = self.heads(features)
        total, terms = self._loss(features, logits, labels)
        hits = torch.stack([scores.argmax(dim=1) == labels for scores in logits])
        return total, {"loss": total.detach(), **terms, "accuracy": hits.float().mean()}


def make_optimiser(model: nn.Module, config: OptimiserConfig) -> torch.optim.SGD:
    """Stochastic gradient descent with the learning rate left to the schedule."""
    trained = [p for p in model.parameters() if p.requires_grad]
    vectors = [p for p in trained if p.ndim < 2]
    groups: list[dict[str, Any]] = [
        {"params": [p for p in trained if p.ndim >= 2]},
        {"params": vectors, "weight_decay": config.weight_decay if config.norm_decay else 0.0},
    ]
    # One launch for all parameters instead of several for each.
    fused = {"fused": True} if all(p.is_cuda for p in trained) else {}
    return torch.optim.SGD(
        [group for group in groups if group["params"]],
        lr=1.0,
        momentum=config.momentum,
        nesterov=config.nesterov,
        weight_decay=config.weight_decay,
        **fused,
    )


def autocast_dtype(config: RuntimeConfig, device: torch.device) -> torch.dtype | None:
    """What convolutions compute in; None for plain float32."""
    if config.precision == "auto":
        return torch.bfloat16 if device.type == "cuda" else None
    return torch.bfloat16 if config.precision == "bfloat16" else None


class Gradients:
    """Computes the gradients of one batch; the optimiser's step is the caller's.

    Parameters
    ----------
    model : TrainingModel
        On its device.
    images : PackedImages
        On the same device.
    normaliser : Normaliser
    config : RuntimeConfig
    world : World
    """

    def __init__(
        self,
        model: TrainingModel,
        images: PackedImages,
        normaliser: Normaliser,
        config: RuntimeConfig,
        world: World,
    ) -> None:
        self._model = model
        self._world = world
        self._images = images
        self._normaliser = normaliser
        self._dtype = autocast_dtype(config, world.device)
        self._channels_last = config.channels_last
        wrapped = world.prepare(model)
        self._forward: _Forward = torch.compile(wrapped) if config.compile else wrapped
        self._use_graph = config.cuda_graph and world.device.type == "cuda" and world.size == 1
        self._graph: _CapturedGraph | None = None
        self._graph_size: tuple[int, int] | None = None

    def __call__(
        self, rows: torch.Tensor, draws: Draws, size: tuple[int, int] | None = None
    ) -> dict[str, torch.Tensor]:
        """Set the parameters' gradients for the images ``rows`` (B,) and return the loss terms.

        Images are shrunk to ``size`` (height, width) where that is given, after their augmentation.
        The terms are detached scalars on the device; a later call may overwrite them.
        """

        def compute(rows: torch.Tensor, draws: Draws) -> dict[str, torch.Tensor]:
            return self._compute(rows, draws, size)

        if self._use_graph:
            if self._graph is None or self._graph_size != size:
                self._graph = None  # its memory goes back before the next one takes its own
                self._graph = _CapturedGraph(self._model, compute, rows, draws)
                self._graph_size = size
            return self._graph.replay(rows, draws)
        for parameter in self._model.parameters():
            parameter.grad = None
        return compute(rows, draws)

    def _compute(
        self, rows: torch.Tensor, draws: Draws, size: tuple[int, int] | None = None
    ) -> dict[str, torch.Tensor]:
        batch = augment(self._images.pixels[rows], draws, self._normaliser)
        if size is not None and size != tuple(batch.shape[2:]):
            batch = F.interpolate(batch, size=size, mode="area")
        if not self._channels_last:
            batch = batch.contiguous()
        device = batch.device.type
        # A cache of casted weights would be filled in a capture and reused in the next one.
        cached = not self._use_graph
        with torch.autocast(
            device, self._dtype, enabled=self._dtype is not None, cache_enabled=cached
        ):
            total, terms = self._forward(batch, self._images.labels[rows])
        self._world.backward(total)
        return terms


class _CapturedGraph:
    """Forward and backward pass recorded once and replayed on fixed inputs.

    Gradients are allocated inside the capture, so every replay overwrites them. The eager passes
    before it move the running statistics of batch norms, which are put back.
    """

    def __init__(
        self, model: nn.Module, compute: _Compute, rows: torch.Tensor, draws: Draws
    ) -> None:
        self._rows = rows.clone()
        self._draws = Draws(*(getattr(draws, f.name).clone() for f in fields(draws)))
        buffers = [buffer.clone() for buffer in model.buffers()]
        side: torch.cuda.Stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(GRAPH_WARMUPS):
                self._clear(model)
                compute(self._rows, self._draws)
        torch.cuda.current_stream().wait_stream(side)
        self._clear(model)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._terms: dict[str, torch.Tensor] = compute(self._rows, self._draws)
        with torch.no_grad():
            for buffer, saved in zip(model.buffers(), buffers, strict=True):
                buffer.copy_(saved)

    def replay(self, rows: torch.Tensor, draws: Draws) -> dict[str, torch.Tensor]:
        self._rows.copy_(rows)
        for field in fields(draws):
            getattr(self._draws, field.name).copy_(getattr(draws, field.name))
        self._graph.replay()
        return self._terms

    @staticmethod
    def _clear(model: nn.Module) -> None:
        for parameter in model.parameters():
            parameter.grad = None
