"""All settings of the ground tracker."""

from __future__ import annotations

from dataclasses import dataclass, field

from .appearance import AppearanceConfig
from .associate import AssociateConfig
from .births import BirthConfig
from .exchanges import ExchangeConfig
from .existence import ExistenceConfig
from .identity import IdentityConfig
from .motion import MotionConfig
from .moved import MovedConfig
from .observe import ObserveConfig
from .residuals import ResidualConfig


@dataclass(frozen=True)
class GroundTrackerConfig:
    """All settings of `GroundTracker`; those of the site itself are its arguments.

    Attributes
    ----------
    observe, motion, associate, appearance, existence, births, residuals, identity, exchanges, moved
        Settings of the parts.
    lag_s : float
        How long decisions are put off, seconds: a moment is reported that much later, with what is
        known by then of who was there. 0 is purely online.
    rounds : int
        How often every camera is assigned anew, against what the other cameras say.
    bounds_margin_m : float
        Measurements err: people are followed up to this far outside the bounds, metres.
    """

    observe: ObserveConfig = field(default_factory=ObserveConfig)
    motion: MotionConfig = field(default_factory=MotionConfig)
    associate: AssociateConfig = field(default_factory=AssociateConfig)
    appearance: AppearanceConfig = field(default_factory=AppearanceConfig)
    existence: ExistenceConfig = field(default_factory=ExistenceConfig)
    births: BirthConfig = field(default_factory=BirthConfig)
    residuals: ResidualConfig = field(default_factory=ResidualConfig)
    identity: IdentityConfig = field(default_factory=IdentityConfig)
    exchanges: ExchangeConfig = field(default_factory=ExchangeConfig)
    moved: MovedConfig = field(default_factory=MovedConfig)
    lag_s: float = 2.0
    rounds: int = 1
    bounds_margin_m: float = 0.3

    def __post_init__(self) -> None:
        if not self.lag_s >= 0:
            raise ValueError(f"lag_s: expected 0 or more, got {self.lag_s}")
        if self.rounds < 0:
            raise ValueError(f"rounds: expected 0 or more, got {self.rounds}")
        if not self.bounds_margin_m >= 0:
            raise ValueError(f"bounds_margin_m: expected 0 or more, got {self.bounds_margin_m}")
