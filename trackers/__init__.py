"""Single-camera trackers: motion, association and the life of a track.

`TRACKERS` names what there is; `build` makes one. Adding a tracker is one file and one line here.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .botsort import BotSort, BotSortConfig
from .bytetrack import ByteTrack, ByteTrackConfig
from .cbiou import CbIou, CbIouConfig
from .deepsort import DeepSort, DeepSortConfig
from .evidence import Evidence, EvidenceConfig
from .motdt import Motdt, MotdtConfig
from .ocsort import OcSort, OcSortConfig
from .sort import Sort, SortConfig
from .types import Detections, Look, Tracker, Tracks

__all__ = [
    "TRACKERS",
    "BotSort",
    "BotSortConfig",
    "ByteTrack",
    "ByteTrackConfig",
    "CbIou",
    "CbIouConfig",
    "DeepSort",
    "DeepSortConfig",
    "Detections",
    "Evidence",
    "EvidenceConfig",
    "Look",
    "Motdt",
    "MotdtConfig",
    "OcSort",
    "OcSortConfig",
    "Sort",
    "SortConfig",
    "Tracker",
    "TrackerEntry",
    "Tracks",
    "build",
]


class TrackerEntry(NamedTuple):
    """A tracker that can be named.

    Attributes
    ----------
    tracker, config : type
        Its class and the class of its settings.
    description : str
        One line about it.
    uses_appearance : bool
        Whether it reads ``Detections.embeddings``; where not, nothing needs to be embedded.
    """

    tracker: type[Any]
    config: type[Any]
    description: str
    uses_appearance: bool = False


TRACKERS: dict[str, TrackerEntry] = {
    "botsort": TrackerEntry(
        BotSort,
        BotSortConfig,
        "bytetrack for moving cameras, looks confirm what overlaps",
        uses_appearance=True,
    ),
    "bytetrack": TrackerEntry(
        ByteTrack, ByteTrackConfig, "motion and overlap, uncertain boxes in a second round"
    ),
    "cbiou": TrackerEntry(
        CbIou, CbIouConfig, "overlap of widened boxes, for jerky motion; no filter"
    ),
    "deepsort": TrackerEntry(
        DeepSort,
        DeepSortConfig,
        "motion and appearance, recently seen tracks first",
        uses_appearance=True,
    ),
    "evidence": TrackerEntry(
        Evidence,
        EvidenceConfig,
        "place, size, score and look on one scale; the best default",
        uses_appearance=True,
    ),
    "motdt": TrackerEntry(
        Motdt,
        MotdtConfig,
        "detections and predictions as candidates, judged by a person classifier",
        uses_appearance=True,
    ),
    "ocsort": TrackerEntry(
        OcSort, OcSortConfig, "motion and overlap, observations over filter after a loss"
    ),
    "sort": TrackerEntry(Sort, SortConfig, "motion and overlap"),
}


def build(name: str, config: object | None = None) -> Tracker:
    """A new tracker by its name in `TRACKERS`, with its default settings or the given ones.

    Raises
    ------
    ValueError
        When no tracker has this name, or ``config`` belongs to another one.
    """
    entry = TRACKERS.get(name)
    if entry is None:
        raise ValueError(f"tracker: expected one of {', '.join(TRACKERS)}, got {name!r}")
    if config is None:
        config = entry.config()
    if not isinstance(config, entry.config):
        raise ValueError(
            f"config of tracker {name!r}: expected {entry.config.__name__}, "
            f"got {type(config).__name__}"
        )
    tracker: Tracker = entry.tracker(config)
    return tracker
