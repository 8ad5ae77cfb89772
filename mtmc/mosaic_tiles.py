"""The parts of a site's video: a camera's image with boxes, and the floor plan with people."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from .drawing import TrackPainter, draw_plate
from .floor.map import FloorMap
from .floor.people import FloorPainter
from .floor.plan import draw_plan
from .floor.site_plan import site_outlines
from .ground_files import GroundTable
from .mot_files import MotTable, frame_rows
from .sites import Moment, Site, SiteCamera
from .sources import VideoFile
from .types import FloatArray, Frame, Image

BACKGROUND, PLAIN, PLATE = (24, 24, 24), (48, 48, 48), (32, 32, 32)

UNKNOWN_SIZE = (640, 480)
"""Of a camera of which there are neither images nor a calibration, pixels."""

PERIODS_MISSED = 2.5
"""A camera that is slower than others is missing only after so many of its own periods."""


def picture_size(camera: SiteCamera) -> tuple[int, int]:
    """Width and height of a camera's images, pixels."""
    if camera.calibration is not None:
        return camera.calibration.image_size
    if camera.video is not None:
        return VideoFile(camera.video).image_size or UNKNOWN_SIZE
    for path in camera.images.values():
        image = cv2.imread(str(path))
        if image is not None:
            return image.shape[1], image.shape[0]
    return UNKNOWN_SIZE


class PlanTile:
    """The floor plan with the people of each moment.

    Parameters
    ----------
    site : Site
        With at least one calibrated camera.
    chart : FloorMap
    ground : GroundTable
    trail_s, fade_s : float
        As in `FloorPainter`.
    """

    def __init__(
        self, site: Site, chart: FloorMap, ground: GroundTable, trail_s: float, fade_s: float
    ) -> None:
        self._ground = ground
        self._rows = _rows_by_frame(ground)
        self._unit = chart.unit
        self._plan = draw_plan(chart, list(site.calibrations.values()), site_outlines(site))
        self._people = FloorPainter(chart, trail_s, fade_s)

    def paint(self, moment: Moment) -> Image:
        """The plan at a moment (H, W, 3)."""
        image = self._plan.copy()
        rows = self._rows.get(moment.index, slice(0, 0))
        ids = self._ground.id[rows]
        self._people.paint(image, ids, self._ground.xy[rows], moment.time_s)
        people = f"{len(ids)} {'person' if len(ids) == 1 else 'people'}"
        draw_plate(image, f"{moment_text(moment)}   {people}", (4, 4), PLATE, self._unit)
        return image


class CameraTile:
    """A camera's newest image with boxes, or that there is none.

    Parameters
    ----------
    camera : SiteCamera
    boxes : MotTable or None
        With identities; frames count on the site's clock.
    size : (width, height)
        Of the tile, pixels.
    picture : (width, height)
        Of the camera's images, pixels; used where there are none.
    missing_after_s : float
        A camera without an image for longer is shown as missing.
    """

    def __init__(
        self,
        camera: SiteCamera,
        boxes: MotTable | None,
        size: tuple[int, int],
        picture: tuple[int, int],
        missing_after_s: float,
    ) -> None:
        self._size, self._picture = size, picture
        self._camera = camera
        self._boxes = boxes
        self._rows = {} if boxes is None else frame_rows(boxes)
        self._painter = TrackPainter(trail_length=0)
        period = 0.0 if camera.rate is None else 1.0 / camera.rate
        self._patience_s = max(missing_after_s, PERIODS_MISSED * period)
        self._last_s: float | None = None
        self._image: Image = np.full((size[1], size[0], 3), BACKGROUND, np.uint8)
        self._show_missing()

    def paint(self, moment: Moment) -> Image:
        """The tile at a moment (H, W, 3): what is new, or what is still shown."""
        own = [frame for frame in moment.frames if frame.camera == self._camera.name]
        frame = own[0] if own else None
        if frame is not None:
            self._last_s = moment.time_s
            self._show(frame, moment.index)
        elif self._last_s is None or moment.time_s - self._last_s > self._patience_s:
            self._show_missing()
        return self._image

    def _show(self, frame: Frame, index: int) -> None:
        picture = frame.image
        if picture is None:
            picture = np.full((self._picture[1], self._picture[0], 3), PLAIN, np.uint8)
        scale = min(self._size[0] / picture.shape[1], self._size[1] / picture.shape[0])
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
            draw_plate(fitted, caption, (4, 4), PLATE, 1)
        self._image[:] = BACKGROUND
        left, top = (self._size[0] - size[0]) // 2, (self._size[1] - size[1]) // 2
        self._image[top : top + size[1], left : left + size[0]] = fitted

    def _show_missing(self) -> None:
        self._image[:] = BACKGROUND
        height, width = self._image.shape[:2]
        cv2.rectangle(self._image, (0, 0), (width - 1, height - 1), (70, 70, 70), 1)
        draw_plate(self._image, self._camera.name, (4, 4), (70, 70, 70), 1)
        since = "yet" if self._last_s is None else f"since {clock_text(self._last_s)}"
        text = f"no image {since}"
        draw_plate(self._image, text, (width // 2 - 60, height // 2 - 8), PLATE, 1)


def _rows_by_frame(ground: GroundTable) -> dict[int, slice]:
    """Rows of each frame; the table is sorted by frame."""
    frames, starts = np.unique(ground.frame, return_index=True)
    ends: Iterable[int] = [*starts[1:].tolist(), len(ground)]
    return {
        frame: slice(start, end)
        for frame, start, end in zip(frames.tolist(), starts.tolist(), ends, strict=True)
    }


def moment_text(moment: Moment) -> str:
    """Time and number of a moment."""
    return f"{clock_text(moment.time_s)}   frame {moment.index}"


def clock_text(time_s: float) -> str:
    """Minutes, seconds and tenths, ``01:02.3``; hours before them when there are any."""
    tenths = round(max(0.0, time_s) * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    text = f"{minutes:02d}:{rest / 10:04.1f}"
    return f"{hours}:{text}" if hours else text
