"""Settings of a gallery."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .gallery_crops import GuardConfig
from .gallery_decision import DecisionConfig
from .gallery_scale import ScaleConfig


@dataclass(frozen=True)
class GalleryConfig:
    """What is kept of identities, and how they are compared.

    Attributes
    ----------
    budget_mib : float
        Memory for stored vectors and what belongs to them, MiB; held at all times.
    per_identity : int
        Crops kept of one identity, at most.
    distance : "nearest" or "prototypes"
        Compare with the stored crops, or with their means per tracklet and camera: fewer numbers,
        less noise, less detail.
    nearest : int
        How many of the smallest distances of a query crop are averaged, at least.
    nearest_share : float
        And at least this share of those to all crops of an identity, 0 to 1: a few crops that
        belong to somebody else do not count then.
    shortlist : int
        Among more candidates than this, only those whose mean vectors are closest to that of a
        query are compared crop by crop; all are, among fewer.
    purify_margin : float
        A tracklet leaves an identity when it is closer to another one by this much, cosine
        distance.
    guard, scale, decision
        Settings of the parts.
    """

    budget_mib: float = 256.0
    per_identity: int = 60
    distance: Literal["nearest", "prototypes"] = "nearest"
    nearest: int = 3
    nearest_share: float = 0.3
    shortlist: int = 500
    purify_margin: float = 0.05
    guard: GuardConfig = field(default_factory=GuardConfig)
    scale: ScaleConfig = field(default_factory=ScaleConfig)
    decision: DecisionConfig = field(default_factory=DecisionConfig)

    def __post_init__(self) -> None:
        for name in ("per_identity", "nearest", "shortlist"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected a number from 1, got {getattr(self, name)}")
        if not self.budget_mib > 0:
            raise ValueError(f"budget_mib: expected a size above 0, got {self.budget_mib}")
        if self.distance not in ("nearest", "prototypes"):
            raise ValueError(f"distance: expected nearest or prototypes, got {self.distance!r}")
        if not 0 <= self.nearest_share <= 1:
            raise ValueError(f"nearest_share: expected 0 to 1, got {self.nearest_share}")
        if not self.purify_margin >= 0:
            raise ValueError(f"purify_margin: expected 0 or more, got {self.purify_margin}")
