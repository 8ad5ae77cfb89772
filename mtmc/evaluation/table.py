"""Scores and comparisons as tables for the terminal."""

from __future__ import annotations

from collections.abc import Container, Sequence

from rich.table import Table
from rich.text import Text

from .compare import COMPARED, OVERALL, Comparison, Difference
from .scores import Scores, SequenceScores

COLUMNS = (
    *("HOTA", "DetA", "AssA", "MOTA", "MOTP", "IDF1", "IDP", "IDR", "Rcll", "Prcn"),
    *("IDs", "FP", "FN", "MT", "PT", "ML", "Frag", "GT"),
)
BRIEF_COLUMNS = ("HOTA", "DetA", "AssA", "MOTA", "IDF1", "IDs", "FP", "FN")
"""What fits a terminal of 80 characters."""
HIGHLIGHTED = ("HOTA", "MOTA", "IDF1")


def scores_table(
    scores: Scores, columns: Sequence[str] = COLUMNS, unscored: Container[str] = ()
) -> Table:
    """One row per sequence and one for all together; ratios in percent, with one decimal.

    ``columns`` are names of ``SequenceScores.metrics``; ``unscored`` sequences have dashes there.
    """
    dashes = ["\u2013"] * len(columns)
    table = Table(title=f"protocol {scores.protocol}", title_justify="left")
    table.add_column("sequence", no_wrap=True)
    for name in columns:
        table.add_column(name, justify="right", style="bold" if name in HIGHLIGHTED else None)
    for name, part in scores.sequences.items():
        table.add_row(Text(name), *(dashes if name in unscored else _cells(part, columns)))
    table.add_section()
    nothing = all(name in unscored for name in scores.sequences)
    overall = dashes if scores.sequences and nothing else _cells(scores.overall, columns)
    table.add_row("overall", *overall, style="bold")
    return table


def _cells(scores: SequenceScores, columns: Sequence[str]) -> list[str]:
    metrics = scores.metrics
    values = (metrics[name] for name in columns)
    return [f"{value:.1f}" if isinstance(value, float) else str(value) for value in values]


def winners_table(comparison: Comparison) -> Table:
    """Overall value of each metric in each run, the best one, and how sure that is."""
    table = Table(title=f"all sequences, protocol {comparison.protocol}", title_justify="left")
    table.add_column("metric", no_wrap=True)
    for run in comparison.runs:
        table.add_column(Text(run), justify="right")
    table.add_column("best")
    table.add_column(f"ahead of the second, {_share(comparison)} interval")
    for metric in COMPARED:
        best, second = comparison.ranking(metric)[:2]
        ahead = comparison.difference(best, second, metric)
        values = [_number(comparison.values[run, OVERALL, metric]) for run in comparison.runs]
        verdict = Text(best, style="bold") if ahead.is_decided else Text("undecided")
        interval = _interval(ahead)
        text = _number(ahead.difference, "+") + (f"  ({interval})" if interval else "")
        table.add_row(metric, *values, verdict, text)
    return table


def differences_table(comparison: Comparison, run: str) -> Table:
    """Differences of one run to the first one, with intervals, per sequence and overall."""
    first = comparison.runs[0]
    title = Text(f"{run} minus {first}, and {_share(comparison)} intervals")
    table = Table(title=title, title_justify="left", show_lines=True)
    table.add_column("sequence", no_wrap=True)
    for metric in COMPARED:
        table.add_column(metric, justify="right", no_wrap=True)
    for where in (*comparison.sequences, OVERALL):
        found = (comparison.difference(run, first, metric, where) for metric in COMPARED)
        cells = [
            Text.assemble(
                (_number(one.difference, "+"), "bold" if one.is_decided else ""),
                (f"\n{_interval(one)}", "dim"),
            )
            for one in found
        ]
        table.add_row(Text(where), *cells)
    return table


def _share(comparison: Comparison) -> str:
    return f"{100 * comparison.config.confidence:g} %"


def _interval(difference: Difference) -> str:
    """The ends of an interval, or nothing; those of counts are rounded to whole boxes."""
    if difference.low is None or difference.high is None:
        return ""
    digits = 0 if isinstance(difference.difference, int) else 1
    return f"{difference.low:+.{digits}f} to {difference.high:+.{digits}f}"


def _number(value: float, sign: str = "") -> str:
    """Ratios with one decimal, counts without."""
    return format(value, f"{sign}d" if isinstance(value, int) else f"{sign}.1f")
