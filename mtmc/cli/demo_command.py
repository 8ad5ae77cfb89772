"""``mtmc demo``: see it work, without data or weights."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.table import Table

from mtmc.demo import Demo, run_demo
from mtmc.simulate import StreetConfig

from .console import errors, output

SHOWN_METRICS = ("HOTA", "MOTA", "IDF1", "IDs", "FP", "FN")


def add_parser(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "demo",
        help="see it work, without any data",
        description="Draw a street full of people, track them in three ways, score the results "
        "and make a video. Everything is written below --out; nothing is downloaded.",
    )
    parser.add_argument("--out", default="out/demo", metavar="DIR", help="default %(default)s")
    parser.add_argument("--seed", type=int, default=StreetConfig().seed)
    parser.add_argument("--frames", type=int, default=StreetConfig().frames)
    parser.set_defaults(handler=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the demonstration and say where everything lies."""
    street = StreetConfig(frames=arguments.frames, seed=arguments.seed)
    console = errors()
    demo = run_demo(Path(arguments.out), street, lambda step: console.print(f"... {step}"))
    output().print(_table(demo))
    for title, path in _places(demo):
        output().print(f"{title:<9} {path}", soft_wrap=True, markup=False)
    return 0


def _table(demo: Demo) -> Table:
    table = Table(title=f"{demo.sequence.name}, protocol motchallenge", title_justify="left")
    table.add_column("tracker")
    for name in (*SHOWN_METRICS, "frames/s"):
        table.add_column(name, justify="right")
    for name, scores in demo.scores.items():
        metrics = scores.overall.metrics
        cells = [
            f"{metrics[key]:.0f}" if key in ("IDs", "FP", "FN") else f"{metrics[key]:.1f}"
            for key in SHOWN_METRICS
        ]
        table.add_row(name, *cells, f"{demo.outcomes[name].clock.frames_per_second:.0f}")
    return table


def _places(demo: Demo) -> list[tuple[str, Path]]:
    files = {name: outcome.files for name, outcome in demo.outcomes.items()}
    shown = files["deepsort"]
    return [
        ("frames", demo.sequence / "img1"),
        ("results", shown["results"]),
        ("video", shown["video"]),
        ("picture", demo.picture),
    ]
