"""Where the results of a site go: ground tracks as CSV, and what happened as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from .atomic import atomic_path
from .ground_files import COLUMNS
from .late_decisions import LateDecisions
from .multiview import GroundTrack
from .multiview.events import TrackerEvent
from .sinks import TextSink
from .types import GlobalTrack, Relabel, View


class GroundCsvSink(TextSink):
    """Ground tracks, see :mod:`mtmc.ground_files`; late decisions are applied at the end.

    Rows are streamed in the order in which they become known, which for trackers with a lag is not
    quite that of frames.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._late, self._rows = LateDecisions(), 0

    def __enter__(self) -> GroundCsvSink:
        super().__enter__()
        self._append(",".join(COLUMNS) + "\n")
        return self

    def write(self, views: Sequence[View], tracks: Sequence[GlobalTrack]) -> None:
        """Append the tracks that have a place on the ground."""
        rows = [_ground_row(track) for track in tracks if track.ground_xy]
        self._append("".join(rows))
        self._rows += len(rows)

    def relabel(self, event: Relabel) -> None:
        """Apply when the file is finished."""
        self._late.note(event, self._rows)

    def _finish(self, temporary: Path) -> None:
        if not self._late:
            return
        with (
            atomic_path(temporary) as rewritten,
            closing(temporary.open(encoding="utf-8")) as old,
            rewritten.open("w", encoding="utf-8", newline="\n") as new,
        ):
            new.write(next(old))
            new.writelines(self._late.apply(old))


def _ground_row(track: GlobalTrack) -> str:
    x, y = track.ground_xy or (0.0, 0.0)
    covariance = ",,"
    if isinstance(track, GroundTrack):
        covariance = ",".join(f"{value:.5f}" for value in track.covariance)
    boxes = " ".join(f"{camera}:{row}" for camera, row in track.members)
    return f"{track.frame_index},{track.id},{x:.4f},{y:.4f},{covariance},{boxes}\n"


class GroundJsonLinesSink(TextSink):
    """Ground tracks as JSON, one line a moment in which anybody was seen.

    ``{"frame", "time_s", "people": [{"id", "x", "y", "covariance", "boxes"}]}``; metres, null
    where cameras are not calibrated; ``covariance`` is ``[xx, xy, yy]`` in m² or null, and
    ``boxes`` are ``{"camera", "detection", "xyxy", "score"}``. A late decision is a line of its
    own: ``{"relabel": {"old_id", "new_id", "from_frame"}}``; lines keep the first word. Lines
    appear in the order in which they become known.

    Parameters
    ----------
    path : Path
    rate : float
        Of the site's clock, frames per second.
    """

    def __init__(self, path: Path, rate: float) -> None:
        super().__init__(path)
        self._rate = rate

    def write(self, views: Sequence[View], tracks: Sequence[GlobalTrack]) -> None:
        """Append a line per moment; ``views`` hold the detections that the tracks speak of."""
        found = {(view.frame.camera, view.frame.index): view.detections for view in views}
        moments: dict[int, list[dict[str, object]]] = {}
        for track in tracks:
            boxes = []
            for camera, row in track.members:
                people = found[camera, track.frame_index]
                box = [round(value, 2) for value in people.xyxy[row].tolist()]
                score = round(float(people.scores[row]), 4)
                boxes.append({"camera": camera, "detection": row, "xyxy": box, "score": score})
            covariance = None
            if isinstance(track, GroundTrack):
                covariance = [round(value, 6) for value in track.covariance]
            x, y = (_round(value) for value in track.ground_xy or (None, None))
            moments.setdefault(track.frame_index, []).append(
                {"id": track.id, "x": x, "y": y, "covariance": covariance, "boxes": boxes}
            )
        for frame, persons in moments.items():
            time_s = round((frame - 1) / self._rate, 6)
            record = {"frame": frame, "time_s": time_s, "people": persons}
            self._append(json.dumps(record) + "\n")

    def relabel(self, event: Relabel) -> None:
        """Append the decision as a line of its own."""
        self._append(json.dumps({"relabel": asdict(event)}) + "\n")


class EventsSink(TextSink):
    """What happened, one JSON object per line.

    ``{"event": "appeared", "id", "frame", "x", "y"}`` when an identity is reported for the first
    time, ``{"event": "relabel", "old_id", "new_id", "from_frame"}`` for a late decision,
    ``{"event": "fault", "message"}`` for what could not be read, what trackers tell with their
    evidence (``"identity"``, ``"decision"``, ``"camera_moved"``, ``"camera_back"``), and at the end
    ``{"event": "summary", "id", "first_frame", "last_frame", "moments"}`` for every identity, as
    they came out: people who changed places in mid-way are counted as they were shown then.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.faults = 0
        self._seen: dict[int, tuple[int, int, int]] = {}

    def write(self, views: Sequence[View], tracks: Sequence[GlobalTrack]) -> None:
        """Note who is seen, and who for the first time."""
        for track in tracks:
            index = track.frame_index
            before = self._seen.get(track.id)
            if before is None:
                x, y = track.ground_xy or (None, None)
                self._event("appeared", id=track.id, frame=index, x=_round(x), y=_round(y))
                before = (index, index, 0)
            first, last, moments = before
            self._seen[track.id] = (min(first, index), max(last, index), moments + 1)

    def relabel(self, event: Relabel) -> None:
        """Append the decision; whoever it takes over as a whole is not summed up apart."""
        self._event(
            "relabel", old_id=event.old_id, new_id=event.new_id, from_frame=event.from_frame
        )
        old = self._seen.get(event.old_id)
        if old is not None and event.from_frame <= old[0]:
            del self._seen[event.old_id]
            first, last, moments = self._seen.get(event.new_id, (old[0], old[1], 0))
            self._seen[event.new_id] = (
                min(first, old[0]), max(last, old[1]), moments + old[2]
            )  # fmt: skip

    def fault(self, message: str) -> None:
        """Append what went wrong."""
        self.faults += 1
        self._event("fault", message=message)

    def tell(self, event: TrackerEvent) -> None:
        """Append what a tracker has to say; its warning as ``message``."""
        message = {"message": event.warning} if event.warning else {}
        self._event(event.kind, **message, **event.details)

    def _event(self, kind: str, **values: object) -> None:
        self._append(json.dumps({"event": kind, **values}) + "\n")

    def _finish(self, temporary: Path) -> None:
        with temporary.open("a", encoding="utf-8", newline="\n") as stream:
            for identity, (first, last, moments) in sorted(self._seen.items()):
                record = {
                    "event": "summary",
                    "id": identity,
                    "first_frame": first,
                    "last_frame": last,
                    "moments": moments,
                }
                stream.write(json.dumps(record) + "\n")


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
