"""What a run of a multi-camera sequence is made of: opened and checked before the first frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mtmc.reid.embedder import Embedder

from .detecting import DetectorChoice, choose_detector, per_camera
from .errors import InputError
from .people import BoxFilter, Finder, find_in, find_with
from .progress import StageClock
from .run import find_model, load_appearance
from .run_config import RunConfig
from .scores import ScoreMapping
from .site_config import SiteConfig
from .site_tracking import CameraTrackers, build_site_tracker
from .sites import Moment, Site, moments
from .sites.crops import CropVectors
from .sources import FrameRange
from .types import Detections, Frame, GlobalTracker, View

UNUSED_OPTIONS = (
    *("detections", "embeddings", "roi", "mask"),
    *("false_match_rate", "scorer"),
)
"""Settings of single-camera runs that mean nothing here; saying so is better than silence."""


@dataclass(frozen=True, eq=False)
class SiteRun:
    """Everything that a site's run is made of.

    Attributes
    ----------
    site : Site
    find : dict of str to Finder
        Detections of a frame, by camera.
    tracker : GlobalTracker
        A new instance per run.
    own_trackers : CameraTrackers or None
        Each camera's own tracker, where ``tracker`` joins what they find.
    appearance : Embedder or None
        Embeds the detections of all cameras in one batch.
    keep : BoxFilter
        Which detections take part.
    frames : FrameRange
        Which moments are visited.
    with_images : bool
        Whether anybody looks at the images.
    detector : DetectorChoice or None
        What ``find`` finds with, for the record; None where it reads files.
    """

    site: Site
    find: dict[str, Finder]
    tracker: GlobalTracker
    own_trackers: CameraTrackers | None
    appearance: Embedder | None
    keep: BoxFilter
    frames: FrameRange
    with_images: bool
    detector: DetectorChoice | None = None

    def views(self, clock: StageClock, on_fault: Callable[[str], None]) -> Iterator[list[View]]:
        """The views of one moment after the other, before tracking."""
        source = moments(self.site, self.frames, with_images=self.with_images, on_fault=on_fault)
        while True:
            with clock.stage("read"):
                moment = next(source, None)
            if moment is None:
                return
            clock.frames += 1
            with clock.stage("detect"):
                found = [self.keep(self.find[frame.camera](frame)) for frame in moment.frames]
            if self.appearance is not None:
                with clock.stage("embed"):
                    found = _with_appearance(moment, found, self.appearance)
            views = [
                View(_on_site_clock(frame, moment), detections)
                for frame, detections in zip(moment.frames, found, strict=True)
            ]
            if self.own_trackers is not None:
                with clock.stage("track"):
                    views = self.own_trackers.track(views)
            yield views


def prepare_site(
    site: Site,
    config: RunConfig,
    settings: SiteConfig | None = None,
    data_root: Path | None = None,
) -> SiteRun:
    """Open everything that a run needs, so that what is wrong shows before the first frame.

    Raises
    ------
    InputError, OSError
        When a file is missing or unusable, or a setting is for single cameras only.
    """
    options = config.run
    for name in UNUSED_OPTIONS:
        if getattr(options, name):
            raise InputError(f"run.{name}: not for multi-camera sequences ({site.name})")
    if options.pictures and not site.calibrations:
        raise InputError(f"run.pictures: {site.name} has no calibration, so no floor to draw")
    if options.video and not (site.calibrations or any(c.has_images for c in site.cameras)):
        raise InputError(f"run.video: {site.name} has neither images nor a calibration to draw on")
    looks = options.detector is not None or (options.reid is not None and not site.has_crops)
    if looks and not site.has_images:
        raise InputError(f"{site.name}: a detector or appearance needs images; there are none")
    choice = choose_detector(
        options.detector,
        site.has_images,
        any(camera.detections is not None for camera in site.cameras),
        lambda name: find_model(name, data_root),
    )
    dressed = site.has_crops and choice is None and options.reid is not None
    find = _finders(site, config, choice)
    appearance = model = None
    if options.reid is not None:
        appearance = model = load_appearance(options.reid, config, data_root)
        if dressed:
            find, appearance = _dressed(site, find, appearance), None
    usual = None if choice is None else choice.min_score
    wanted = (options.min_score, site.min_score, usual)
    min_score = next((score for score in wanted if score is not None), None)
    tracker, own = build_site_tracker(site, config, settings, model)
    return SiteRun(
        site=site,
        find=find,
        tracker=tracker,
        own_trackers=own,
        appearance=appearance,
        keep=BoxFilter(min_score, options.min_height),
        frames=FrameRange.parse(options.frames, options.every),
        with_images=choice is not None or appearance is not None,
        detector=choice,
    )


def _on_site_clock(frame: Frame, moment: Moment) -> Frame:
    return Frame(frame.camera, moment.index, frame.time_s, frame.image)


def _finders(site: Site, config: RunConfig, choice: DetectorChoice | None) -> dict[str, Finder]:
    mapping = config.scores or ScoreMapping()
    if choice is not None:
        detector = choice.open(config)

        def finder(detect: Finder) -> Finder:
            return lambda frame: mapping.detections(detect(frame))

        return {camera.name: finder(find_with(per_camera(detector))) for camera in site.cameras}
    if all(camera.detections is None for camera in site.cameras):
        raise InputError(f"{site.name}: neither detections nor images of all cameras here")
    return {
        camera.name: find_in(
            {
                index: mapping.detections(people)
                for index, people in (camera.detections or {}).items()
            }
        )
        for camera in site.cameras
    }


def _dressed(site: Site, find: dict[str, Finder], appearance: Embedder) -> dict[str, Finder]:
    """Detections with the vectors of the crops that they wear."""
    tables = {c.name: c.crops for c in site.cameras if c.crops is not None}
    vectors = CropVectors(tables.values(), appearance)

    def dressed(name: str, bare: Finder) -> Finder:
        table = tables[name]

        def finder(frame: Frame) -> Detections:
            people = bare(frame)
            return Detections(people.xyxy, people.scores, vectors.of(table, frame.index))

        return finder

    return {name: dressed(name, bare) for name, bare in find.items()}


def _with_appearance(
    moment: Moment, found: list[Detections], appearance: Embedder
) -> list[Detections]:
    images = [frame.image for frame in moment.frames if frame.image is not None]
    if len(images) < len(found):
        raise InputError(f"moment {moment.index}: appearance needs images of all cameras")
    vectors = appearance.embed(images, [people.xyxy for people in found])
    return [
        Detections(people.xyxy, people.scores, own)
        for people, own in zip(found, vectors, strict=True)
    ]
