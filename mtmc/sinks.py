"""Where results go: MOT text and JSON lines. A sink leaves a whole file or none.

A late decision (`Relabel`) changes what was written before it: MOT text is rewritten once at the
end, so that the file holds final identities; JSON lines keep the first word and the correction.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TextIO

from .atomic import atomic_path
from .late_decisions import LateDecisions
from .types import GlobalTrack, Relabel, View


class TextSink(ABC):
    """Common part of sinks that write one text file: temporary name, rename on success."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stack = ExitStack()
        self._temporary: Path | None = None
        self._stream: TextIO | None = None

    def __enter__(self) -> TextSink:
        self._temporary = self._stack.enter_context(atomic_path(self.path))
        self._stream = self._temporary.open("w", encoding="utf-8", newline="\n")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._stream is not None and self._temporary is not None:
            self._stream.close()
            if kind is None:
                self._finish(self._temporary)
        self._stream = None
        self._stack.__exit__(kind, error, trace)

    @abstractmethod
    def write(self, views: Sequence[View], tracks: Sequence[GlobalTrack]) -> None:
        """Append one moment."""

    @abstractmethod
    def relabel(self, event: Relabel) -> None:
        """Note a late decision."""

    def _append(self, text: str) -> None:
        if self._stream is None:
            raise ValueError(f"{self.path}: the sink is not open; use it in a with block")
        self._stream.write(text)

    def _finish(self, temporary: Path) -> None:  # noqa: B027 - most sinks have nothing to do
        """Change the closed temporary file before it is renamed."""


class MotTextSink(TextSink):
    """Tracks of one camera in MOT format: ``frame,id,left,top,width,height,score,-1,-1,-1``.

    Rows are streamed; memory does not grow with the length of the recording.
    """

    def __init__(self, path: Path, camera: str) -> None:
        super().__init__(path)
        self._camera = camera
        self._late, self._rows = LateDecisions(), 0

    def write(self, views: Sequence[View], tracks: Sequence[GlobalTrack]) -> None:
        """Append the tracks of this sink's camera."""
        for view in views:
            if view.frame.camera == self._camera and view.tracks is not None:
                self._append("".join(_mot_rows(view)))
                self._rows += len(view.tracks)

    def relabel(self, event: Relabel) -> None:
        """Apply when the file is finished."""
        self._late.note(event, self._rows)

    def _finish(self, temporary: Path) -> None:
        if not self._late:
            return
        with (
            atomic_path(temporary) as rewritten,
            temporary.open(encoding="utf-8") as old,
            rewritten.open("w", encoding="utf-8", newline="\n") as new,
        ):
            new.writelines(self._late.apply(old))


class JsonLinesSink(TextSink):
    """One JSON object per camera and frame, and one per late decision.

    ``{"camera", "frame", "time_s", "tracks": [{"id", "xyxy", "score", "detection"}]}`` with
    ``detection`` null while a track coasts; ``{"relabel": {"old_id", "new_id", "from_frame"}}``.
    """

    def write(self, views: Sequence[View], tracks: Sequence[GlobalTrack]) -> None:
        """Append a line per view."""
        for view in views:
            people = []
            if view.tracks is not None:
                columns = (view.tracks.ids, view.tracks.xyxy, view.tracks.scores)
                lists = [column.tolist() for column in columns]
                for identity, box, score, row in zip(
                    *lists, view.tracks.det_index.tolist(), strict=True
                ):
                    people.append(
                        {
                            "id": identity,
                            "xyxy": [round(value, 2) for value in box],
                            "score": round(score, 4),
                            "detection": row if row >= 0 else None,
                        }
                    )
            record = {
                "camera": view.frame.camera,
                "frame": view.frame.index,
                "time_s": round(view.frame.time_s, 6),
                "tracks": people,
            }
            self._append(json.dumps(record) + "\n")

    def relabel(self, event: Relabel) -> None:
        """Append the decision as a line of its own."""
        record = {
            "old_id": event.old_id,
            "new_id": event.new_id,
            "from_frame": event.from_frame,
        }
        self._append(json.dumps({"relabel": record}) + "\n")


def _mot_rows(view: View) -> Iterable[str]:
    tracks = view.tracks
    if tracks is None:
        return
    rows = zip(tracks.ids.tolist(), tracks.xyxy.tolist(), tracks.scores.tolist(), strict=True)
    for identity, (left, top, right, bottom), score in rows:
        yield (
            f"{view.frame.index},{identity},{left:.2f},{top:.2f},{right - left:.2f},"
            f"{bottom - top:.2f},{score:.4f},-1,-1,-1\n"
        )
