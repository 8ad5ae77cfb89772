"""Checks that the configurations of all trackers share; the message names class and field."""

from __future__ import annotations

import math


def check_range(
    config: object, name: str, low: float, high: float = math.inf, *, above: bool = False
) -> None:
    """Raise ValueError unless field ``name`` is finite and in [low, high], or (low, high]."""
    value = getattr(config, name)
    if not (math.isfinite(value) and low <= value <= high) or (above and value == low):
        bound = f"above {low:g}" if above else f"at least {low:g}"
        if high < math.inf:
            bound += f" and at most {high:g}"
        raise ValueError(f"{type(config).__name__}.{name}: expected {bound}, got {value!r}")
