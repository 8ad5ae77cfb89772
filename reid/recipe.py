"""The settings of a training, all in one place: what a TOML file of ``mtmc reid train`` holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from .losses import LossConfig
from .sampler import SamplerConfig
from .schedule import CyclesConfig, ScheduleConfig
from .transforms import AugmentConfig


@dataclass(frozen=True)
class ModelConfig:
    """Which network is trained.

    Attributes
    ----------
    name : str
        Key of :data:`mtmc.reid.models.MODELS`.
    options : mapping
        Fields of that network's config that differ from what the name stands for.
    """

    name: str = "robust_reid_1x"
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class HeadConfig:
    """The classifiers of the cross-entropy, one per branch.

    Attributes
    ----------
    bias : bool
        The bag of tricks, and with it the paper, leaves the bias out.
    scale : float, "learned" or None
        Factor on the logits. Of vectors of unit length they are bounded by the norms of the
        classifier's weights, so that without a factor the loss cannot come near its floor.
    """

    bias: bool = False
    scale: float | Literal["learned"] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.scale, float) and not self.scale > 0:
            raise ValueError(f"scale: expected a value above 0, got {self.scale}")


@dataclass(frozen=True)
class DataConfig:
    """What is learnt from.

    Attributes
    ----------
    datasets : tuple of str
        Keys of :data:`mtmc.reid.data.DATASETS`; several are merged.
    train_identities : int or None
        Learn from that many people only, for short experiments.
    val_identities : int
        People held out of the training part to choose settings by; 0 for none.
    split_seed : int
        Which people these are.
    """

    datasets: tuple[str, ...] = ("market1501",)
    train_identities: int | None = None
    val_identities: int = 0
    split_seed: int = 0

    def __post_init__(self) -> None:
        if not self.datasets:
            raise ValueError("datasets: expected at least one data set, got none")
        if self.val_identities < 0:
            raise ValueError(f"val_identities: expected 0 or more, got {self.val_identities}")


@dataclass(frozen=True)
class OptimiserConfig:
    """Stochastic gradient descent; the paper names nothing but SGD.

    Attributes
    ----------
    momentum : float
        0 for none.
    nesterov : bool
        Nesterov's form of the momentum.
    weight_decay : float
        On all weights that have two axes or more.
    norm_decay : bool
        Whether vectors (batch norms, biases, pooling exponents) decay too.
    """

    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 5e-4
    norm_decay: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum: expected 0 to below 1, got {self.momentum}")
        if self.nesterov and self.momentum == 0:
            raise ValueError("nesterov: expected false without momentum, got true")
        if self.weight_decay < 0:
            raise ValueError(f"weight_decay: expected 0 or more, got {self.weight_decay}")


@dataclass(frozen=True)
class TrainConfig:
    """Length and seed of the training.

    Attributes
    ----------
    epochs : int
        Epochs of the main training, before any cycles.
    seed : int
        Of the initial weights, the batches and the augmentation.
    ema_decay : float
        Average the weights exponentially with this decay per step, and evaluate and save the
        average; 0 switches it off. Not in the paper.
    val_every : int
        Epochs between evaluations on the people held out.
    small_epochs : int
        The first epochs see smaller images, which teaches the coarse at a fraction of the time
        (progressive resizing); 0 for none. Evaluations are at full size all the time.
    small_scale : float
        How much smaller, per axis; both sides must stay multiples of what the network asks for.
    """

    epochs: int = 350
    seed: int = 0
    ema_decay: float = 0.0
    val_every: int = 10
    small_epochs: int = 0
    small_scale: float = 0.5

    def __post_init__(self) -> None:
        for name in ("epochs", "val_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected 1 or more, got {getattr(self, name)}")
        if not 0 <= self.ema_decay < 1:
            raise ValueError(f"ema_decay: expected 0 to below 1, got {self.ema_decay}")
        if self.small_epochs < 0:
            raise ValueError(f"small_epochs: expected 0 or more, got {self.small_epochs}")
        if not 0 < self.small_scale < 1:
            raise ValueError(f"small_scale: expected a factor in (0, 1), got {self.small_scale}")

    def image_size(self, full: tuple[int, int], epoch: int) -> tuple[int, int]:
        """(height, width) of the images in an epoch, counted from 1, of a network for ``full``."""
        if epoch > self.small_epochs:
            return full
        return round(full[0] * self.small_scale), round(full[1] * self.small_scale)


@dataclass(frozen=True)
class RuntimeConfig:
    """How the computation runs; it changes results by rounding only.

    Attributes
    ----------
    precision : "auto", "float32" or "bfloat16"
        Precision of convolutions and matrix products (autocast); weights are always float32.
        ``"auto"`` is bfloat16 on CUDA and float32 on a CPU.
    channels_last : bool
        Memory layout of images and convolutions.
    compile : bool
        ``torch.compile`` the network: minutes at the start, faster steps after.
    cuda_graph : bool
        Capture forward and backward pass as one CUDA graph: batches of 32 are otherwise bound by
        the time it takes to launch kernels. Only for one process on CUDA; ignored on a CPU.
    """

    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    channels_last: bool = True
    compile: bool = False
    cuda_graph: bool = True


@dataclass(frozen=True)
class Recipe:
    """All settings of a training; the defaults follow the paper where it states something.

    The sections are documented with their classes.
    """

    model: ModelConfig = field(default_factory=ModelConfig)
    data: DataConfig = field(default_factory=DataConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    sampler: SamplerConfig = field(default_factory=SamplerConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    head: HeadConfig = field(default_factory=HeadConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    cycles: CyclesConfig = field(default_factory=CyclesConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    runtime: RuntimeConfig = field(default_factory=RuntimeConfig)

    @property
    def total_epochs(self) -> int:
        """Epochs of the main training and of all cycles."""
        return self.train.epochs + self.cycles.epochs

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for checkpoints and logs."""
        return asdict(self)
