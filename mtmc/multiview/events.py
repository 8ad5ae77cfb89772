"""What a tracker has to say besides tracks: decisions with their evidence, and warnings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True)
class TrackerEvent:
    """Something that happened inside a tracker.

    Attributes
    ----------
    kind : str
        E.g. ``"decision"``.
    details : mapping
        Plain values, for the events file.
    warning : str
        One line that a person should read; empty for none.
    """

    kind: str
    details: Mapping[str, Any]
    warning: str = ""


@runtime_checkable
class TellsEvents(Protocol):
    """A tracker that has events to tell."""

    def take_events(self) -> list[TrackerEvent]:
        """What happened since the last call."""
        ...
