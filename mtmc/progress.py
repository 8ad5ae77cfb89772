"""Time spent per stage, and progress bars for people who wait."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

STAGES = ("read", "detect", "embed", "track", "write")


@dataclass
class StageClock:
    """Wall-clock seconds per stage of the pipeline."""

    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    frames: int = 0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time inside the ``with`` block to a stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] += time.perf_counter() - start

    @property
    def total_s(self) -> float:
        """Seconds of all stages together."""
        return sum(self.seconds.values())

    @property
    def frames_per_second(self) -> float:
        """Frames per second over all stages."""
        return self.frames / self.total_s if self.total_s > 0 else 0.0

    def describe(self) -> str:
        """E.g. ``54.1 frames/s (ms a frame: read 6.0, detect 11.2, track 0.4, write 0.1)``."""
        if not self.frames:
            return "no frames"
        parts = [
            f"{name} {1000 * seconds / self.frames:.1f}"
            for name, seconds in self.seconds.items()
            if seconds > 0
        ]
        return f"{self.frames_per_second:.1f} frames/s (ms a frame: {', '.join(parts)})"


class Bar:
    """One line of progress; made when its first step is done."""

    def __init__(self, progress: Progress, title: str, total: int | None) -> None:
        self._progress = progress
        self._title = title
        self._total = total
        self._task: TaskID | None = None

    def advance(self, note: str = "") -> None:
        """One step more; ``note`` is shown beside the bar."""
        if self._task is None:
            self._task = self._progress.add_task(self._title, total=self._total, note="")
        self._progress.update(self._task, advance=1, note=note)


@contextmanager
def progress_bars(console: Console) -> Iterator[Callable[[str, int | None], Bar]]:
    """Yield a maker of progress bars ``(title, total)``; silent where nobody watches."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", style="dim"),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        yield lambda title, total: Bar(progress, title, total)
