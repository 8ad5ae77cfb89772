"""Settings of the entry query."""

from __future__ import annotations

from dataclasses import dataclass, field

from mtmc.reid.gallery import DecisionConfig, GalleryConfig


@dataclass(frozen=True)
class EntryConfig:
    """When somebody is asked who they are, and when an answer is doubted.

    Attributes
    ----------
    gallery : GalleryConfig
        Crops kept of identities, thresholds and decisions.
    sample_s : float
        A person's crops of one camera are taken this far apart, seconds.
    max_wait_s : float
        After so long an entrant is known or new, seconds.
    query_crops : int
        Crops of an entrant that are compared, at most.
    apart_m : float
        Two people who come closer than this could be mixed up, metres: from there on, until they
        are apart again, no crops are taken, and afterwards both are looked at anew.
    settle_crops : int
        Crops needed to look at somebody anew.
    settle_s : float
        And who cannot be seen well for so long is left as they are, seconds.
    swap_margin : float
        Identities are exchanged when that shortens the distances by this much per person, cosine.
    relink_gap_s : float
        Who was lost in mid-room is taken up again by place and time within this time, seconds.
    relink_speed : float
        How fast such a person may have walked, m/s.
    relink_start_m : float
        And how far off the place may be right away, metres.
    """

    gallery: GalleryConfig = field(
        default_factory=lambda: GalleryConfig(decision=DecisionConfig(min_crops=8))
    )
    sample_s: float = 0.25
    max_wait_s: float = 3.0
    query_crops: int = 24
    apart_m: float = 0.6
    settle_crops: int = 6
    settle_s: float = 4.0
    swap_margin: float = 0.04
    relink_gap_s: float = 2.0
    relink_speed: float = 1.2
    relink_start_m: float = 0.5

    def __post_init__(self) -> None:
        for name in ("sample_s", "max_wait_s", "apart_m", "settle_s", "relink_gap_s"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name}: expected 0 or more, got {getattr(self, name)}")
        for name in ("query_crops", "settle_crops"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected a number from 1, got {getattr(self, name)}")
        for name in ("swap_margin", "relink_speed", "relink_start_m"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name}: expected 0 or more, got {getattr(self, name)}")
