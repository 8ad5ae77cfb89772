"""All figures of the demonstration, in the form of ``scores.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .. import __version__
from ..detectors import PEOPLE
from ..sites import Site
from .figures import RunFigures
from .steps import Steps


@dataclass(frozen=True)
class DemoRecord:
    """What was done, and what came out.

    Attributes
    ----------
    version : str
        Of this package.
    seed : int
    seconds, frame_rate : float
        Of the recording.
    cameras, people : int
    detector, reid : str
    runs : dict of run name to figures
        See `RunFigures.to_plain`.
    steps : dict of step to float
        Seconds.
    total_s : float
        Seconds of all steps.
    """

    version: str
    seed: int
    seconds: float
    frame_rate: float
    cameras: int
    people: int
    detector: str
    reid: str
    runs: dict[str, dict[str, Any]]
    steps: dict[str, float]
    total_s: float


def record_of(
    site: Site, seed: int, detector: str | None, reid: str, runs: Mapping[str, RunFigures],
    steps: Steps,
) -> DemoRecord:  # fmt: skip
    """Gather everything, rounded as it is shown."""
    people = set() if site.truth is None else set(site.truth.id.tolist())
    return DemoRecord(
        version=__version__,
        seed=seed,
        seconds=round(len(site.cameras[0].indices) / site.rate, 1),
        frame_rate=site.rate,
        cameras=len(site.cameras),
        people=len(people),
        detector=detector or PEOPLE,
        reid=reid,
        runs={name: figures.to_plain() for name, figures in runs.items()},
        steps={title: round(seconds, 1) for title, seconds in steps.seconds.items()},
        total_s=round(steps.total_s, 1),
    )
