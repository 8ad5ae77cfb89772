"""Intrinsics from boards: rendered pictures, and corners with known truth and noise."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mtmc.calibration import (
    CalibrationError,
    Camera,
    FisheyeDistortion,
    OpenCVDistortion,
)
from mtmc.calibration.boards import Board, BoardView, find_boards
from mtmc.calibration.rotation import rotation_from_vector
from mtmc.calibration.solve_intrinsics import solve_intrinsics

K = np.array([[820.0, 0, 645], [0, 815.0, 355], [0, 0, 1]])
SIZE = (1280, 720)
LENSES = {
    "opencv5": OpenCVDistortion((-0.25, 0.08, 0.0008, -0.0005, 0.0)),
    "opencv8": OpenCVDistortion((0.3, 0.05, 0.0, 0.0, 0.01, 0.5, 0.1, 0.01)),
    "fisheye": FisheyeDistortion((0.04, -0.01, 0.002, 0.0)),
}


def poses(rng, count, tilt=0.5, columns=9, rows=6, square=0.05):
    """Poses that bring the middle of a board to many places of the image."""
    for _ in range(count):
        R = rotation_from_vector(rng.uniform(-tilt, tilt, 3) * [1, 1, 0.5])
        depth = rng.uniform(0.45, 0.9)
        spot = rng.uniform([250, 180], [1030, 540])
        middle = depth * (np.linalg.inv(K) @ [*spot, 1.0])
        yield R, middle - R @ [columns * square / 2, rows * square / 2, 0.0]


def views_of(lens, rng, count=20, noise=0.2, tilt=0.5):
    across, down = np.meshgrid(np.arange(9), np.arange(6))
    xy = np.column_stack([across.ravel(), down.ravel()]) * 0.05
    views = []
    for number, (R, t) in enumerate(poses(rng, count, tilt)):
        camera = Camera("c", K, R, t, SIZE, lens)
        uv = camera.project(np.column_stack([xy, np.zeros(len(xy))]))
        seen = np.isfinite(uv).all(axis=1) & ((uv > 0) & (uv < SIZE)).all(axis=1)
        noisy = uv[seen] + rng.normal(0, noise, (seen.sum(), 2))
        views.append(BoardView(str(number), noisy, xy[seen]))
    return views


@pytest.mark.parametrize("model", sorted(LENSES))
def test_known_intrinsics_are_found_again(model):
    lens = LENSES[model]
    fit = solve_intrinsics("cam", views_of(lens, np.random.default_rng(1)), SIZE, model)
    found = fit.intrinsics
    assert found.K[0, 0] == pytest.approx(K[0, 0], rel=0.01)
    assert found.K[1, 1] == pytest.approx(K[1, 1], rel=0.01)
    np.testing.assert_allclose(found.K[:2, 2], K[:2, 2], atol=6)
    # noise of 0.2 px in u and v is 0.28 px in length; the fit takes a little of it
    assert 0.24 < fit.rms_px < 0.30
    assert fit.coverage > 0.5
    assert not fit.dropped
    # what counts: directions of pixels all over the middle of the image agree
    u, v = np.meshgrid(np.linspace(150, 1130, 9), np.linspace(100, 620, 7))
    uv = np.column_stack([u.ravel(), v.ravel()])
    truth = Camera("t", K, np.eye(3), np.zeros(3), SIZE, lens).ray(uv)[1]
    angle = np.degrees(
        np.arccos(np.clip((found.at(np.eye(3), np.zeros(3)).ray(uv)[1] * truth).sum(1), -1, 1))
    )
    # a shift of the principal point is a rotation of the camera, which poses absorb
    assert np.median(angle) < 0.5


def test_a_wrong_view_is_dropped():
    views = views_of(LENSES["opencv5"], np.random.default_rng(2))
    wrong = views[3].uv.copy()
    wrong[:20] += 15.0
    views[3] = BoardView("moved", wrong, views[3].xy)
    fit = solve_intrinsics("cam", views, SIZE)
    assert fit.dropped == ("moved",)
    assert "moved" not in fit.view_errors_px
    assert fit.intrinsics.K[0, 0] == pytest.approx(K[0, 0], rel=0.01)


def test_views_that_leave_it_open_are_refused():
    rng = np.random.default_rng(3)
    frontal = views_of(LENSES["opencv5"], rng, noise=0.3, tilt=1e-6)
    with pytest.raises(
        CalibrationError, match="camera 'cam': the views leave the focal length open"
    ):
        solve_intrinsics("cam", frontal, SIZE)
    with pytest.raises(CalibrationError, match="expected at least 4 views of the board, got 3"):
        solve_intrinsics("cam", frontal[:3], SIZE)
    with pytest.raises(CalibrationError, match="model: expected one of opencv5, opencv8, fisheye"):
        solve_intrinsics("cam", frontal, SIZE, "pinhole")


def board_picture(board, pixels):
    """The printed board, ``pixels`` per square, and where its corner (0, 0) lies in it."""
    if board.marker_m is None:
        cells = np.indices((board.rows + 1, board.columns + 1)).sum(axis=0) % 2
        picture = np.kron(cells * 255, np.ones((pixels, pixels))).astype(np.uint8)
        margin = pixels
        picture = cv2.copyMakeBorder(
            picture, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=255
        )
        return picture, (margin + pixels, margin + pixels)
    dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, board.dictionary))
    charuco = cv2.aruco.CharucoBoard(
        (board.columns, board.rows), board.square_m, board.marker_m, dictionary
    )
    size = (board.columns * pixels, board.rows * pixels)
    picture = charuco.generateImage(size, marginSize=0)
    margin = pixels
    picture = cv2.copyMakeBorder(
        picture, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=255
    )
    return picture, (margin, margin)


def photograph(board, R, t):
    """The board as a pinhole camera sees it: pixel centres are whole numbers, as in OpenCV."""
    pixels = 40
    picture, corner = board_picture(board, pixels)
    # edges between picture cells lie half a pixel before the next cell's first pixel centre
    to_metres = np.array(
        [[1 / pixels, 0, -(corner[0] - 0.5) / pixels], [0, 1 / pixels, -(corner[1] - 0.5) / pixels],
         [0, 0, 1 / board.square_m]]
    ) * board.square_m  # fmt: skip
    H = K @ np.column_stack([R[:, :2], t]) @ to_metres
    big = cv2.warpPerspective(
        picture, np.diag([2.0, 2.0, 1.0]) @ H, (2 * SIZE[0], 2 * SIZE[1]), borderValue=200
    )
    return cv2.resize(cv2.GaussianBlur(big, (0, 0), 1.2), SIZE, interpolation=cv2.INTER_AREA)


BOARDS = {
    "chessboard": Board(9, 6, 0.05),
    "charuco": Board(10, 7, 0.05, 0.037, "DICT_5X5_100"),
}


@pytest.mark.parametrize("kind", sorted(BOARDS))
def test_pictures_of_boards(tmp_path, kind):
    board = BOARDS[kind]
    rng = np.random.default_rng(4)
    paths = []
    for number, (R, t) in enumerate(poses(rng, 7, columns=board.columns, rows=board.rows)):
        paths.append(tmp_path / f"{number}.png")
        cv2.imwrite(str(paths[-1]), photograph(board, R, t))
    cv2.imwrite(str(tmp_path / "empty.png"), np.full((720, 1280), 90, np.uint8))
    views, size, missed = find_boards([*paths, tmp_path / "empty.png"], board)
    assert size == SIZE
    assert str(tmp_path / "empty.png") in missed
    assert len(views) >= 5
    fit = solve_intrinsics("cam", views, size)
    assert fit.rms_px < 0.35
    assert fit.intrinsics.K[0, 0] == pytest.approx(K[0, 0], rel=0.01)
    np.testing.assert_allclose(fit.intrinsics.K[:2, 2], K[:2, 2], atol=6)


def test_wrong_files(tmp_path):
    board = BOARDS["chessboard"]
    (tmp_path / "a.png").write_text("no image")
    with pytest.raises(CalibrationError, match=r"a\.png: not an image"):
        find_boards([tmp_path / "a.png"], board)
    with pytest.raises(CalibrationError, match="no images given"):
        find_boards([], board)
    cv2.imwrite(str(tmp_path / "b.png"), np.zeros((48, 64), np.uint8))
    cv2.imwrite(str(tmp_path / "c.png"), np.zeros((48, 63), np.uint8))
    with pytest.raises(CalibrationError, match=r"c\.png: expected \(64, 48\) pixels as before"):
        find_boards([tmp_path / "b.png", tmp_path / "c.png"], board)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((2, 6), "expected 3×3 or more, got 2×6"),
        ((9, 6, 0.0), "square_m: expected a positive"),
        ((9, 6, 0.05, 0.06), "marker_m: expected a length below"),
        ((9, 6, 0.05, 0.03, "DICT_NONE"), "no ArUco dictionary 'DICT_NONE'"),
    ],
)
def test_a_board_is_checked_at_birth(arguments, message):
    with pytest.raises(ValueError, match=message):
        Board(*arguments)
