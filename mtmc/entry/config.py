"""Settings of the entry query."""

from __future__ import annotations

from dataclasses import dataclass, field

from mtmc.reid.gallery import GalleryConfig


@dataclass(frozen=True)
class EntryConfig:
    """When somebody is asked who they are, and what counts besides looks.

    All of the second half are cosine distances that are added to those of the looks: what place
    and time say of a candidate.

    Attributes
    ----------
    enabled : bool
        Off leaves people the identities that the tracker underneath gives.
    gallery : GalleryConfig
        Crops kept of identities, and the threshold.
    sample_s : float
        A person's crops of one camera are taken this far apart, seconds.
    min_crops : int
        Fewer crops decide nothing while there is time to wait.
    max_wait_s : float
        After so long a decision is made with the crops there are, seconds.
    query_crops : int
        Crops that are compared, at most.
    apart_m : float
        Two people who come closer than this could be mixed up, metres. No crops are taken until
        they are apart again, and then both are looked at anew.
    doubtful : float
        Until ``max_wait_s`` is over: a lead over the second candidate, or a distance from the
        threshold, below which one waits for more crops.
    keep : float
        Taken off the distance to the identity that the tracker underneath goes on with.
    nearby : float
        Taken off the distance to whoever was lost within reach.
    elsewhere : float
        Added for candidates that place speaks against: nobody who went out comes back in
        mid-room, and nobody who was lost in mid-room comes in by the door.
    relink_gap_s, relink_start_m, relink_speed : float
        Within reach is who was lost no longer ago, seconds, and no further than this, metres, and
        so many metres more per second.
    recheck : float
        Whose crops turn out to be closer to somebody absent by this much is asked about anew.
    same_rate : float
        Two identities are one when both look the same: with this rate would any two people.
    together : float
        And when they were hardly ever there at once: at most for this share of the frames of the
        one who was there less. A track may outlive its person, so it is not 0.
    """

    enabled: bool = True
    gallery: GalleryConfig = field(default_factory=GalleryConfig)
    sample_s: float = 0.25
    min_crops: int = 8
    max_wait_s: float = 3.0
    query_crops: int = 24
    apart_m: float = 0.6
    doubtful: float = 0.03
    keep: float = 0.08
    nearby: float = 0.08
    elsewhere: float = 0.05
    relink_gap_s: float = 4.0
    relink_start_m: float = 0.5
    relink_speed: float = 1.0
    recheck: float = 0.1
    same_rate: float = 0.001
    together: float = 0.1

    def __post_init__(self) -> None:
        for name in ("min_crops", "query_crops"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected a number from 1, got {getattr(self, name)}")
        for name in (
            *("sample_s", "max_wait_s", "apart_m", "doubtful", "keep", "nearby", "elsewhere"),
            *("relink_gap_s", "relink_start_m", "relink_speed", "recheck"),
        ):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name}: expected 0 or more, got {getattr(self, name)}")
        if not 0 < self.same_rate < 1:
            raise ValueError(f"same_rate: expected 0 to 1, got {self.same_rate}")
        if not 0 <= self.together <= 1:
            raise ValueError(f"together: expected 0 to 1, got {self.together}")
