"""Video of a site's finished run: all cameras' images with boxes, and people on the floor plan.

Nothing is drawn inside the measured loop. Drawn from the finished files, the video shows final
identities, late decisions included, and an identity has one colour everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .drawing import draw_plate
from .errors import InputError
from .floor.map import FloorMap
from .floor.site_plan import site_plan_bounds
from .ground_files import GroundTable
from .mosaic import Rectangle, mosaic
from .mosaic_tiles import (
    BACKGROUND,
    PLATE,
    CameraTile,
    PlanTile,
    moment_text,
    picture_size,
)
from .mot_files import MotTable
from .sites import Moment, Site, moment_step, moments
from .sources import FrameRange
from .stillness import Stillness
from .types import Image
from .webm import WebmWriter

LONGEST_HOLD_S = 5.0
"""Where a site is silent for longer, the video leaves the rest of the pause out."""

MIN_FRAME_RATE = 1.0
"""Slower clocks show every moment several times: players are made for at least this."""


@dataclass(frozen=True)
class SiteVideoConfig:
    """How a site's video is drawn.

    Attributes
    ----------
    max_width, max_height : int
        Largest size of the video, pixels.
    trail_s : float
        Length of the trails, seconds.
    missing_after_s : float
        A camera without an image for longer is shown as missing, unless it is slower than that
        anyway.
    still : int
        Changes of pixels up to so many grey levels are not drawn: smaller files of fixed cameras;
        0 draws everything.
    """

    max_width: int = 1600
    max_height: int = 900
    trail_s: float = 3.0
    missing_after_s: float = 1.0
    still: int = 0

    def __post_init__(self) -> None:
        for name in ("max_width", "max_height"):
            if getattr(self, name) < 160:
                raise ValueError(f"{name}: expected 160 or more, got {getattr(self, name)}")
        if not 0 <= self.still <= 255:
            raise ValueError(f"still: expected 0 to 255, got {self.still}")
        for name in ("trail_s", "missing_after_s"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: expected a value above 0, got {getattr(self, name)}")


def render_site_video(
    site: Site,
    ground: GroundTable,
    boxes: Mapping[str, MotTable],
    path: Path,
    frames: FrameRange,
    config: SiteVideoConfig | None = None,
    on_moment: Callable[[int], None] | None = None,
) -> int:
    """Draw the results of a run and write a WebM video.

    Parameters
    ----------
    site : Site
        Where the images come from; without any, the video shows the floor plan alone.
    ground : GroundTable
        Places with identities.
    boxes : mapping of camera name to MotTable
        Boxes with identities; frames count on the site's clock.
    path : Path
        Must end in ``.webm``.
    frames : FrameRange
        Which moments to show.
    config : SiteVideoConfig, optional
    on_moment : callable or None
        Called with the index of every finished moment.

    Returns
    -------
    int
        Number of moments shown.

    Raises
    ------
    InputError
        When there is no moment to show, or this OpenCV cannot write WebM.
    """
    settings = config or SiteVideoConfig()
    step = moment_step(site, frames)
    repeat = max(1, int(np.ceil(MIN_FRAME_RATE * step / site.rate)))
    frame_rate = site.rate / step * repeat
    canvas = _Canvas(site, ground, boxes, settings)
    longest = max(1, round(LONGEST_HOLD_S * frame_rate))
    shown, before, quiet = 0, 0, Stillness(settings.still)
    image = canvas.image
    with WebmWriter(path, frame_rate) as video:
        for moment in moments(site, frames, with_images=canvas.shows_images):
            if shown:  # the last moment is held until this one
                held = round((moment.index - before) / step * repeat)
                _write(video, image, min(held, longest))
            canvas.paint(moment)
            image = quiet(canvas.image)
            shown, before = shown + 1, moment.index
            if on_moment is not None:
                on_moment(moment.index)
        if not shown:
            raise InputError(f"{site.name}: no moment to show in {path.name}")
        _write(video, image, repeat)
    return shown


def site_picture(
    site: Site,
    ground: GroundTable,
    boxes: Mapping[str, MotTable],
    index: int,
    config: SiteVideoConfig | None = None,
) -> Image:
    """One frame of such a video (H, W, 3), with the trails that lead up to it.

    Raises
    ------
    InputError
        When there is no such moment, or nothing to draw on.
    """
    settings = config or SiteVideoConfig()
    canvas = _Canvas(site, ground, boxes, settings)
    first = max(1, index - round(settings.trail_s * site.rate))
    last = 0
    for moment in moments(site, FrameRange(first, index), with_images=canvas.shows_images):
        canvas.paint(moment)
        last = moment.index
    if last != index:
        raise InputError(f"{site.name}: expected a moment {index} to show, there is none")
    return canvas.image


def _write(video: WebmWriter, image: Image, times: int) -> None:
    for _ in range(times):
        video.write(image)


class _Canvas:
    """The frame of the video, painted over moment after moment."""

    def __init__(
        self,
        site: Site,
        ground: GroundTable,
        boxes: Mapping[str, MotTable],
        config: SiteVideoConfig,
    ) -> None:
        self.shows_images = any(camera.has_images for camera in site.cameras)
        if not (self.shows_images or site.calibrations):
            raise InputError(f"{site.name}: neither images nor calibrations: nothing to draw on")
        cameras = site.cameras if self.shows_images else ()
        bounds = site_plan_bounds(site, ground.xy) if site.calibrations else None
        aspect = None if bounds is None else (bounds[2] - bounds[0]) / (bounds[3] - bounds[1])
        sizes = [picture_size(camera) for camera in cameras]
        layout = mosaic(sizes, aspect, (config.max_width, config.max_height))
        self.image: Image = np.full((layout.height, layout.width, 3), BACKGROUND, np.uint8)
        self._tiles: list[tuple[Rectangle, CameraTile | PlanTile]] = [
            (
                rectangle,
                CameraTile(
                    camera, boxes.get(camera.name), rectangle[2:], size, config.missing_after_s
                ),
            )
            for camera, rectangle, size in zip(cameras, layout.tiles, sizes, strict=True)
        ]
        if bounds is not None and layout.plan is not None:
            chart = FloorMap.filling(bounds, *layout.plan[2:])
            plan = PlanTile(site, chart, ground, config.trail_s, config.missing_after_s)
            self._tiles.append((layout.plan, plan))
        self._has_plan = layout.plan is not None

    def paint(self, moment: Moment) -> None:
        """Show a moment."""
        for (left, top, width, height), tile in self._tiles:
            self.image[top : top + height, left : left + width] = tile.paint(moment)
        if not self._has_plan:
            corner = (self.image.shape[1], 4)
            draw_plate(self.image, moment_text(moment), corner, PLATE, 1)
