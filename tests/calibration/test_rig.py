"""A rig from a board that is carried around: known truth and noise."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from mtmc.calibration import (
    CalibrationError,
    Camera,
    FisheyeDistortion,
    Intrinsics,
    OpenCVDistortion,
    TsaiDistortion,
)
from mtmc.calibration.boards import Board, BoardView
from mtmc.calibration.rig import solve_rig
from mtmc.calibration.rotation import rotation_from_vector

SIZE = (1280, 720)
BOARD = Board(10, 7, 0.1, 0.07)


@pytest.fixture
def rig(make_look_at):
    lens = OpenCVDistortion((-0.1, 0.02, 0.0, 0.0))
    K = np.array([[900.0, 0, 640], [0, 900, 360], [0, 0, 1]])
    cameras = []
    for name, x, y in (("a", -3, -3), ("b", 3, -3), ("c", 3, 3), ("d", -3, 3)):
        R, t = make_look_at(np.array([x, y, 2.5]), np.array([0, 0, 0.5]))
        cameras.append(Camera(name, K, R, t, SIZE, lens))
    return cameras


def carry_around(cameras, frames=40, noise=0.2, seed=0):
    """What the cameras see of the board: first on the floor, then held up and turned."""
    rng = np.random.default_rng(seed)
    corners = BOARD.corners()
    local = np.column_stack([corners * [1, -1], np.zeros(len(corners))])  # z out of its face
    views = {camera.name: [] for camera in cameras}
    for frame in range(frames):
        R, t = np.eye(3), np.zeros(3)
        if frame:
            R = rotation_from_vector(rng.uniform(-1, 1, 3))
            t = np.array([*rng.uniform(-0.7, 0.7, 2), rng.uniform(0.4, 1.3)])
        world = local @ R.T + t
        for camera in cameras:
            ray = camera.position - world.mean(axis=0)
            facing = R[:, 2] @ ray / np.linalg.norm(ray) > 0.3
            seen = camera.visible(world)
            if facing and seen.sum() > 12:
                uv = camera.project(world)[seen] + rng.normal(0, noise, (seen.sum(), 2))
                views[camera.name].append(BoardView(f"{frame:03d}", uv, corners[seen]))
    return views


def intrinsics_of(cameras):
    return {c.name: Intrinsics(c.name, c.K, c.image_size, c.distortion) for c in cameras}


def test_cameras_are_found_in_the_world_of_the_board_on_the_floor(rig):
    fit = solve_rig(BOARD, carry_around(rig), intrinsics_of(rig), "000")
    assert [camera.name for camera in fit.cameras] == ["a", "b", "c", "d"]
    assert 0.2 < fit.rms_px < 0.4  # 0.2·√2 px in length
    assert len(fit.view_errors_px) > 60
    assert max(fit.view_errors_px.values()) < 0.6
    for found, camera in zip(fit.cameras, rig, strict=True):
        np.testing.assert_allclose(found.position, camera.position, atol=0.03)
        np.testing.assert_allclose(found.R, camera.R, atol=0.005)
        assert found.distortion == camera.distortion
    # what counts: places on the floor agree between cameras
    xy = np.random.default_rng(0).uniform(-1.5, 1.5, (20, 2))
    for found, camera in zip(fit.cameras, rig, strict=True):
        off = found.ground_from_image(camera.image_from_ground(xy)) - xy
        assert np.nanmax(np.linalg.norm(off, axis=1)) < 0.03


def test_what_cannot_be_solved_is_named(rig):
    views, inner = carry_around(rig, 12), intrinsics_of(rig)
    with pytest.raises(CalibrationError, match="view '999': no camera sees the board on the floor"):
        solve_rig(BOARD, views, inner, "999")
    with pytest.raises(CalibrationError, match="a rig needs a ChArUco board"):
        solve_rig(Board(9, 6, 0.1), views, inner, "000")
    with pytest.raises(CalibrationError, match="camera 'd': no intrinsics"):
        solve_rig(BOARD, views, {name: inner[name] for name in "abc"}, "000")
    alone = {**views, "d": [BoardView("else", views["d"][0].uv, views["d"][0].xy)]}
    with pytest.raises(CalibrationError, match="camera 'd': shares no view of the board"):
        solve_rig(BOARD, alone, inner, "000")
    renamed = {"000": [], **views, "d": []}
    with pytest.raises(CalibrationError, match="camera '000': no intrinsics"):
        solve_rig(BOARD, renamed, inner, "000")
    assert len(solve_rig(BOARD, {"a": views["a"]}, inner, "000").cameras) == 1


def test_cameras_with_different_lenses(rig):
    lenses = (None, TsaiDistortion((0.15,)), FisheyeDistortion((0.02, 0.0, 0.0, 0.0)))
    mixed = [
        dataclasses.replace(camera, distortion=lens)
        for camera, lens in zip(rig, lenses, strict=False)
    ]
    fit = solve_rig(BOARD, carry_around(mixed, 25), intrinsics_of(mixed), "000")
    for found, camera in zip(fit.cameras, mixed, strict=True):
        np.testing.assert_allclose(found.position, camera.position, atol=0.03)
    assert fit.rms_px < 0.4


def test_a_wrong_view_does_little_harm(rig):
    views = carry_around(rig, 25)
    wrong = views["b"][4]
    views["b"][4] = BoardView(wrong.name, wrong.uv + [40.0, 10.0], wrong.xy)
    fit = solve_rig(BOARD, views, intrinsics_of(rig), "000")
    for found, camera in zip(fit.cameras, rig, strict=True):
        np.testing.assert_allclose(found.position, camera.position, atol=0.05)
    assert max(fit.view_errors_px, key=fit.view_errors_px.get)[1] == wrong.name
