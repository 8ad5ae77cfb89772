"""Video of a site's finished run: all cameras' images with boxes, and people on the floor plan.

Nothing is drawn inside the measured loop. Drawn from the finished files, the video shows final
identities, late decisions included, and an identity has one colour everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from .drawing import TrackPainter, draw_plate
from .errors import InputError
from .floor.map import FloorMap
from .floor.people import FloorPainter
from .floor.plan import draw_plan, plan_bounds
from .ground_files import GroundTable
from .mosaic import Rectangle, mosaic
from .mot_files import MotTable, frame_rows
from .sites import Moment, Site, SiteCamera, moment_step, moments
from .sources import FrameRange
from .types import FloatArray, Frame, Image
from .webm import WebmWriter

LONGEST_HOLD_S = 5.0
"""Where a site is silent for longer, the video leaves the rest of the pause out."""

MIN_FRAME_RATE = 1.0
"""Slower clocks show every moment several times: players are made for at least this."""

_BACKGROUND, _PLAIN, _PLATE = (24, 24, 24), (48, 48, 48), (32, 32, 32)


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
    """

    max_width: int = 1600
    max_height: int = 900
    trail_s: float = 3.0
    missing_after_s: float = 1.0

    def __post_init__(self) -> None:
        for name in ("max_width", "max_height"):
            if getattr(self, name) < 160:
                raise ValueError(f"{name}: expected 160 or more, got {getattr(self, name)}")
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
    shown, before = 0, 0
    with WebmWriter(path, frame_rate) as video:
        for moment in moments(site, frames, with_images=canvas.shows_images):
            if shown:  # the last moment is held until this one
                held = round((moment.index - before) / step * repeat)
                _write(video, canvas.image, min(held, longest))
            canvas.paint(moment)
            shown, before = shown + 1, moment.index
            if on_moment is not None:
                on_moment(moment.index)
        if not shown:
            raise InputError(f"{site.name}: no moment to show in {path.name}")
        _write(video, canvas.image, repeat)
    return shown


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
        pictured = [camera for camera in site.cameras if camera.has_images]
        self.shows_images = bool(pictured)
        cameras = site.cameras if pictured else ()
        calibrations = list(site.calibrations.values())
        area = site.bounds or site.region
        tracked = None if area is None else np.array(area.corners)
        bounds = plan_bounds(calibrations, tracked, ground.xy)
        left, bottom, right, top = bounds
        layout = mosaic(
            [camera.image_size for camera in cameras],
            (right - left) / (top - bottom),
            (config.max_width, config.max_height),
        )
        self.image: Image = np.full((layout.height, layout.width, 3), _BACKGROUND, np.uint8)
        self._site, self._ground, self._layout = site, ground, layout
        self._rows = _rows_by_frame(ground)
        chart = FloorMap.filling(bounds, *layout.plan[2:])
        self._unit = chart.unit
        outlines = [np.array(one.corners) for one in (site.bounds, site.region) if one is not None]
        self._plan = draw_plan(chart, calibrations, outlines)
        self._people = FloorPainter(chart, config.trail_s, config.missing_after_s)
        self._tiles = {
            camera.name: _Tile(camera, boxes.get(camera.name), rectangle, config)
            for camera, rectangle in zip(cameras, layout.tiles, strict=True)
        }

    def paint(self, moment: Moment) -> None:
        """Show a moment."""
        frames = {frame.camera: frame for frame in moment.frames}
        for name, tile in self._tiles.items():
            tile.update(frames.get(name), moment)
            _paste(self.image, tile.image, tile.rectangle)
        plan = self._plan.copy()
        rows = self._rows.get(moment.index, slice(0, 0))
        ids = self._ground.id[rows]
        self._people.paint(plan, ids, self._ground.xy[rows], moment.time_s)
        people = f"{len(ids)} {'person' if len(ids) == 1 else 'people'}"
        caption = f"{clock_text(moment.time_s)}   frame {moment.index}   {people}"
        draw_plate(plan, caption, (4, 4), _PLATE, self._unit)
        _paste(self.image, plan, self._layout.plan)


class _Tile:
    """The place of one camera: its newest image with boxes, or that there is none."""

    def __init__(
        self,
        camera: SiteCamera,
        boxes: MotTable | None,
        rectangle: Rectangle,
        config: SiteVideoConfig,
    ) -> None:
        self.rectangle = rectangle
        self._camera = camera
        self._boxes = boxes
        self._rows = {} if boxes is None else frame_rows(boxes)
        self._painter = TrackPainter(trail_length=0)
        period = 0.0 if camera.rate is None else 1.0 / camera.rate
        self._patience_s = max(config.missing_after_s, 2.5 * period)
        self._last_s: float | None = None
        self.image: Image = np.full((rectangle[3], rectangle[2], 3), _BACKGROUND, np.uint8)
        self._show_missing()

    def update(self, frame: Frame | None, moment: Moment) -> None:
        """Paint a camera's new frame, or say that it has been missing for too long."""
        if frame is not None:
            self._last_s = moment.time_s
            self._show(frame, moment.index)
        elif self._last_s is None or moment.time_s - self._last_s > self._patience_s:
            self._show_missing()

    def _show(self, frame: Frame, index: int) -> None:
        picture = frame.image
        if picture is None:
            width, height = self._camera.image_size
            picture = np.full((height, width, 3), _PLAIN, np.uint8)
        scale = min(self.rectangle[2] / picture.shape[1], self.rectangle[3] / picture.shape[0])
        size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
        shrinks = scale < 1.0
        fitted: Image = cv2.resize(
            picture, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        ).astype(np.uint8, copy=False)
        caption = self._camera.name
        if self._boxes is not None:
            rows = self._rows.get(index, slice(0, 0))
            xyxy: FloatArray = self._boxes.xyxy[rows] * scale
            self._painter.paint(fitted, self._boxes.id[rows], xyxy, caption)
        else:
            draw_plate(fitted, caption, (4, 4), _PLATE, 1)
        self.image[:] = _BACKGROUND
        left, top = ((a - b) // 2 for a, b in zip(self.rectangle[2:], size, strict=True))
        _paste(self.image, fitted, (left, top, *size))

    def _show_missing(self) -> None:
        self.image[:] = _BACKGROUND
        height, width = self.image.shape[:2]
        cv2.rectangle(self.image, (0, 0), (width - 1, height - 1), (70, 70, 70), 1)
        draw_plate(self.image, self._camera.name, (4, 4), (70, 70, 70), 1)
        since = "yet" if self._last_s is None else f"since {clock_text(self._last_s)}"
        text = f"no image {since}"
        draw_plate(self.image, text, (width // 2 - 60, height // 2 - 8), _PLATE, 1)


def _paste(image: Image, part: Image, rectangle: Rectangle) -> None:
    left, top, width, height = rectangle
    image[top : top + height, left : left + width] = part


def _rows_by_frame(ground: GroundTable) -> dict[int, slice]:
    """Rows of each frame; the table is sorted by frame."""
    frames, starts = np.unique(ground.frame, return_index=True)
    ends: Iterable[int] = [*starts[1:].tolist(), len(ground)]
    return {
        frame: slice(start, end)
        for frame, start, end in zip(frames.tolist(), starts.tolist(), ends, strict=True)
    }


def clock_text(time_s: float) -> str:
    """Minutes, seconds and tenths, ``01:02.3``; hours before them when there are any."""
    tenths = round(max(0.0, time_s) * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    text = f"{minutes:02d}:{rest / 10:04.1f}"
    return f"{hours}:{text}" if hours else text
