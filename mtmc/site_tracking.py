"""Which tracker a site gets, and each camera's own tracker where that needs one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mtmc.reid.distances import DistanceStatistics
from mtmc.reid.embedder import Embedder

from . import trackers
from .entry import EntryQuery
from .errors import InputError
from .look import ImageLook
from .multiview import GroundTracker
from .multiview.separate import SeparateTracker
from .run_config import RunConfig
from .site_config import SiteConfig
from .sites import Site
from .types import Frame, GlobalTracker, View


class CameraTrackers:
    """A tracker of its own for every camera.

    Parameters
    ----------
    cameras : sequence of str
    config : RunConfig
        Names the tracker and has its settings.
    appearance : Embedder or None
        For trackers that embed boxes of their own.
    """

    def __init__(
        self, cameras: Sequence[str], config: RunConfig, appearance: Embedder | None = None
    ) -> None:
        self._trackers = {
            name: trackers.build(config.tracker, config.tracker_config) for name in cameras
        }
        self._appearance = appearance
        self._previous: dict[str, Frame] = {}

    def track(self, views: Sequence[View]) -> list[View]:
        """The views of one moment with the tracks of their cameras."""
        tracked = []
        for view in views:
            frame = view.frame
            look = ImageLook(frame, self._previous.get(frame.camera), self._appearance)
            tracker = self._trackers[frame.camera]
            tracks = tracker.update(view.detections, frame.time_s, look)
            self._previous[frame.camera] = frame
            tracked.append(replace(view, tracks=tracks))
        return tracked


def is_separate(site: Site, config: RunConfig) -> bool:
    """Whether the cameras of a run look at separate places: what it asks for, or the site says.

    Raises
    ------
    InputError
        When cameras without calibration are to share a ground plane.
    """
    if (config.run.site_tracker or site.tracker) == "separate":
        return True
    missing = [camera.name for camera in site.cameras if camera.calibration is None]
    if missing:
        raise InputError(f"{site.name}: camera {missing[0]}: the ground tracker needs calibrations")
    return False


def unused_tables(site: Site, config: RunConfig) -> tuple[str, ...]:
    """Names of the tables of `SiteConfig` that say nothing about a run."""
    if is_separate(site, config):
        return "ground_tracker", "entry_query"
    return ("separate_tracker",) if config.run.reid else ("separate_tracker", "entry_query")


def build_site_tracker(
    site: Site,
    config: RunConfig,
    settings: SiteConfig | None = None,
    appearance: Embedder | None = None,
) -> tuple[GlobalTracker, CameraTrackers | None]:
    """A new tracker for a site, and the cameras' own ones if it needs them.

    Raises
    ------
    InputError
        See :func:`is_separate`.
    """
    settings = settings or SiteConfig()
    statistics = None
    if appearance is not None and appearance.card.distances:
        statistics = DistanceStatistics.from_dict(appearance.card.distances)
    names = [camera.name for camera in site.cameras]
    if not is_separate(site, config):
        ground: GlobalTracker = GroundTracker(
            site.calibrations, settings.ground_tracker, site.bounds, site.region
        )
        if appearance is not None and settings.entry_query.enabled:
            ground = EntryQuery(ground, names, settings.entry_query, statistics, site.entries)
        return ground, None
    joined = SeparateTracker(
        names, settings.separate_tracker, site.travel, site.overlaps, statistics
    )
    return joined, CameraTrackers(names, config, appearance)
