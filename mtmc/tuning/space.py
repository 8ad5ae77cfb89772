"""What may be varied: settings of a tracker, each within bounds or among choices."""

from __future__ import annotations

import dataclasses
import math
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..config import parse_value
from ..errors import InputError

DIGITS = 4
"""Significant digits of a setting: nobody can tell finer ones apart, and files stay readable."""

Settings = dict[str, Any]
"""Values of the settings that are varied, by field name."""


@dataclass(frozen=True)
class Dimension:
    """One setting that is varied.

    Attributes
    ----------
    name : str
        Field of the tracker's configuration.
    low, high : float
        Bounds, both included; not used with ``choices``.
    whole : bool
        Only whole numbers.
    log : bool
        Steps are factors, not differences.
    choices : tuple
        Values instead of bounds.
    """

    name: str
    low: float = 0.0
    high: float = 1.0
    whole: bool = False
    log: bool = False
    choices: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        if self.choices:
            return
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(
                f"{self.name}: expected LOW below HIGH, got {self.low} and {self.high}"
            )
        if self.log and self.low <= 0:
            raise ValueError(f"{self.name}: expected LOW above 0 for :log, got {self.low}")

    def at(self, share: float) -> Any:
        """The value at a share, 0 to 1, of the range."""
        share = min(max(share, 0.0), 1.0)
        if self.choices:
            return self.choices[min(int(share * len(self.choices)), len(self.choices) - 1)]
        if self.whole:
            return int(min(self.low + math.floor(share * (self.high - self.low + 1)), self.high))
        if self.log:
            value = self.low * (self.high / self.low) ** share
        else:
            value = self.low + share * (self.high - self.low)
        return min(max(float(f"{value:.{DIGITS}g}"), self.low), self.high)

    def share(self, value: Any) -> float:
        """Inverse of `at`: a share of the range whose value is nearest to this one."""
        if self.choices:
            where = self.choices.index(value) if value in self.choices else 0
            return (where + 0.5) / len(self.choices)
        if self.whole:
            share = (float(value) - self.low + 0.5) / (self.high - self.low + 1)
        elif self.log:
            share = math.log(max(float(value), self.low) / self.low) / math.log(
                self.high / self.low
            )
        else:
            share = (float(value) - self.low) / (self.high - self.low)
        return min(max(share, 0.0), 1.0)


# Where the fields of all trackers are looked for, by the names they share. What is not listed keeps
# its value unless asked for.
RANGES: dict[str, Dimension] = {
    dimension.name: dimension
    for dimension in (
        Dimension("min_score", 0.1, 0.9),
        Dimension("high_score", 0.3, 0.9),
        Dimension("low_score", 0.0, 0.5),
        Dimension("new_track_score", 0.3, 0.95),
        Dimension("fuse_scores", choices=(True, False)),
        Dimension("min_iou", 0.05, 0.6),
        Dimension("min_iou_low", 0.1, 0.7),
        Dimension("min_iou_tentative", 0.1, 0.7),
        Dimension("max_cosine_distance", 0.02, 0.6, log=True),
        Dimension("gate_probability", 0.9, 0.9999),
        Dimension("max_birth_iou", 0.1, 0.9),
        Dimension("small_buffer", 0.05, 0.6),
        Dimension("large_buffer", 0.1, 1.0),
        Dimension("direction_weight", 0.0, 0.6),
        Dimension("max_cost", 3.0, 20.0),
        Dimension("size_std", 0.05, 0.4, log=True),
        Dimension("appearance_weight", 0.5, 10.0, log=True),
        Dimension("max_height_ratio", 1.1, 2.0),
        Dimension("velocity_steps", 1, 10, whole=True),
        Dimension("min_hits", 1, 5, whole=True),
        Dimension("max_lost_s", 0.2, 8.0, log=True),
        Dimension("max_blind_s", 0.2, 8.0, log=True),
        Dimension("coast_s", 0.0, 0.4),
        Dimension("position_std", 0.02, 0.15, log=True),
        Dimension("velocity_std", 0.002, 0.05, log=True),
    )
}


ORDERED: tuple[tuple[str, ...], ...] = (
    ("low_score", "high_score", "new_track_score"),
    ("min_score", "new_track_score"),
    ("small_buffer", "large_buffer"),
)
"""Settings that no tracker accepts in another order, the smallest first."""


def default_space(config: type[Any]) -> list[Dimension]:
    """The fields of a tracker's configuration that `RANGES` knows."""
    return [RANGES[f.name] for f in dataclasses.fields(config) if f.name in RANGES]


def parse_space(texts: Sequence[str], config: type[Any]) -> list[Dimension]:
    """Read ``["min_iou=0.1:0.5", "tracker.max_lost_s=0.2:4:log", "fuse_scores=true,false"]``.

    Raises
    ------
    InputError
        Names the text that is malformed, or a setting that the tracker does not have.
    """
    hints = typing.get_type_hints(config)
    dimensions: dict[str, Dimension] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        name = name.strip().removeprefix("tracker.")
        if name not in hints:
            known = ", ".join(hints)
            raise InputError(f"--vary {text!r}: {name}: unknown setting (known: {known})")
        if not equals or not values.strip():
            raise InputError(f"--vary {text!r}: expected NAME=LOW:HIGH[:log] or NAME=A,B,C")
        if name in dimensions:
            raise InputError(f"--vary {text!r}: {name} is given twice")
        try:
            dimensions[name] = _parse_dimension(name, values, hints[name])
        except ValueError as error:
            raise InputError(f"--vary {text!r}: {error}") from error
    return list(dimensions.values())


def _parse_dimension(name: str, values: str, hint: Any) -> Dimension:
    parts = values.split(":")
    if len(parts) == 1:
        choices = tuple(parse_value(part.strip()) for part in values.split(","))
        if len(choices) < 2:
            raise ValueError("expected several choices A,B,C or a range LOW:HIGH")
        return Dimension(name, choices=choices)
    if hint not in (int, float):
        raise ValueError("expected choices A,B,C, because this setting is no number")
    if len(parts) > 3 or (len(parts) == 3 and parts[2] != "log"):
        raise ValueError("expected LOW:HIGH or LOW:HIGH:log")
    try:
        low, high = float(parts[0]), float(parts[1])
    except ValueError:
        raise ValueError("expected numbers LOW:HIGH") from None
    if hint is int and (len(parts) == 3 or not low.is_integer() or not high.is_integer()):
        raise ValueError("expected whole numbers LOW:HIGH, because this setting is one")
    return Dimension(name, low, high, whole=hint is int, log=len(parts) == 3)


def describe(space: Sequence[Dimension]) -> dict[str, Any]:
    """The space as plain values, for files."""
    return {
        each.name: list(each.choices)
        if each.choices
        else {"low": each.low, "high": each.high, "log": each.log}
        for each in space
    }


def shares_of(space: Sequence[Dimension], config: object) -> dict[str, float]:
    """Where a configuration lies in the unit cube."""
    return {each.name: each.share(getattr(config, each.name)) for each in space}


def settings_at(space: Sequence[Dimension], shares: Mapping[str, float]) -> Settings:
    """Settings at a point of the unit cube; values of `ORDERED` ones are put in order."""
    settings = {each.name: each.at(shares[each.name]) for each in space}
    for names in ORDERED:
        present = [name for name in names if name in settings]
        values = sorted(settings[name] for name in present)
        settings.update(zip(present, values, strict=True))
    return settings
