"""OpenCV windows around a `PointPicker`: the image, and a floor plan where there is one."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass

import cv2
import numpy as np

from ..drawing import draw_plate
from ..errors import InputError
from ..types import Image
from .picker import HELP, PointPicker
from .points import Place
from .viewport import Viewport

PROBE = "import cv2; cv2.namedWindow('mtmc'); cv2.waitKey(1); cv2.destroyAllWindows()"
PROBE_TIMEOUT_S = 60.0
WAIT_MS = 20
_PICKED, _WAITING, _BAR = (60, 200, 60), (40, 140, 255), (32, 32, 32)


@dataclass(frozen=True, eq=False)
class FloorPlan:
    """A drawing of the floor to click into.

    Attributes
    ----------
    image : (H, W, 3) uint8
    origin_px : (float, float)
        Pixel of x = 0, y = 0.
    m_per_px : float
        Metres per pixel; x points right, y up.
    """

    image: Image
    origin_px: tuple[float, float]
    m_per_px: float

    def __post_init__(self) -> None:
        if not 0 < self.m_per_px < float("inf"):
            raise ValueError(f"plan: expected metres per pixel above 0, got {self.m_per_px}")

    def place(self, u: float, v: float) -> Place:
        """The place that a pixel of the drawing stands for."""
        x = (u - self.origin_px[0]) * self.m_per_px
        y = (self.origin_px[1] - v) * self.m_per_px
        return Place("", (round(x, 4), round(y, 4)))

    def pixel(self, xy: tuple[float, float]) -> tuple[float, float]:
        """Inverse of `place`."""
        return (
            self.origin_px[0] + xy[0] / self.m_per_px,
            self.origin_px[1] - xy[1] / self.m_per_px,
        )


def ensure_display() -> None:
    """Make sure that a window can be opened, in a process of its own: OpenCV aborts where not.

    Raises
    ------
    InputError
        When it cannot.
    """
    hint = "clicking needs a screen; run it on a desktop, or write the CSV by hand"
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        raise InputError(f"no display (DISPLAY is not set): {hint}")
    try:
        done = subprocess.run(
            [sys.executable, "-c", PROBE], capture_output=True, timeout=PROBE_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise InputError(f"no window opens: {hint}") from None
    if done.returncode != 0:
        raise InputError(f"no window opens, or this OpenCV was built without windows: {hint}")


def render(image: Image, picker: PointPicker) -> Image:
    """The window's content: the image with all points, and a line that says what to do."""
    shown = picker.view.show(image)
    for one in picker.picked:
        _cross(shown, picker.view, one.uv, _PICKED)
        x, y = picker.view.to_window(*one.uv)
        draw_plate(shown, str(one.place), (int(x) + 8, int(y) + 4), _PICKED, 1)
    if picker.waiting is not None:
        _cross(shown, picker.view, picker.waiting, _WAITING)
    bar = np.full((44, shown.shape[1], 3), _BAR, np.uint8)
    draw_plate(bar, picker.status, (4, 2), _BAR, 1)
    draw_plate(bar, HELP, (4, 23), _BAR, 1)
    return np.concatenate([shown, bar])


def render_plan(plan: FloorPlan, view: Viewport, picker: PointPicker) -> Image:
    """The floor plan with all points."""
    shown = view.show(plan.image)
    for one in picker.picked:
        if one.place.xy is not None:
            _cross(shown, view, plan.pixel(one.place.xy), _PICKED)
    return shown


def _cross(image: Image, view: Viewport, uv: tuple[float, float], colour: tuple[int, ...]) -> None:
    x, y = (round(value) for value in view.to_window(*uv))
    for size, width, ink in ((21, 3, (0, 0, 0)), (19, 1, colour)):
        cv2.drawMarker(image, (x, y), ink, cv2.MARKER_CROSS, size, width, cv2.LINE_AA)


def pick(image: Image, picker: PointPicker, title: str, plan: FloorPlan | None = None) -> None:
    """Let somebody click until they finish; closing the window finishes, too.

    Raises
    ------
    InputError
        Without a display.
    """
    ensure_display()
    plan_title = f"{title}: floor plan"
    cv2.namedWindow(title, cv2.WINDOW_AUTOSIZE)
    cv2.setMouseCallback(title, lambda *event: on_mouse(picker, *event[:4]))
    plan_view = None
    if plan is not None:
        size = (plan.image.shape[1], plan.image.shape[0])
        plan_view = Viewport.fitted(size, (900, 700))
        cv2.namedWindow(plan_title, cv2.WINDOW_AUTOSIZE)
        cv2.setMouseCallback(
            plan_title, lambda *event: on_plan_mouse(picker, plan, plan_view, *event[:3])
        )
    try:
        while not picker.finished:
            cv2.imshow(title, render(image, picker))
            if plan is not None and plan_view is not None:
                cv2.imshow(plan_title, render_plan(plan, plan_view, picker))
            code = cv2.waitKey(WAIT_MS)
            if code >= 0:
                picker.key(code & 0xFF)
            if cv2.getWindowProperty(title, cv2.WND_PROP_VISIBLE) < 1:
                picker.finished = True
    finally:
        cv2.destroyAllWindows()


def on_mouse(picker: PointPicker, event: int, x: int, y: int, flags: int) -> None:
    """OpenCV's mouse events of the image's window."""
    picker.moved(x, y)
    if event == cv2.EVENT_LBUTTONDOWN and y < picker.view.window_size[1]:
        picker.click(x, y)
    elif event == cv2.EVENT_MOUSEWHEEL:
        picker.zoom(1.0 if flags > 0 else -1.0)


def on_plan_mouse(
    picker: PointPicker, plan: FloorPlan, view: Viewport, event: int, x: int, y: int
) -> None:
    """OpenCV's mouse events of the plan's window."""
    if event == cv2.EVENT_LBUTTONDOWN:
        picker.give_place(plan.place(*view.to_image(x, y)))
