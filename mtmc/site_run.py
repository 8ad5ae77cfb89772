"""A run of a multi-camera sequence, from settings to files; the counterpart of :mod:`mtmc.run`.

``OUT/NAME/`` gets ``ground.csv``, ``CAMERA.txt`` (MOT format with global identities),
``events.jsonl`` and ``run.json``, on request ``ground.jsonl``, ``video.webm`` and pictures. Frames
count on the site's clock in all of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from .atomic import atomic_writer
from .multiview.events import TellsEvents
from .pipeline import RunSummary
from .progress import StageClock
from .run_config import RunConfig
from .sinks import MotTextSink
from .site_config import SiteConfig
from .site_drawing import draw_site_pictures, draw_site_video
from .site_setup import SiteRun, prepare_site
from .site_sinks import EventsSink, GroundCsvSink, GroundJsonLinesSink
from .site_tracking import unused_tables
from .sites import Site
from .types import Detections, Frame, GlobalTrack, GlobalTracker, Relabel, Sink, Tracks, View

HISTORY = 1024
"""Moments that are kept for tracks which are reported late."""


@dataclass(frozen=True)
class SiteOutcome:
    """What a run left behind.

    Attributes
    ----------
    summary : RunSummary
    files : dict of str to Path
        By kind.
    clock : StageClock
        Time per stage.
    faults : int
        How many lines of ``events.jsonl`` tell of something that went wrong.
    """

    summary: RunSummary
    files: dict[str, Path]
    clock: StageClock
    faults: int = 0


def run_site(
    site: Site,
    out: Path,
    config: RunConfig | None = None,
    settings: SiteConfig | None = None,
    data_root: Path | None = None,
    on_moment: Callable[[Sequence[View]], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
    clock: StageClock | None = None,
    on_video_moment: Callable[[int], None] | None = None,
    on_warning: Callable[[str], None] = lambda message: None,
) -> SiteOutcome:
    """Run a site and write ``OUT/NAME/``; the same call twice writes the same bytes.

    ``on_moment`` is called with the views of every moment that was tracked, ``on_video_moment``
    with the number of every moment that was drawn, and ``on_warning`` with one line about what a
    person should know at once, e.g. that a camera was moved.

    Raises
    ------
    InputError, OSError
        When something is missing or unusable, before anything is written.
    """
    config = config or RunConfig()
    settings = settings or SiteConfig()
    run = prepare_site(site, config, settings, data_root)
    clock = clock or StageClock()
    folder = out / site.name
    files = {"ground": folder / "ground.csv", "events": folder / "events.jsonl"}
    files |= {camera.name: folder / f"{camera.name}.txt" for camera in site.cameras}
    files["summary"] = folder / "run.json"
    if config.run.jsonl:
        files["jsonl"] = folder / "ground.jsonl"
    summary, faults = _run(run, files, clock, on_moment, stop, on_warning)
    tables: dict[str, Any] = config.to_tables() | settings.to_tables()
    for name in unused_tables(site, config):
        del tables[name]
    with atomic_writer(files["summary"]) as stream:
        record = {"detector": run.detector.record()} if run.detector is not None else {}
        json.dump(asdict(summary) | record | {"config": tables}, stream, indent=2)
        stream.write("\n")
    if config.run.video and summary.frames:
        files["video"] = draw_site_video(site, folder, on_moment=on_video_moment)
    if config.run.pictures and summary.frames:
        files |= {path.stem: path for path in draw_site_pictures(site, folder)}
    return SiteOutcome(summary, files, clock, faults)


def _run(
    run: SiteRun,
    files: dict[str, Path],
    clock: StageClock,
    on_moment: Callable[[Sequence[View]], None] | None,
    stop: Callable[[], bool],
    on_warning: Callable[[str], None],
) -> tuple[RunSummary, int]:
    recorder = _Recorder(len(run.site.cameras))
    reason, frames, first, last = "", 0, 0, 0
    with ExitStack() as stack:
        events = EventsSink(files["events"])
        sinks: list[Sink] = [GroundCsvSink(files["ground"]), events]
        sinks += [MotTextSink(files[camera.name], camera.name) for camera in run.site.cameras]
        if "jsonl" in files:
            sinks.append(GroundJsonLinesSink(files["jsonl"], run.site.rate))
        for sink in sinks:
            stack.enter_context(sink)
        for views in run.views(clock, events.fault):
            with clock.stage("track"):
                found = run.tracker.update(views)
            with clock.stage("write"):
                recorder.write(views, found, sinks)
                _tell(run.tracker, events, on_warning)
            if views:
                frames += 1
                last = views[0].frame.index
                first = first or last
            if on_moment is not None:
                on_moment(views)
            if stop():
                reason = f"interrupted after frame {last}"
                break
        recorder.write([], run.tracker.flush(), sinks)
        _tell(run.tracker, events, on_warning)
    summary = RunSummary(
        run.site.name, not reason, reason, frames, first, last,
        recorder.boxes, recorder.identities,
    )  # fmt: skip
    return summary, events.faults


def _tell(tracker: GlobalTracker, events: EventsSink, on_warning: Callable[[str], None]) -> None:
    """Hand on what a tracker has to say besides tracks."""
    if isinstance(tracker, TellsEvents):
        for event in tracker.take_events():
            events.tell(event)
            if event.warning:
                on_warning(event.warning)


class _Recorder:
    """Hands results to the sinks, with the boxes of the moments that they speak of."""

    def __init__(self, cameras: int) -> None:
        self._most_views = HISTORY * cameras
        self.boxes = 0
        self._first: dict[int, int] = {}
        self._views: dict[tuple[str, int], View] = {}

    @property
    def identities(self) -> int:
        """How many people there were, as far as is known by now."""
        return len(self._first)

    def write(
        self,
        views: Sequence[View],
        found: Sequence[GlobalTrack | Relabel],
        sinks: Sequence[Sink],
    ) -> None:
        self._views |= {(view.frame.camera, view.frame.index): _light(view) for view in views}
        for late, group in groupby(found, key=lambda one: isinstance(one, Relabel)):
            if late:
                self._relabel([one for one in group if isinstance(one, Relabel)], sinks)
            else:
                self._write([one for one in group if isinstance(one, GlobalTrack)], sinks)
        for key in list(self._views)[: -self._most_views]:
            del self._views[key]

    def _write(self, tracks: Sequence[GlobalTrack], sinks: Sequence[Sink]) -> None:
        for track in tracks:
            first = self._first.get(track.id, track.frame_index)
            self._first[track.id] = min(first, track.frame_index)
        shown = self._tracked_views(tracks)
        self.boxes += sum(len(view.tracks or ()) for view in shown)
        for sink in sinks:
            sink.write(shown, tracks)

    def _relabel(self, events: Sequence[Relabel], sinks: Sequence[Sink]) -> None:
        """Late decisions; they speak of the tracks that came before them."""
        for event in events:
            first = self._first.get(event.old_id)
            if first is not None and event.from_frame <= first:
                self._first.pop(event.old_id)
            if first is not None:
                began = max(first, event.from_frame)
                self._first[event.new_id] = min(began, self._first.get(event.new_id, began))
            for sink in sinks:
                sink.relabel(event)

    def _tracked_views(self, tracks: Sequence[GlobalTrack]) -> list[View]:
        """The cameras' frames that these tracks speak of, with their boxes as `Tracks`."""
        rows: dict[tuple[str, int], list[tuple[int, int]]] = {}
        for track in tracks:
            for camera, row in track.members:
                rows.setdefault((camera, track.frame_index), []).append((track.id, row))
        shown = []
        for key in sorted(rows, key=lambda key: (key[1], key[0])):
            view = self._views[key]
            ids, chosen = np.array(sorted(rows[key]), np.int64).T
            people = view.detections
            tracked = Tracks(ids, people.xyxy[chosen], people.scores[chosen], chosen)
            shown.append(View(view.frame, people, tracked))
        return shown


def _light(view: View) -> View:
    """Without pixels and vectors, to be kept."""
    frame, people = view.frame, view.detections
    return View(
        Frame(frame.camera, frame.index, frame.time_s), Detections(people.xyxy, people.scores)
    )
