"""`mtmc calibrate click`: what clicks and keys do, without a window."""

from __future__ import annotations

import sys

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtmc.calibration import CalibrationError
from mtmc.calibration.point_pairs import read_point_pairs
from mtmc.cli import calibrate_click, main
from mtmc.clicking import window
from mtmc.clicking.picker import PointPicker
from mtmc.clicking.points import (
    Picked,
    Place,
    load_picked,
    parse_place,
    read_places,
    save_picked,
)
from mtmc.clicking.viewport import Viewport
from mtmc.clicking.window import FloorPlan, on_mouse, on_plan_mouse, render, render_plan
from mtmc.errors import InputError

SIZE = (640, 480)
ENTER, ESCAPE, BACKSPACE = 13, 27, 8


def picker_of(*places, picked=()):
    return PointPicker(Viewport(SIZE, SIZE, 1.0), places, picked)


def write(picker, text):
    for letter in text:
        picker.key(ord(letter))


# --- the view -------------------------------------------------------------------------------------


@given(
    st.floats(0, 639),
    st.floats(0, 479),
    st.lists(st.tuples(st.floats(0, 600), st.floats(0, 400), st.sampled_from([0.5, 1.25, 3.0]))),
)
def test_window_and_image_are_inverses_after_any_zoom(u, v, zooms):
    view = Viewport.fitted(SIZE, (800, 500))
    for x, y, factor in zooms:
        view = view.zoomed(x, y, factor).panned(factor * 10, -y)
        left, top = view.to_image(-0.5, -0.5)
        right, bottom = view.to_image(view.window_size[0] - 0.5, view.window_size[1] - 0.5)
        assert left >= -0.5 - 1e-6
        assert top >= -0.5 - 1e-6
        assert right <= SIZE[0] - 0.5 + 2.0 / view.scale
        assert bottom <= SIZE[1] - 0.5 + 2.0 / view.scale
    np.testing.assert_allclose(view.to_image(*view.to_window(u, v)), (u, v), atol=1e-6)


def test_what_is_under_the_pointer_stays_when_zooming():
    view = Viewport.fitted(SIZE)
    before = view.to_image(500, 300)
    for _ in range(5):
        view = view.zoomed(500, 300, 1.25)
    np.testing.assert_allclose(view.to_image(500, 300), before)
    np.testing.assert_allclose(view.zoomed(0, 0, 1e-6).to_image(-0.5, -0.5), (-0.5, -0.5))


@pytest.mark.parametrize("scale", [1.0, 2.5, 8.0])
def test_the_window_shows_a_pixel_where_it_says(scale):
    image = np.zeros((480, 640, 3), np.uint8)
    image[200, 300] = 255
    view = Viewport(SIZE, SIZE, 1.0).zoomed(300, 200, scale)
    shown = view.show(image)
    rows, columns = np.nonzero(shown[..., 0] > 120)
    x, y = view.to_window(300, 200)
    assert abs(columns.mean() - x) <= 0.75
    assert abs(rows.mean() - y) <= 0.75


# --- clicks and keys ------------------------------------------------------------------------------


def test_a_click_waits_for_its_place():
    picker = picker_of()
    picker.click(100, 50)
    assert picker.picked == []
    write(picker, "4.0, 2.75")
    picker.key(BACKSPACE)
    assert "4.0, 2.7_" in picker.status
    write(picker, " door")
    picker.key(ENTER)
    assert picker.picked == [Picked((100.0, 50.0), Place("door", (4.0, 2.7)))]
    picker.click(10, 20)
    write(picker, "stain")
    picker.key(ENTER)
    assert picker.picked[1].place == Place("stain", None)
    picker.click(30, 40)
    write(picker, "7")
    picker.key(ENTER)
    assert "expected x, y in metres" in picker.status
    assert picker.waiting == (30.0, 40.0), "still waits"
    picker.key(ESCAPE)
    assert picker.waiting is None
    assert len(picker.picked) == 2


