"""Multi-camera sequences behind ``mtmc run`` and ``mtmc eval``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from mtmc.atomic import atomic_writer
from mtmc.errors import InputError
from mtmc.evaluation.ground import GROUND_FILE, evaluate_site, ground_table_scores, sites_to_json
from mtmc.evaluation.table import scores_table
from mtmc.progress import StageClock, progress_bars
from mtmc.run_config import RunConfig
from mtmc.site_config import SiteConfig
from mtmc.site_run import SiteOutcome, run_site
from mtmc.sites import Site, find_site
from mtmc.types import View

from . import arguments as shared
from .console import errors, output


def track_site(
    site: Site,
    out: Path,
    config: RunConfig,
    settings: SiteConfig,
    root: Path | None,
    stop: Callable[[], bool],
) -> SiteOutcome:
    """Track everybody of a site, with a progress bar."""
    clock = StageClock()
    with progress_bars(errors()) as make_bar:
        bar, drawing = make_bar(site.name, None), make_bar("drawing", None)

        def on_moment(views: Sequence[View]) -> None:
            bar.advance(f"{len(views)} cameras  {clock.describe()}")

        return run_site(
            site,
            out,
            config,
            settings,
            root,
            on_moment,
            stop,
            clock,
            on_video_moment=lambda _: drawing.advance(),
            on_warning=lambda message: errors().print(f"warning: {message}", markup=False),
        )


def find_sites(names: Sequence[str], arguments: argparse.Namespace) -> list[Site]:
    """The multi-camera sequences of these names; none, or all of them.

    Raises
    ------
    InputError
        When some are multi-camera sequences and some are not: their scores do not add up.
    """
    root = shared.data_root(arguments)
    found = {name: find_site(name, root) for name in names}
    sites = [site for site in found.values() if site is not None]
    if sites and len(sites) < len(found):
        single = next(name for name, site in found.items() if site is None)
        raise InputError(
            f"--sequence: {sites[0].name} has several cameras and {single} has one; "
            "score them apart"
        )
    return sites


def site_results(folder: Path) -> list[str]:
    """Names of the multi-camera sequences that a folder holds results of.

    None where it also holds results of single cameras, which are then what is scored.
    """
    if any(folder.glob("*.txt")):
        return []
    return sorted(path.parent.name for path in folder.glob(f"*/{GROUND_FILE}"))


def score_sites(sites: Sequence[Site], results: Path, json_path: str | None) -> None:
    """Score on the ground plane, print the table and write the JSON file."""
    scores = {site.name: evaluate_site(site, results / site.name) for site in sites}
    unplaced = {name for name, part in scores.items() if not part.on_ground}
    output().print(scores_table(ground_table_scores(scores), unscored=unplaced))
    if unplaced:
        names = ", ".join(sorted(unplaced))
        errors().print(f"{names}: no places on the ground to score")
    if json_path:
        with atomic_writer(json_path) as stream:
            json.dump(sites_to_json(scores), stream, indent=1)
            stream.write("\n")
