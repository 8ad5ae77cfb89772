"""The steps of the demonstration, one after the other, with the time that each takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol


class Advances(Protocol):
    """A progress bar."""

    def advance(self, note: str = "") -> None:
        """One part more is done."""


class _Unwatched:
    def advance(self, note: str = "") -> None:
        """Nobody looks."""


def unwatched(title: str, total: int | None) -> Advances:
    """Make a bar that shows nothing."""
    return _Unwatched()


class Steps:
    """Names and times what is done.

    Parameters
    ----------
    make_bar : callable
        Title and number of parts (None if not known) -> a progress bar.
    on_done : callable
        Hears the title of every step that is done, and how many seconds it took.
    """

    def __init__(
        self,
        make_bar: Callable[[str, int | None], Advances] = unwatched,
        on_done: Callable[[str, float], None] = lambda title, seconds: None,
    ) -> None:
        self._make_bar, self._on_done = make_bar, on_done
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, title: str, total: int | None = None) -> Iterator[Advances]:
        """Do one step inside the ``with`` block, which gets its progress bar."""
        start = time.perf_counter()
        yield self._make_bar(title, total)
        self.seconds[title] = time.perf_counter() - start
        self._on_done(title, self.seconds[title])

    @property
    def total_s(self) -> float:
        """Seconds of all steps that are done."""
        return sum(self.seconds.values())
