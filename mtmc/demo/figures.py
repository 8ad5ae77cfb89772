"""What the demonstration measures of a run, as numbers and as a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..evaluation.ground import analyse_ground
from ..evaluation.visits import VisitScores, score_visits
from ..ground_files import read_first_shown, read_ground
from ..sites import Site


@dataclass(frozen=True, eq=False)
class RunFigures:
    """How one of the two runs did.

    Attributes
    ----------
    mota, idf1 : float
        On the ground plane at 0.5 m, percent.
    switches, identities : int
    visits : VisitScores
        Of final identities.
    wrong_at_once : float
        Time under a wrong identity, 0 to 1, as identities first came out.
    """

    mota: float
    idf1: float
    switches: int
    identities: int
    visits: VisitScores
    wrong_at_once: float

    def to_plain(self) -> dict[str, Any]:
        """For ``scores.json``; ratios in percent."""
        return {
            "MOTA": round(self.mota, 1),
            "IDF1": round(self.idf1, 1),
            "IDs": self.switches,
            "identities": self.identities,
            "returns": self.visits.returns,
            "recognised": self.visits.recognised,
            "wrong_percent": round(100 * self.visits.wrong_share, 1),
            "wrong_at_once_percent": round(100 * self.wrong_at_once, 1),
        }


def measure(site: Site, folder: Path) -> RunFigures:
    """Score the files of a run that was asked for JSON lines.

    Raises
    ------
    InputError
        When the site has no ground truth, or a file is missing or wrong.
    """
    final = read_ground(folder / "ground.csv")
    at_once = read_first_shown(folder / "ground.jsonl")
    if site.truth is None:
        raise InputError(f"{site.name}: no ground truth to score against")
    evaluation = analyse_ground(site, final)
    shown_first = score_visits(site.truth, analyse_ground(site, at_once), site.rate)
    metrics = evaluation.scores.metrics
    return RunFigures(
        mota=metrics["MOTA"],
        idf1=metrics["IDF1"],
        switches=round(metrics["IDs"]),
        identities=len(set(final.id.tolist())),
        visits=score_visits(site.truth, evaluation, site.rate),
        wrong_at_once=shown_first.wrong_share,
    )
