"""The networks by name. Adding one is one new file and one line in ``MODELS``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

from .descriptor import BranchFeature, ReIDNet, join_branches
from .harmonious import (
    HA_CNN,
    ROBUST_REID_1X,
    ROBUST_REID_2X,
    HarmoniousConfig,
    HarmoniousNet,
)
from .heads import ClassifierHeads
from .osnet import OSNet, OSNetConfig
from .resnet50 import ResNet50, ResNet50Config

__all__ = [
    "MODELS",
    "BranchFeature",
    "ClassifierHeads",
    "HarmoniousConfig",
    "HarmoniousNet",
    "ModelEntry",
    "OSNet",
    "OSNetConfig",
    "ReIDNet",
    "ResNet50",
    "ResNet50Config",
    "build",
    "join_branches",
]


@dataclass(frozen=True)
class ModelEntry:
    """A network that can be built by name.

    Attributes
    ----------
    build : callable
        Takes a config and returns the network.
    config : frozen dataclass
        The config that the name stands for; plain values only.
    description : str
        One line.
    """

    build: Callable[[Any], ReIDNet]
    config: Any
    description: str


MODELS: dict[str, ModelEntry] = {
    "ha_cnn": ModelEntry(HarmoniousNet, HA_CNN, "HA-CNN as published (CVPR 2018)"),
    "robust_reid_1x": ModelEntry(HarmoniousNet, ROBUST_REID_1X, "Robust-ReID, 2.9M parameters"),
    "robust_reid_2x": ModelEntry(HarmoniousNet, ROBUST_REID_2X, "Robust-ReID, 6.4M parameters"),
    "osnet_x1_0": ModelEntry(OSNet, OSNetConfig(), "OSNet (ICCV 2019), 2.2M parameters"),
    "osnet_x0_25": ModelEntry(
        OSNet, OSNetConfig(width=0.25), "OSNet at quarter width, 0.2M parameters"
    ),
    "resnet50_bot": ModelEntry(
        ResNet50, ResNet50Config(), "ResNet-50 with the bag of tricks, 23.5M parameters"
    ),
}


def build(name: str, **overrides: Any) -> ReIDNet:
    """Build the network called ``name``, with fields of its config replaced by ``overrides``.

    Raises
    ------
    ValueError
        On an unknown name or field, with the choices, or on a value that the config refuses.
    """
    if name not in MODELS:
        raise ValueError(f"model: expected one of {', '.join(MODELS)}, got {name!r}")
    entry = MODELS[name]
    known = [field.name for field in fields(entry.config)]
    for key in overrides:
        if key not in known:
            raise ValueError(f"{name}.{key}: unknown; the fields are {', '.join(known)}")
    return entry.build(replace(entry.config, **overrides))
