"""The main loop of one camera: frames in, identities out, everything written as it goes."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import FrameType

from .detecting import DetectorChoice
from .errors import SourceEndedEarly
from .look import ImageLook, Scorer
from .people import BoxFilter, Finder, with_appearance
from .progress import StageClock
from .sources import FrameRange, Source
from .types import AppearanceModel, Detections, Frame, Sink, Tracker, View


@dataclass(frozen=True, eq=False)
class CameraRun:
    """Everything that one camera's run is made of.

    Attributes
    ----------
    source : Source
        Frames.
    find : Finder
        Detections of a frame.
    tracker : Tracker
        A new instance per run; its identities count from 1.
    appearance : AppearanceModel or None
        Embeds the detections that carry no vectors yet.
    embed_first : bool
        Embed all detections before tracking; False leaves it to the tracker to ask its look.
    keep : BoxFilter
        Which detections take part; applied before anything is embedded.
    frames : FrameRange
        Which frames are visited.
    scorer : Scorer or None
        For trackers that score boxes of their own.
    detector : DetectorChoice or None
        What `find` finds with, for the record; None where it reads a file.
    """

    source: Source
    find: Finder
    tracker: Tracker
    appearance: AppearanceModel | None = None
    keep: BoxFilter = field(default_factory=BoxFilter)
    frames: FrameRange = field(default_factory=FrameRange)
    scorer: Scorer | None = None
    embed_first: bool = True
    detector: DetectorChoice | None = None

    def views(self, clock: StageClock) -> Iterator[View]:
        """Track frame by frame, timing each stage."""
        frames = self.source.read(self.frames)
        previous: Frame | None = None
        while True:
            with clock.stage("read"):
                frame = next(frames, None)
            if frame is None:
                return
            with clock.stage("detect"):
                detections: Detections = self.keep(self.find(frame))
            if self.appearance is not None and self.embed_first:
                with clock.stage("embed"):
                    detections = with_appearance(frame, detections, self.appearance)
            with clock.stage("track"):
                look = ImageLook(frame, previous, self.appearance, self.scorer)
                tracks = self.tracker.update(detections, frame.time_s, look)
            previous = frame
            clock.frames += 1
            yield View(frame, detections, tracks)


@dataclass(frozen=True)
class RunSummary:
    """How a run ended.

    Attributes
    ----------
    name : str
        The sequence.
    complete : bool
        False when the source ended early or the run was interrupted.
    reason : str
        Why it is not complete; empty if it is.
    frames, first_frame, last_frame : int
        How many frames were processed, and which; 0 for none.
    boxes, identities : int
        What was written.
    """

    name: str
    complete: bool
    reason: str
    frames: int
    first_frame: int
    last_frame: int
    boxes: int
    identities: int


def run_camera(
    run: CameraRun,
    sinks: Sequence[Sink],
    clock: StageClock | None = None,
    on_frame: Callable[[View], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> RunSummary:
    """Run one camera from its first frame to its last, and close the sinks.

    A source that ends early and a ``stop`` that says so end the run cleanly: the current frame is
    finished, files are closed and renamed, and the summary says what is missing. Any other error
    leaves no files behind.

    Parameters
    ----------
    run : CameraRun
    sinks : sequence of Sink
        Opened and closed here.
    clock : StageClock or None
        Collects the time per stage.
    on_frame : callable or None
        Called with every finished view.
    stop : callable
        Asked after every frame.
    """
    clock = clock or StageClock()
    reason = ""
    frames = first = last = boxes = 0
    identities: set[int] = set()
    with ExitStack() as stack:
        for sink in sinks:
            stack.enter_context(sink)
        try:
            for view in run.views(clock):
                with clock.stage("write"):
                    for sink in sinks:
                        sink.write([view], [])
                frames += 1
                first, last = first or view.frame.index, view.frame.index
                if view.tracks is not None:
                    boxes += len(view.tracks)
                    identities.update(view.tracks.ids.tolist())
                if on_frame is not None:
                    on_frame(view)
                if stop():
                    reason = f"interrupted after frame {last}"
                    break
        except SourceEndedEarly as error:
            reason = str(error)
    return RunSummary(
        run.source.name, not reason, reason, frames, first, last, boxes, len(identities)
    )


@contextmanager
def stop_on_signal() -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C (or SIGTERM) into a polite stop; the second one interrupts at once.

    Only the main thread may do this; elsewhere the answer is always False.
    """
    asked = False

    def ask(signum: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    previous = {}
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            previous[number] = signal.signal(number, ask)
    except ValueError:  # not in the main thread
        pass
    try:
        yield lambda: asked
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
