"""Settings of multi-camera tracking: the tables that a run's file may hold besides its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from .config import from_dict, to_plain
from .entry import EntryConfig
from .multiview import GroundTrackerConfig
from .multiview.separate import SeparateConfig


@dataclass(frozen=True)
class SiteConfig:
    """Settings of all parts of multi-camera tracking; each field is a table of that name.

    Attributes
    ----------
    ground_tracker : GroundTrackerConfig
        For cameras that look at one ground plane.
    separate_tracker : SeparateConfig
        For cameras of separate places.
    entry_query : EntryConfig
        Who comes in; for runs on one ground plane with appearance.
    """

    ground_tracker: GroundTrackerConfig = field(default_factory=GroundTrackerConfig)
    separate_tracker: SeparateConfig = field(default_factory=SeparateConfig)
    entry_query: EntryConfig = field(default_factory=EntryConfig)

    @classmethod
    def from_tables(cls, tables: Mapping[str, Any]) -> SiteConfig:
        """Take the tables that are there; others are left alone.

        Raises
        ------
        InputError
            Names the dotted key of what is wrong.
        """
        return cls(
            from_dict(GroundTrackerConfig, tables.get("ground_tracker", {}), "ground_tracker"),
            from_dict(SeparateConfig, tables.get("separate_tracker", {}), "separate_tracker"),
            from_dict(EntryConfig, tables.get("entry_query", {}), "entry_query"),
        )

    def to_tables(self) -> dict[str, Any]:
        """The tables, for TOML or JSON."""
        return {one.name: to_plain(getattr(self, one.name)) for one in fields(self)}


SITE_TABLES = tuple(one.name for one in fields(SiteConfig))
"""Names of the tables."""
