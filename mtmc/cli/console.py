"""Where the command line prints: results to stdout, everything else to stderr."""

from __future__ import annotations

from rich.console import Console


def output() -> Console:
    """Console of results; wide where it is no terminal, so that tables are not cut."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=160)


def errors() -> Console:
    """Console of progress, notices and errors; long lines are never wrapped into pieces."""
    return Console(stderr=True, soft_wrap=True, highlight=False)
