"""What place and time say of who somebody can be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..sites.area import Area
from ..types import FloatArray
from .config import EntryConfig
from .people import Absent, Stretch

GHOST_S = 1.5
"""A track may go on for so long without its person, while another has begun to follow that one."""


class Places:
    """Where people come in and go out, and what that says of candidates.

    Parameters
    ----------
    entries : sequence of Area
        None means that people come in anywhere.
    config : EntryConfig
    """

    def __init__(self, entries: Sequence[Area], config: EntryConfig) -> None:
        self._entries, self._config = tuple(entries), config

    def at_entry(self, xy: FloatArray) -> bool:
        """Whether a place (2,) is known to be one where people come in."""
        return any(bool(area.contains(xy[None])[0]) for area in self._entries)

    def mid_room(self, xy: FloatArray) -> bool:
        """Whether a place (2,) is known to be none."""
        return bool(self._entries) and not self.at_entry(xy)

    def prior(self, stretch: Stretch, absent: Absent) -> float:
        """What is added to the cosine distance to somebody absent; infinite for whom it cannot be.

        Nobody is seen in two places at once, except that a track may outlive its person for a
        moment. Who was lost within reach is likely; who went out does not come back in mid-room,
        and who was lost in mid-room does not come in by the door.
        """
        config = self._config
        gap_s = stretch.since_s - absent.seen_s
        if gap_s <= -GHOST_S and absent.key not in stretch.partners:
            return float("inf")
        reach = config.relink_start_m + config.relink_speed * max(gap_s, 0.0)
        near = float(np.linalg.norm(stretch.xy - absent.seen_xy)) <= reach
        if not absent.left and gap_s <= config.relink_gap_s and near:
            return -config.nearby
        if not stretch.born:
            return config.elsewhere
        if self._entries and self.at_entry(stretch.xy) != absent.left:
            return config.elsewhere
        return 0.0
