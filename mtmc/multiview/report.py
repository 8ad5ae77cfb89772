"""What is said of tracks, and when: nothing before they count, and then from where they began."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..sites.area import Area
from ..types import FloatArray, GlobalTrack, IntArray, Relabel
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

    time_s: float
    index: int
    xy: FloatArray
    covariance: FloatArray
    members: tuple[tuple[str, int], ...]

    def as_track(self, identity: int) -> GroundTrack:
        x, y = self.xy.tolist()
        (xx, xy), (_, yy) = self.covariance.tolist()
        return GroundTrack(identity, self.index, (x, y), self.members, (xx, xy, yy))


class Reports:
    """Keeps what is seen of each track until it can be reported.

    Parameters
    ----------
    region : Area or None
        Where tracks are reported; None is everywhere.
    lag_s : float
        How far back a report may reach, seconds.
    """

    def __init__(self, region: Area | None, lag_s: float) -> None:
        self._region, self._lag_s = region, lag_s
        self._notes: dict[int, list[_Note]] = {}

    def note(self, people: Population, index: int, time_s: float, members: Members) -> None:
        """Take what is seen now; ``members`` by serial number."""
        serials = people.serial.tolist()
        self._notes = {serial: self._notes.get(serial, []) for serial in serials}
        shown = people.seen_s == time_s
        if self._region is not None:
            shown &= self._region.contains(people.xy)
        earliest = time_s - self._lag_s
        for row in np.flatnonzero(shown).tolist():
            notes = self._notes[serials[row]]
            while notes and notes[0].time_s < earliest:
                notes.pop(0)
            xy, covariance = people.xy[row], people.covariance[row, :2, :2]
            notes.append(_Note(time_s, index, xy.copy(), covariance, members[serials[row]]))

    def take(self, people: Population) -> list[GlobalTrack | Relabel]:
        """What is known of confirmed tracks and not reported yet."""
        found: list[GlobalTrack | Relabel] = []
        for row in np.flatnonzero(people.id > 0).tolist():
            notes = self._notes[int(people.serial[row])]
            found += [note.as_track(int(people.id[row])) for note in notes]
            notes.clear()
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
