"""The rows of the paper's table 2, as networks, losses and recipe switches.

Which marks belong to which row was read from the prose of section 4.1 and 4.2: a is HA-CNN with the
bag of tricks alone, b to e turn one modification off, f and g are the smaller network, g and the
last row end with SWAG.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .losses import NO_TRIPLET, LossConfig

HARD_MARGIN = 0.3  # row d; not stated in the paper, the margin of Luo et al. (2019)


@dataclass(frozen=True)
class AblationRow:
    """One column of table 2.

    Attributes
    ----------
    model : str
        Name in ``MODELS``.
    overrides : mapping
        Fields of the model's config that differ.
    loss : LossConfig
        What is minimised.
    classifier_bias : bool
        Whether classifiers have a bias.
    tricks : bool
        Warm-up and random erasing (label smoothing is part of ``loss``).
    swag : bool
        Whether training ends with SWAG.
    rank1, mean_ap : float
        What the paper reports on Market-1501, in percent.
    """

    model: str
    rank1: float
    mean_ap: float
    overrides: Mapping[str, Any] = field(default_factory=dict)
    loss: LossConfig = field(default_factory=LossConfig)
    classifier_bias: bool = False
    tricks: bool = True
    swag: bool = False


TABLE_2: dict[str, AblationRow] = {
    "ha_cnn": AblationRow(
        "ha_cnn",
        91.2,
        75.7,
        loss=LossConfig(triplet=NO_TRIPLET, label_smoothing=0.0),
        classifier_bias=True,
        tricks=False,
    ),
    "a": AblationRow("ha_cnn", 93.2, 82.0, loss=LossConfig(triplet=NO_TRIPLET)),
    "b": AblationRow("robust_reid_2x", 94.5, 85.7, {"neck": "none"}),
    # Deeper means more shuffle blocks; inception keeps one block per stage at the greater width.
    "c": AblationRow("robust_reid_2x", 94.9, 86.6, {"block": "inception", "repeats": (1, 1, 1)}),
    "d": AblationRow("robust_reid_2x", 95.1, 87.1, loss=LossConfig(margin=HARD_MARGIN)),
    "e": AblationRow("robust_reid_2x", 95.3, 87.9, {"pooling": "average"}),
    "f": AblationRow("robust_reid_1x", 95.4, 87.3),
    "g": AblationRow("robust_reid_1x", 95.8, 88.7, swag=True),
    "h": AblationRow("robust_reid_2x", 95.7, 88.1),
    "robust_reid": AblationRow("robust_reid_2x", 96.2, 89.7, swag=True),
}
