"""What a run of the entry query scores: at the end, and as its answers came out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mtmc.entry import EntryQuery
from mtmc.evaluation.ground import evaluate_ground
from mtmc.evaluation.mistaken import match_people, mistaken_share
from mtmc.ground_files import GroundTable
from mtmc.late_decisions import LateDecisions
from mtmc.reid.distances import DistanceStatistics
from mtmc.sites import Site
from mtmc.types import GlobalTrack, GlobalTracker, IntArray, Relabel, View

from .table5_looks import Vectors
from .table5_worlds import Played


@dataclass(frozen=True, eq=False)
class Answers:
    """Rows of one run.

    Attributes
    ----------
    frame : (N,) int64
    xy : (N, 2) float64
        Metres.
    live, final : (N,) int64
        Identities as they came out, and after all late decisions.
    """

    frame: IntArray
    xy: np.ndarray
    live: IntArray
    final: IntArray

    def table(self, identity: IntArray) -> GroundTable:
        """As a file of positions holds them."""
        order = np.lexsort((identity, self.frame))
        return GroundTable(self.frame[order], identity[order], self.xy[order])


class Replay:
    """A `GlobalTracker` that says again what another one said."""

    def __init__(self, answers: Sequence[Sequence[GlobalTrack | Relabel]]) -> None:
        self._answers = iter(answers)

    def update(self, views: Sequence[View]) -> list[GlobalTrack | Relabel]:
        """The next answer."""
        return list(next(self._answers))

    def flush(self) -> list[GlobalTrack | Relabel]:
        """The last one."""
        return list(next(self._answers))


def identified(
    played: Played,
    tracks: Sequence[Sequence[GlobalTrack | Relabel]],
    vectors: Vectors | None,
    statistics: DistanceStatistics | None = None,
) -> dict[str, float]:
    """Scores of a world whose tracks go through the entry query; without vectors as they are."""
    site = played.site
    tracker: GlobalTracker = Replay(tracks)
    if vectors is not None:
        names = [camera.name for camera in site.cameras]
        tracker = EntryQuery(tracker, names, None, statistics, site.entries)
    return scores(site, collect(_found(played, tracker, vectors)))


def collect(found: Iterator[Sequence[GlobalTrack | Relabel]]) -> Answers:
    """Rows of everything a tracker said, moment after moment."""
    late, rows = LateDecisions(), []
    for moment in found:
        for one in moment:
            if isinstance(one, Relabel):
                late.note(one, len(rows))
            elif one.ground_xy is not None:
                rows.append((one.frame_index, one.id, *one.ground_xy))
    final = [late.final(who, frame, row) for row, (frame, who, _, _) in enumerate(rows)]
    return Answers(
        np.array([row[0] for row in rows], np.int64),
        np.array([row[2:] for row in rows], np.float64).reshape(-1, 2),
        np.array([row[1] for row in rows], np.int64),
        np.array(final, np.int64),
    )


def scores(site: Site, answers: Answers) -> dict[str, float]:
    """The usual metrics, at first and in the end, and `mistaken_share` of either, in percent."""
    final = evaluate_ground(site, answers.table(answers.final)).metrics
    live = evaluate_ground(site, answers.table(answers.live)).metrics
    if site.truth is None:
        raise ValueError(f"{site.name}: expected ground truth")
    person = match_people(site.truth, answers.frame, answers.xy)
    before, after = (
        mistaken_share(person, shown, answers.final, len(site.truth.frame))
        for shown in (answers.live, answers.final)
    )
    return {
        "MOTA": final["MOTA"],
        "IDF1": final["IDF1"],
        "IDs": final["IDs"],
        "IDF1_first_shown": live["IDF1"],
        "wrong_first_shown": 100 * before,
        "wrong": 100 * after,
    }


def _found(
    played: Played, tracker: GlobalTracker, vectors: Vectors | None
) -> Iterator[Sequence[GlobalTrack | Relabel]]:
    for frame, views in enumerate(played.views):
        now = views
        if vectors is not None:
            now = [
                replace(
                    view, detections=replace(view.detections, embeddings=vectors(frame, camera))
                )
                for camera, view in enumerate(views)
            ]
        yield tracker.update(now)
    yield tracker.flush()