def test_a_list_is_taken_in_order_with_leaving_out_and_undo():
    a, b, c = Place("a", (0.0, 0.0)), Place("b", (1.0, 0.0)), Place("", (2.0, 2.0))
    picker = picker_of(a, b, c)
    assert "a 0, 0" in picker.status
    picker.click(1, 1)
    write(picker, "n")
    assert picker.next_place == c
    write(picker, "u")
    assert picker.next_place == b
    picker.click(2, 2)
    write(picker, "u")
    assert picker.next_place == b
    write(picker, "u")
    assert picker.next_place == a
    assert picker.picked == []
    for number in range(3):
        picker.click(number, number)
    assert [one.place for one in picker.picked] == [a, b, c]
    assert "f saves" in picker.status
    picker.click(9, 9)
    assert len(picker.picked) == 3
    write(picker, "f")
    assert picker.finished
    assert not picker.discarded


def test_clicks_hit_the_image_at_any_zoom():
    picker = picker_of(*[Place(str(n), (n, 0.0)) for n in range(3)])
    picker.moved(320, 240)
    write(picker, "iii")
    picker.click(320, 240)
    np.testing.assert_allclose(picker.picked[0].uv, (320, 240))
    picker.click(330, 240)
    np.testing.assert_allclose(picker.picked[1].uv, (320 + 10 / 1.25**3, 240))
    before = picker.view.left
    write(picker, "d")
    assert picker.view.left > before
    write(picker, "ooooo")
    assert picker.view.scale == 1.0


def test_a_name_has_one_position():
    picker = picker_of(picked=[Picked((1.0, 1.0), Place("door", (4.0, 2.0)))])
    picker.click(5, 5)
    write(picker, "3,3 door")
    picker.key(ENTER)
    assert len(picker.picked) == 1
    assert "already has another position" in picker.status
    write(picker, "q")
    assert picker.finished
    assert picker.discarded


def test_mouse_events_of_both_windows():
    plan = FloorPlan(np.full((100, 200, 3), 255, np.uint8), (10.0, 90.0), 0.1)
    view = Viewport((200, 100), (200, 100), 1.0)
    picker = picker_of()
    on_plan_mouse(picker, plan, view, cv2.EVENT_LBUTTONDOWN, 60, 50)
    assert picker.picked == [], "no pixel waits"
    on_mouse(picker, cv2.EVENT_LBUTTONDOWN, 100, 200, 0)
    on_plan_mouse(picker, plan, view, cv2.EVENT_MOUSEMOVE, 60, 50)
    assert picker.picked == []
    on_plan_mouse(picker, plan, view, cv2.EVENT_LBUTTONDOWN, 60, 50)
    assert picker.picked == [Picked((100.0, 200.0), Place("", (5.0, 4.0)))]
    assert plan.pixel((5.0, 4.0)) == pytest.approx((60.0, 50.0))
    on_mouse(picker, cv2.EVENT_MOUSEWHEEL, 5, 5, 1)
    assert picker.view.scale > 1
    on_mouse(picker, cv2.EVENT_MOUSEWHEEL, 5, 5, -1)
    assert picker.view.scale == pytest.approx(1)
    on_mouse(picker, cv2.EVENT_LBUTTONDOWN, 100, SIZE[1] + 10, 0)
    assert picker.waiting is None, "the bar below the image is none of it"
    drawn = render_plan(plan, view, picker)
    assert (drawn[45:56, 55:66] != 255).any()
    shown = render(np.full((480, 640, 3), 90, np.uint8), picker)
    assert shown.shape[0] > 480
    assert (shown[190:210, 90:110] != 90).any()


# --- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "  ", "3", "3 door", "1,nan"])
def test_no_place(text):
    with pytest.raises(ValueError, match="expected"):
        parse_place(text)


def test_places_are_read_strictly(tmp_path):
    path = tmp_path / "places.csv"
    path.write_text("point,x,y\ndoor,4.0,2.0\n\n,1,1\n")
    assert read_places(path) == [Place("door", (4.0, 2.0)), Place("", (1.0, 1.0))]
    for text, message in (
        ("point,x\n", "line 1: expected the header point,x,y"),
        ("point,x,y\na,1\n", "line 2: expected point, x, y"),
        ("point,x,y\na,1,nan\n", "line 2"),
        ("point,x,y\na,1,2\na,2,3\n", "line 3: 'a' is there twice"),
        ("point,x,y\n", "no places"),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=message):
            read_places(path)
    with pytest.raises(InputError, match="no such file"):
        read_places(tmp_path / "gone.csv")


