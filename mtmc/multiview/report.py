"""What is said of tracks, and when: a lag later, when it is decided whether and who they were."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..sites.area import Area
from ..types import FloatArray, GlobalTrack, IntArray, Relabel
from .deciding import Decider
from .exchanges import Exchanges
from .observe import Observations
from .population import Population

Members = Mapping[int, tuple[tuple[str, int], ...]]


@dataclass(frozen=True, eq=False)
class GroundTrack(GlobalTrack):
    """A `GlobalTrack` that says how sure its place is.

    Attributes
    ----------
    covariance : tuple of three floats
        xx, xy and yy of the position, m².
    """

    covariance: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True, eq=False)
class _Note:
    """What was seen of a track at one moment."""

    index: int
    xy: FloatArray
    covariance: FloatArray
    members: tuple[tuple[str, int], ...]

    def as_track(self, identity: int) -> GroundTrack:
        x, y = self.xy.tolist()
        (xx, xy), (_, yy) = self.covariance.tolist()
        return GroundTrack(identity, self.index, (x, y), self.members, (xx, xy, yy))


class Reports:
    """Keeps what is seen of each track until it is decided who that was.

    Parameters
    ----------
    region : Area or None
        Where tracks are reported; None is everywhere.
    lag_s : float
        How long after a moment it is reported, seconds.
    """

    def __init__(self, region: Area | None, lag_s: float) -> None:
        self._region, self._lag_s = region, lag_s
        self._moments: deque[tuple[float, dict[int, _Note]]] = deque()
        self._public: dict[int, int] = {}

    def note(self, people: Population, index: int, time_s: float, members: Members) -> None:
        """Take what is seen now; ``members`` by serial number."""
        shown = people.seen_s == time_s
        if self._region is not None:
            shown &= self._region.contains(people.xy)
        notes = {}
        for row in np.flatnonzero(shown).tolist():
            serial = int(people.serial[row])
            xy, covariance = people.xy[row].copy(), people.covariance[row, :2, :2].copy()
            notes[serial] = _Note(index, xy, covariance, members[serial])
        self._moments.append((time_s, notes))

    def take(
        self, decider: Decider, exchanges: Exchanges, time_s: float
    ) -> list[GlobalTrack | Relabel]:
        """All moments that lie a lag or more before ``time_s``, and were not reported yet."""
        found: list[GlobalTrack | Relabel] = []
        while self._moments and self._moments[0][0] <= time_s - self._lag_s:
            moment_s, notes = self._moments.popleft()
            names = exchanges.rename(decider.names(moment_s) if notes else {}, moment_s)
            for serial, note in notes.items():
                if serial in names:
                    identity = self._public.setdefault(names[serial], len(self._public) + 1)
                    found.append(note.as_track(identity))
        return found


def members_of(
    seen: Observations, track: IntArray, people: Population, names: Sequence[str]
) -> dict[int, tuple[tuple[str, int], ...]]:
    """Camera and detection row of what was matched with each track, by serial number."""
    found: dict[int, list[tuple[str, int]]] = {}
    for row in np.flatnonzero(track >= 0).tolist():
        serial = int(people.serial[track[row]])
        found.setdefault(serial, []).append((names[seen.camera[row]], int(seen.row[row])))
    return {serial: tuple(pairs) for serial, pairs in found.items()}
