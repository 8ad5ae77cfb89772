"""Late decisions, applied to a file that was written before they were made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .types import Relabel


@dataclass(frozen=True)
class _Decision:
    """A `Relabel`, its place in the order of decisions, and how many rows it speaks of."""

    order: int
    rows: int
    event: Relabel


class LateDecisions:
    """Who the identities of written rows turned out to be.

    A decision speaks of the rows that were written before it, never of later ones: so two people
    can change places (1 becomes 3, 2 becomes 1, 3 becomes 2) and go on under their new identities.
    """

    def __init__(self) -> None:
        self._by_old: dict[int, list[_Decision]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def note(self, event: Relabel, rows: int) -> None:
        """Take a decision that was made after ``rows`` rows had been written."""
        decision = _Decision(self._count, rows, event)
        self._by_old.setdefault(event.old_id, []).append(decision)
        self._count += 1

    def final(self, identity: int, frame: int, row: int) -> int:
        """Who that is, of the row with this number (from 0) and frame, after all decisions."""
        order = -1
        while True:
            for decision in self._by_old.get(identity, ()):
                written = decision.order > order and decision.rows > row
                if written and frame >= decision.event.from_frame:
                    identity, order = decision.event.new_id, decision.order
                    break
            else:
                return identity

    def apply(self, lines: Iterable[str]) -> Iterator[str]:
        """Rows ``frame,id,rest`` with final identities."""
        for row, line in enumerate(lines):
            frame, identity, rest = line.split(",", 2)
            yield f"{frame},{self.final(int(identity), int(frame), row)},{rest}"
