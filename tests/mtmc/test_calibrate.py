"""``mtmc calibrate``: pictures, conversion and solving, called as a user calls them."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest

from mtmc.calibration import (
    CalibrationError,
    Camera,
    HomographyCamera,
    Intrinsics,
    TsaiDistortion,
)
from mtmc.calibration.boards import Board
from mtmc.calibration.formats import (
    read_cameras,
    read_intrinsics,
    write_cameras,
    write_intrinsics,
)
from mtmc.calibration_view import CalibrationView, remarks, with_images, write_pictures
from mtmc.cli import build_parser
from mtmc.errors import InputError
from mtmc.floor.coverage import PERSON_M, covered_bounds, covers
from mtmc.floor.coverage_picture import CoveragePictureConfig, coverage_picture
from mtmc.floor.ground_grid import draw_ground_grid, grid_step

SIZE = (640, 480)


def camera_at(name, position, target, lens=None, focal=500.0):
    position, target = np.asarray(position, float), np.asarray(target, float)
    forward = (target - position) / np.linalg.norm(target - position)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    R = np.stack([right, np.cross(forward, right), forward])
    K = np.array([[focal, 0, SIZE[0] / 2], [0, focal, SIZE[1] / 2], [0, 0, 1.0]])
    return Camera(name, K, R, -R @ position, SIZE, lens)


@pytest.fixture
def rig():
    return [
        camera_at("west", (-5, 0, 3), (0, 0, 0)),
        camera_at("east", (5, 1, 2.5), (0, 0, 0)),
        camera_at("south", (0, -6, 4), (0, 0, 0), TsaiDistortion((0.2,))),
    ]


def flat(camera):
    H = np.linalg.inv(camera.K @ np.column_stack([camera.R[:, :2], camera.t]))
    return HomographyCamera(camera.name, H, camera.image_size)


def run(*words):
    arguments = build_parser(("calibrate",)).parse_args(["calibrate", *map(str, words)])
    return arguments.handler(arguments)


# --- the pictures ---------------------------------------------------------------------------------


def test_coverage_is_feet_inside_and_a_person_tall_enough(rig):
    xy = np.random.default_rng(0).uniform(-12, 12, (400, 2))
    for camera in rig:
        expected = []
        for point in xy:
            foot, head = camera.project([[*point, 0.0], [*point, PERSON_M]])
            inside = 0 <= foot[0] < SIZE[0] and 0 <= foot[1] < SIZE[1]
            expected.append(bool(inside and np.hypot(*(head - foot)) >= 0.15 * SIZE[1]))
        assert covers(camera, xy, 0.15).tolist() == expected
        assert 0 < sum(expected) < len(xy)
    near = covers(flat(rig[0]), xy, 0.15)
    assert 0 < near.sum() < len(xy)
    uv = rig[0].image_from_ground(xy[near])
    assert ((uv >= 0) & (uv < SIZE)).all()


def test_the_map_shades_places_by_the_number_of_cameras(rig):
    bounds = (-8.0, -8.0, 8.0, 8.0)
    image = coverage_picture(rig, bounds, CoveragePictureConfig(size_px=400))
    assert image.dtype == np.uint8
    assert image.shape[0] > 400
    xy = np.random.default_rng(0).uniform(-7.9, 7.9, (3000, 2))
    counts = np.sum([covers(camera, xy, 0.1) for camera in rig], axis=0)
    columns, rows = ((xy + [8.0, 0.0]) * 25).astype(int)[:, 0], ((8.0 - xy[:, 1]) * 25).astype(int)
    brightness = image[rows, columns].sum(axis=1)
    # lines and labels lie over some places: the middle value of each group is its shade
    shades = [np.median(brightness[counts == count]) for count in range(4)]
    assert (np.diff(shades) < -20).all(), "more cameras, darker"
    clear = np.abs(brightness - np.array(shades)[counts]) < 6
    assert clear.mean() > 0.75


def test_bounds_hold_cameras_and_what_two_of_them_see(rig):
    left, bottom, right, top = covered_bounds(rig)
    for camera in rig:
        assert left < camera.position[0] < right
        assert bottom < camera.position[1] < top
    assert right - left < 60
    assert coverage_picture([flat(camera) for camera in rig]).size
    assert coverage_picture(rig[:1]).size


def test_what_cannot_be_drawn(rig):
    with pytest.raises(ValueError, match="at least one camera"):
        coverage_picture([])
    with pytest.raises(ValueError, match="left < right"):
        coverage_picture(rig, (1.0, 0.0, 1.0, 2.0))
    sky = camera_at("sky", (0, 0, 2), (1, 0, 50))
    with pytest.raises(ValueError, match="no camera sees any ground"):
        coverage_picture([sky])
    with pytest.raises(ValueError, match="size_px: expected 200"):
        CoveragePictureConfig(size_px=10)
    with pytest.raises(ValueError, match="reach_m: expected a positive"):
        CoveragePictureConfig(reach_m=0.0)


@pytest.mark.parametrize("kind", ["pinhole", "tsai", "homography"])
def test_the_grid_lies_where_the_ground_is(rig, kind):
    camera = {"pinhole": rig[0], "tsai": rig[2], "homography": flat(rig[0])}[kind]
    image = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    draw_ground_grid(image, camera, 1.0)
    along = np.linspace(-1.5, 1.5, 30) + 0.05
    for points, channel in (
        (np.column_stack([along, np.zeros(30)]), 2),  # the X axis is red
        (np.column_stack([np.zeros(30), along]), 1),  # the Y axis is green
    ):
        uv = np.round(camera.image_from_ground(points)).astype(int)
        inside = ((uv >= 0) & (uv < SIZE)).all(axis=1)
        colours = image[uv[inside, 1], uv[inside, 0]].astype(int)
        others = np.delete(colours, channel, axis=1).max(axis=1)
        # labels and the other axis may hide a few
        assert (colours[:, channel] > others + 60).mean() > 0.7
    between = np.round(camera.image_from_ground([[0.5, 0.5]])).astype(int)[0]
    assert image[between[1], between[0]].sum() == 0


def test_a_grid_needs_the_right_image(rig):
    with pytest.raises(ValueError, match=r"camera 'west': expected an image of \(640, 480\)"):
        draw_ground_grid(np.zeros((10, 10, 3), np.uint8), rig[0])
    blank = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    draw_ground_grid(blank, camera_at("sky", (0, 0, 2), (1, 0, 50)))
    assert not blank.any()


@pytest.mark.parametrize(("extent", "step"), [(12.0, 1.0), (13.0, 2.0), (1.0, 0.1), (300, 50.0)])
def test_steps_are_round(extent, step):
    assert grid_step(extent) == pytest.approx(step)


def test_remarks_name_what_is_hardly_meant(rig):
    assert remarks(rig) == []
    low = camera_at("low", (0, -5, -2), (0, 0, -1))
    high = camera_at("high", (0, -500, 300), (0, 0, 0))
    turned = dataclasses.replace(
        rig[0], name="turned", R=np.diag([-1.0, -1, 1]) @ rig[0].R,
        t=np.diag([-1.0, -1, 1]) @ rig[0].t,
    )  # fmt: skip
    mirrored = HomographyCamera("m", np.diag([1.0, -1, 1]) @ flat(rig[0]).H, SIZE)
    text = "\n".join(remarks([low, high, turned, mirrored, flat(rig[1])]))
    assert "low: stands 2.00 m below the floor" in text
    assert "low: the middle of its lowest row shows no ground" in text
    assert "high: stands 300 m high: is the unit right?" in text
    assert "turned: its image is upside down" in text
    assert "some cameras have mirrored ground axes and others have not" in text


def test_pictures_are_written_beside_each_other(rig, tmp_path):
    image = tmp_path / "image.png"
    cv2.imwrite(str(image), np.full((240, 320, 3), 90, np.uint8))  # half the size will do
    view = with_images(CalibrationView(rig), {"east": image})
    written = write_pictures(view, tmp_path / "out" / "floor.png")
    assert [path.name for path in written] == ["floor.png", "floor-east.png"]
    assert cv2.imread(str(written[1])).shape == (720, 960, 3)  # enlarged, to be read
    assert (cv2.imread(str(written[1])) != 90).any()
    with pytest.raises(InputError, match="no camera 'north'; there are west, east, south"):
        with_images(view, {"north": image})
    with pytest.raises(InputError, match="not an image"):
        with_images(view, {"east": tmp_path / "nothing.png"})
    with pytest.raises(InputError, match=r"floor\.xyz: cannot write an image"):
        write_pictures(view, tmp_path / "floor.xyz")
    assert not list(tmp_path.glob(".floor*"))


# --- the commands ---------------------------------------------------------------------------------


def test_show(rig, tmp_path, capsys):
    write_cameras(tmp_path / "rig.toml", "mtmc", rig)
    out = tmp_path / "floor.png"
    assert run("show", "--format", "mtmc", tmp_path / "rig.toml", "--out", out) == 0
    printed = capsys.readouterr().out
    assert "west" in printed
    assert "-5.00" in printed
    assert "tsai" in printed
    assert str(out) in printed
    assert cv2.imread(str(out)) is not None
    assert run("show", "--format", "mtmc", tmp_path / "rig.toml", "--bounds=-2,-2,2,2",
               "--out", out) == 0  # fmt: skip


def test_show_a_sequence(tmp_path, rig):
    site = tmp_path / "yard"
    site.mkdir()
    with pytest.raises(InputError, match="no multi-camera sequence"):
        run("show", "--sequence", site, "--out", tmp_path / "floor.png")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--out", "x.png"), "expected either --sequence NAME, or --format FORMAT PATH"),
        (("rig.toml", "--out", "x.png"), "--format: expected the format of rig.toml"),
        (("rig.toml", "--format", "mtmc", "--out", "x.png", "--image-size", "640"),
         "--image-size: expected WIDTHxHEIGHT in pixels, got '640'"),
    ],
)  # fmt: skip
def test_show_says_what_is_missing(words, message):
    with pytest.raises(InputError, match=message):
        run("show", *words)


def test_convert(rig, tmp_path, capsys):
    write_cameras(tmp_path / "rig.toml", "mtmc", rig)
    source = ("--from", "mtmc", tmp_path / "rig.toml")
    with pytest.raises(CalibrationError, match="has a tsai lens"):
        run("convert", *source, "--to", "opencv", tmp_path / "rig.yml")
    assert run("convert", *source, "--refit-lens", "--to", "opencv", tmp_path / "rig.yml") == 0
    assert "south: new lens within 0.0" in capsys.readouterr().out
    xyz = np.random.default_rng(0).uniform([-2, -2, 0], [2, 2, 2], (30, 3))
    for found, camera in zip(read_cameras(tmp_path / "rig.yml", "opencv"), rig, strict=True):
        np.testing.assert_allclose(found.project(xyz), camera.project(xyz), atol=0.1)


def pairs_csv(cameras, path, noise=0.4, count=25, reach=1.8):
    rng = np.random.default_rng(1)
    floor = np.column_stack([rng.uniform(-reach, reach, (count, 2)), np.zeros(count)])
    lines = ["camera,u,v,x,y"]
    for camera in cameras:
        for (u, v), (x, y, _) in zip(camera.project(floor), floor, strict=True):
            du, dv = rng.normal(0, noise, 2)
            lines.append(f"{camera.name},{u + du:.2f},{v + dv:.2f},{x:.4f},{y:.4f}")
    path.write_text("\n".join(lines) + "\n")


def test_solve_extrinsics(rig, tmp_path, capsys):
    pairs_csv(rig, tmp_path / "pairs.csv")
    write_cameras(tmp_path / "before.toml", "mtmc", rig)
    out = tmp_path / "solved.toml"
    code = run("solve", "extrinsics", tmp_path / "pairs.csv", "--cameras", "mtmc",
               tmp_path / "before.toml", "--pixel-sigma", "0.4", "--out", out)  # fmt: skip
    assert code == 0
    for found, camera in zip(read_cameras(out, "mtmc"), rig, strict=True):
        np.testing.assert_allclose(found.position, camera.position, atol=0.05)
    printed = capsys.readouterr().out
    assert "error px" in printed
    assert "south" in printed


def test_solve_extrinsics_without_intrinsics(rig, tmp_path):
    pairs_csv(rig[:2], tmp_path / "pairs.csv", noise=0.1, count=60, reach=2.2)
    out = tmp_path / "solved.yml"
    code = run("solve", "extrinsics", tmp_path / "pairs.csv", "--image-size", "640x480",
               "--pixel-sigma", "0.1", "--to", "opencv", "--out", out)  # fmt: skip
    assert code == 0
    for found, camera in zip(read_cameras(out, "opencv"), rig, strict=False):
        assert found.K[0, 0] == pytest.approx(500, rel=0.03)
        np.testing.assert_allclose(found.position, camera.position, atol=0.2)


def test_solve_intrinsics(tmp_path, capsys):
    rng = np.random.default_rng(0)
    board = np.kron(np.indices((7, 10)).sum(axis=0) % 2, np.ones((40, 40))) * 255
    board = cv2.copyMakeBorder(board.astype(np.uint8), 40, 40, 40, 40, cv2.BORDER_CONSTANT,
                               value=255)  # fmt: skip
    K = np.array([[500.0, 0, 320], [0, 500, 240], [0, 0, 1]])
    (tmp_path / "boards").mkdir()
    for number in range(6):
        R, _ = cv2.Rodrigues(rng.uniform(-0.5, 0.5, 3))
        middle = np.array([*rng.uniform(-0.15, 0.15, 2), 1.0]) * 640.0
        H = K @ np.column_stack([R[:, :2], middle - R[:, :2] @ [240.0, 180.0]])
        picture = cv2.warpPerspective(board, H, SIZE, borderValue=180)
        cv2.imwrite(str(tmp_path / "boards" / f"{number}.png"), picture)
    out = tmp_path / "north.yml"
    code = run("solve", "intrinsics", tmp_path / "boards", "--chessboard", "9x6", "--name",
               "north", "--out", out)  # fmt: skip
    assert code == 0
    (found,) = read_intrinsics(out)
    assert found.name == "north"
    assert found.K[0, 0] == pytest.approx(500, rel=0.03)
    assert "reprojection error" in capsys.readouterr().out
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no images in it"):
        run("solve", "intrinsics", tmp_path / "empty", "--chessboard", "9x6", "--name", "n",
            "--out", out)  # fmt: skip


def board_picture(camera, board, R, t):
    """What a camera sees of a printed ChArUco board at a place."""
    pixels = 40
    dictionary = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50)
    charuco = cv2.aruco.CharucoBoard(
        (board.columns, board.rows), board.square_m, board.marker_m, dictionary
    )
    picture = charuco.generateImage((board.columns * pixels, board.rows * pixels))
    picture = cv2.copyMakeBorder(picture, pixels, pixels, pixels, pixels, cv2.BORDER_CONSTANT,
                                 value=255)  # fmt: skip
    metre = board.square_m / pixels
    to_board = np.array(
        [[metre, 0, -(pixels - 0.5) * metre], [0, -metre, (pixels - 0.5) * metre], [0, 0, 1.0]]
    )
    H = camera.K @ np.column_stack([camera.R @ R[:, :2], camera.R @ t + camera.t]) @ to_board
    return cv2.warpPerspective(picture, H, camera.image_size, borderValue=120)


def test_solve_rig(tmp_path, capsys):
    cameras = [
        camera_at("west", (-1.6, -1.5, 1.6), (0.2, -0.1, 0.1), focal=620.0),
        camera_at("east", (1.6, -1.6, 1.5), (0.2, -0.1, 0.1), focal=620.0),
    ]
    board = Board(8, 6, 0.12, 0.09)
    rng = np.random.default_rng(0)
    for camera in cameras:
        (tmp_path / camera.name).mkdir()
        inner = Intrinsics(camera.name, camera.K, camera.image_size)
        write_intrinsics(tmp_path / f"{camera.name}.yml", [inner])
    for number in range(9):
        turn = rng.uniform(-0.4, 0.4, 3) if number else np.zeros(3)
        R, _ = cv2.Rodrigues(turn)
        t = np.array([*rng.uniform(-0.4, 0.0, 2), rng.uniform(0.0, 0.4)]) if number else np.zeros(3)
        for camera in cameras:
            path = tmp_path / camera.name / f"{number}.png"
            cv2.imwrite(str(path), board_picture(camera, board, R, t))
    out = tmp_path / "rig.toml"
    code = run("solve", "rig", f"west={tmp_path / 'west'}", f"east={tmp_path / 'east'}",
               "--intrinsics", tmp_path / "west.yml", tmp_path / "east.yml", "--charuco", "8x6",
               "--square-m", "0.12", "--floor", "0", "--out", out)  # fmt: skip
    assert code == 0
    for found, camera in zip(read_cameras(out, "mtmc"), cameras, strict=True):
        np.testing.assert_allclose(found.position, camera.position, atol=0.03)
    assert "reprojection error" in capsys.readouterr().out
