"""Scores as a table for the terminal."""

from __future__ import annotations

from rich.table import Table

from .scores import Scores, SequenceScores

COLUMNS = (
    *("HOTA", "DetA", "AssA", "MOTA", "MOTP", "IDF1", "IDP", "IDR", "Rcll", "Prcn"),
    *("IDs", "FP", "FN", "MT", "PT", "ML", "Frag", "GT"),
)
HIGHLIGHTED = ("HOTA", "MOTA", "IDF1")


def scores_table(scores: Scores) -> Table:
    """One row per sequence and one for all together; ratios in percent, with one decimal."""
    table = Table(title=f"protocol {scores.protocol}", title_justify="left", show_footer=False)
    table.add_column("sequence", no_wrap=True)
    for name in COLUMNS:
        table.add_column(name, justify="right", style="bold" if name in HIGHLIGHTED else None)
    for name, part in scores.sequences.items():
        table.add_row(name, *_cells(part))
    table.add_section()
    table.add_row("overall", *_cells(scores.overall), style="bold")
    return table


def _cells(scores: SequenceScores) -> list[str]:
    values = (scores.metrics[name] for name in COLUMNS)
    return [f"{value:.1f}" if isinstance(value, float) else str(value) for value in values]
