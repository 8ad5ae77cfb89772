"""One process or several: what the training loop needs to know of the others."""

from __future__ import annotations

import importlib
from typing import Any, Protocol

import torch
from torch import nn


class World(Protocol):
    """The processes that train together; each takes its share of every epoch's batches."""

    rank: int
    size: int
    device: torch.device

    def prepare(self, model: nn.Module) -> nn.Module:
        """The model in the form whose gradients are shared among the processes."""
        ...

    def backward(self, loss: torch.Tensor) -> None:
        """Backward pass, gradients averaged over the processes."""
        ...

    def agree(self, flag: bool) -> bool:
        """The first process's answer, so that all stop and save at the same step."""
        ...


class SingleProcess:
    """No other process."""

    rank = 0
    size = 1

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def prepare(self, model: nn.Module) -> nn.Module:
        """The model itself."""
        return model

    def backward(self, loss: torch.Tensor) -> None:
        """Plain backward pass."""
        loss.backward()  # type: ignore[no-untyped-call]

    def agree(self, flag: bool) -> bool:
        """What is asked."""
        return flag


class Accelerated:
    """Processes started by ``accelerate launch``, one per device (DistributedDataParallel).

    Raises
    ------
    ValueError
        When accelerate is not installed.
    """

    def __init__(self, cpu: bool = False) -> None:
        try:
            accelerate = importlib.import_module("accelerate")
        except ImportError:
            raise ValueError(
                "training in several processes needs accelerate: pip install mtmc[distributed]"
            ) from None
        self._accelerator: Any = accelerate.Accelerator(cpu=cpu)
        self.rank: int = self._accelerator.process_index
        self.size: int = self._accelerator.num_processes
        self.device: torch.device = self._accelerator.device

    def prepare(self, model: nn.Module) -> nn.Module:
        """The model wrapped for sharing gradients."""
        prepared: nn.Module = self._accelerator.prepare_model(model)
        return prepared

    def backward(self, loss: torch.Tensor) -> None:
        """Backward pass; the wrapper averages gradients over the processes."""
        self._accelerator.backward(loss)

    def agree(self, flag: bool) -> bool:
        """The first process's answer."""
        broadcast = importlib.import_module("accelerate.utils").broadcast
        return bool(broadcast(torch.tensor(float(flag), device=self.device)).item())
