"""A camera that was moved: its boxes lie, all in the same way, beside where the others see people.

A turn moves the whole image by nearly the same number of pixels, so that the offset that most boxes
agree on (see `moved_votes`) is near zero while the calibration holds, and somewhere else when it
does not.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from mtmc.calibration import Camera, HomographyCamera
from mtmc.trackers.types import BoolArray

from ..types import IntArray, View
from .events import TrackerEvent
from .moved_votes import (
    Shift,
    Votes,
    common_shift,
    count_places,
    expected_places,
    votes_of,
)
from .observe import Observations


@dataclass(frozen=True)
class MovedConfig:
    """When a camera counts as moved.

    Attributes
    ----------
    window_s : float
        How long votes count, seconds; 0 turns the watch off.
    step_s : float
        Votes are taken this often: people hardly move meanwhile, seconds.
    judge_s : float
        And cameras are judged this often, seconds.
    place_m : float
        Places are cells of the floor, of this size, metres.
    min_places : int
        In so many places people have to be expected to judge a camera.
    reach : float
        Greatest offset that is considered, as a share of the image's diagonal.
    width : float
        Offsets that agree are this close to each other, as a share of the diagonal.
    share : float
        Share of the places that have to have a box at the common offset, 0 to 1.
    lead : float
        And how many times as many as have one where they are expected.
    residual_m : float
        Offsets that are shorter on the ground are no alarm, metres: detectors and calibrations err.
        Nor are those below twice the ``width`` in the image, for far away pixels are many metres.
    back : float
        A camera that was set aside is trusted again below this share of either.
    """

    window_s: float = 12.0
    step_s: float = 0.75
    judge_s: float = 2.0
    place_m: float = 0.5
    min_places: int = 12
    reach: float = 0.2
    width: float = 0.012
    share: float = 0.4
    lead: float = 1.5
    residual_m: float = 0.4
    back: float = 0.6

    def __post_init__(self) -> None:
        for name in ("window_s", "step_s", "judge_s", "residual_m"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name}: expected 0 or more, got {getattr(self, name)}")
        if self.min_places < 1:
            raise ValueError(f"min_places: expected a number from 1, got {self.min_places}")
        if not self.place_m > 0:
            raise ValueError(f"place_m: expected a value above 0, got {self.place_m}")
        if not 0 < self.width < self.reach <= 1:
            raise ValueError(
                f"width, reach: expected 0 < width < reach <= 1, got {self.width}, {self.reach}"
            )
        for name in ("share", "back"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"{name}: expected 0 to 1, got {getattr(self, name)}")
        if not self.lead >= 1:
            raise ValueError(f"lead: expected 1 or more, got {self.lead}")


class MovedCameras:
    """Watches all cameras, and sets those aside that seem to have moved.

    Parameters
    ----------
    cameras : mapping of str to Camera or HomographyCamera
    config : MovedConfig or None
    """

    def __init__(
        self,
        cameras: Mapping[str, Camera | HomographyCamera],
        config: MovedConfig | None = None,
    ) -> None:
        self._config = config or MovedConfig()
        self._cameras = dict(cameras)
        self._votes: list[deque[Votes]] = [deque() for _ in cameras]
        self._set_aside: BoolArray = np.zeros(len(self._cameras), np.bool_)
        self._next_s = self._next_judgement_s = -np.inf
        self._events: list[TrackerEvent] = []

    @property
    def set_aside(self) -> BoolArray:
        """Which cameras (C,) seem to have moved."""
        return self._set_aside

    def take_events(self) -> list[TrackerEvent]:
        """What happened since the last call."""
        events, self._events = self._events, []
        return events

    def trusted(self, seen: Observations) -> Observations:
        """Observations without those of cameras that were set aside."""
        if not self._set_aside.any():
            return seen
        keep = ~self._set_aside[seen.camera]
        columns = {field.name: getattr(seen, field.name) for field in fields(seen)}
        kept = {
            name: column[keep]
            for name, column in columns.items()
            if name != "starts" and column is not None
        }
        count = np.bincount(kept["camera"], minlength=len(self._set_aside))
        return replace(seen, **kept, starts=np.concatenate([[0], np.cumsum(count)]))

    def watch(
        self, views: Sequence[View], seen: Observations, track: IntArray, tracks: int, time_s: float
    ) -> None:
        """Take one moment after it was matched; may set a camera aside, or trust it again.

        Parameters
        ----------
        views : sequence of View
        seen : Observations
            Of trusted cameras.
        track : (D,) int64
            Track of each observation, or -1.
        tracks : int
            How many tracks there are.
        time_s : float
        """
        config = self._config
        if config.window_s == 0 or time_s < self._next_s or len(self._cameras) < 3:
            return
        self._next_s = time_s + config.step_s
        usable = ~self._set_aside
        by_name = {view.frame.camera: view for view in views}
        for number, (name, camera) in enumerate(self._cameras.items()):
            votes = self._votes[number]
            while votes and votes[0].time_s < time_s - config.window_s:
                votes.popleft()
            if name in by_name:
                places = expected_places(seen, track, number, tracks, usable)
                new = votes_of(
                    by_name[name], camera, places, config.width, config.reach, config.place_m
                )
                votes.extend([] if new is None else [new])
        if time_s >= self._next_judgement_s:
            self._next_judgement_s = time_s + config.judge_s
            self._judge()

    def _judge(self) -> None:
        """Set the worst camera aside, if there is one; trust those again that are back."""
        config = self._config
        worst: tuple[float, int, Shift] | None = None
        for number, camera in enumerate(self._cameras.values()):
            votes = self._votes[number]
            places, unmoved = count_places(votes), count_places(votes, unmoved=True)
            fits = unmoved * config.lead > places  # no shift can have a lead
            if places < config.min_places or (fits and not self._set_aside[number]):
                continue
            if votes[-1].time_s - votes[0].time_s < config.window_s / 2.0:
                continue  # people who stand still agree on anything for a moment
            width_px = config.width * float(np.hypot(*camera.image_size))
            shift = common_shift(votes, camera, width_px)
            if shift is None or shift.share < config.share:
                continue
            if self._set_aside[number]:
                if (
                    shift.length_m < config.back * config.residual_m
                    or shift.length_px < config.back * 2.0 * width_px
                ):
                    self._trust(number, shift)
            elif (
                config.residual_m <= shift.length_m < np.inf
                and shift.length_px >= 2.0 * width_px
                and shift.lead >= config.lead
                and (worst is None or shift.length_m > worst[0])
            ):
                worst = shift.length_m, number, shift
        if worst is not None:
            self._distrust(*worst[1:])

    def _distrust(self, number: int, shift: Shift) -> None:
        name, since = list(self._cameras)[number], self._since(number, shift)
        self._set_aside[number] = True
        self._tell(
            "camera_moved",
            number,
            shift,
            since,
            f"camera {name} seems to have moved, or its calibration is off: since frame "
            f"{since.index} ({since.time_s:.1f} s) its boxes lie {shift.length_m:.2f} m "
            f"({shift.length_px:.0f} px) from where the other cameras see people; it is set aside",
        )
        for votes in self._votes:  # what the others were told may come from this camera
            votes.clear()

    def _trust(self, number: int, shift: Shift) -> None:
        name = list(self._cameras)[number]
        self._set_aside[number] = False
        self._tell(
            "camera_back",
            number,
            shift,
            self._votes[number][-1],
            f"camera {name} fits the other cameras again, within {shift.length_m:.2f} m "
            f"({shift.length_px:.0f} px); it is used again",
        )

    def _tell(self, kind: str, number: int, shift: Shift, since: Votes, warning: str) -> None:
        details = {
            "camera": list(self._cameras)[number],
            "at_frame": self._votes[number][-1].index,
            "from_frame": since.index,
            "time_s": round(since.time_s, 3),
            "residual_m": round(shift.length_m, 3),
            "residual_px": round(shift.length_px, 1),
            "offset_px": [round(value, 1) for value in shift.offset_px],
            "share": round(shift.share, 3),
            "places": shift.places,
        }
        self._events.append(TrackerEvent(kind, details, warning))

    def _since(self, number: int, shift: Shift) -> Votes:
        """The moment that best parts votes for no shift from votes for this one."""
        votes = list(self._votes[number])
        moved = []
        for one in votes:
            to_shift = ((one.offset_px - shift.offset_px) ** 2).sum(axis=1)
            nearer = to_shift < (one.offset_px**2).sum(axis=1)
            moved.append(int(nearer.sum() - (~nearer).sum()))
        # Greatest sum of what speaks for the shift from a moment on.
        after = np.cumsum(moved[::-1])[::-1]
        return votes[int(after.argmax())]