def test_files_keep_other_cameras_and_go_on_where_they_were_left(tmp_path):
    path = tmp_path / "pairs.csv"
    places = [Place("door", (4.0, 2.0)), Place("", (1.5, 0.25)), Place("stain", None)]
    north = [Picked((10.5 * n, 20.0), place) for n, place in enumerate(places, 1)]
    save_picked(path, "north", north)
    save_picked(path, "south", north[:1])
    save_picked(path, "north", north[:2])
    pairs = read_point_pairs(path)
    assert pairs.cameras == ("south", "north", "north")
    np.testing.assert_allclose(pairs.of_camera("north").uv, [[10.5, 20], [21, 20]])
    again = PointPicker(Viewport(SIZE, SIZE, 1.0), places[:2], load_picked(path, "north"))
    assert len(again.picked) == 2
    assert again.next_place is None
    assert [one.place for one in again.picked] == places[:2]
    assert load_picked(tmp_path / "none.csv", "north") == []
    path.write_text("a,b\n")
    with pytest.raises(CalibrationError, match="line 1"):
        load_picked(path, "north")


# --- the command ----------------------------------------------------------------------------------


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "north.png"
    cv2.imwrite(str(path), np.full((480, 640, 3), 90, np.uint8))
    return path


def test_a_machine_without_display_says_so_in_one_line(image, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    out = tmp_path / "pairs.csv"
    assert main(["calibrate", "click", "--image", str(image), "--out", str(out)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert "no display" in lines[0]
    monkeypatch.setenv("DISPLAY", ":1")
    monkeypatch.setattr(window, "PROBE", "raise SystemExit(1)")
    assert main(["calibrate", "click", "--image", str(image), "--out", str(out)]) == 2
    assert "no window opens" in capsys.readouterr().err
    assert not out.exists()


def test_what_is_picked_can_be_solved(image, tmp_path, monkeypatch):
    """Somebody clicks the projections of twelve known places, in two cameras; poses come out."""
    out, places = tmp_path / "pairs.csv", tmp_path / "places.csv"
    floor = np.array([[x, y] for x in (0.0, 1.5, 3.0) for y in (0.0, 1.0, 2.0, 4.0)])
    rows = "".join(f"p{n},{x},{y}\n" for n, (x, y) in enumerate(floor))
    places.write_text("point,x,y\n" + rows)
    K = np.array([[500.0, 0, 320], [0, 500, 240], [0, 0, 1]])
    positions = {"north": [1.5, -5.0, 3.0], "east": [7.0, 1.0, 2.5]}

    def project(name):
        forward = np.array([1.5, 2.0, 0.0]) - positions[name]
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, [0, 0, 1.0])
        right /= np.linalg.norm(right)
        R = np.stack([right, np.cross(forward, right), forward])
        seen = (np.column_stack([floor, np.zeros(12)]) - positions[name]) @ R.T @ K.T
        return seen[:, :2] / seen[:, 2:]

    def somebody(image, picker, title, plan):
        for uv in project(title.removeprefix("mtmc: ")):
            picker.click(*picker.view.to_window(*uv))
        picker.key(ord("f"))

    monkeypatch.setattr(calibrate_click, "pick", somebody)
    for name in positions:
        words = ["--image", str(image), "--camera", name, "--places", str(places)]
        assert main(["calibrate", "click", *words, "--out", str(out)]) == 0
    solved = tmp_path / "cameras.toml"
    words = [str(out), "--image-size", "640x480", "--out", str(solved)]
    assert main(["calibrate", "solve", "extrinsics", *words]) == 0
    from mtmc.calibration.formats import read_cameras

    for camera in read_cameras(solved, "mtmc"):
        np.testing.assert_allclose(camera.position, positions[camera.name], atol=0.1)


def test_leaving_without_saving_writes_nothing(image, tmp_path, monkeypatch, capsys):
    out = tmp_path / "pairs.csv"
    base = ["calibrate", "click", "--image", str(image), "--out", str(out)]
    monkeypatch.setattr(calibrate_click, "pick", lambda _, picker, *rest: picker.key(ord("q")))
    assert main(base) == 130
    monkeypatch.setattr(calibrate_click, "pick", lambda _, picker, *rest: picker.key(ord("f")))
    assert main(base) == 2
    assert "nothing was picked" in capsys.readouterr().err
    assert main([*base, "--plan", str(image)]) == 2
    assert "expected all three or none" in capsys.readouterr().err
    assert main([*base[:3], str(tmp_path / "gone.png"), *base[4:]]) == 2
    assert "not an image" in capsys.readouterr().err
    assert not out.exists()
