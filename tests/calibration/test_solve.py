"""Extrinsics from floor points: synthetic cameras with known truth, noise, and wrong input."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from mtmc.calibration import CalibrationError, Camera, Intrinsics, OpenCVDistortion
from mtmc.calibration.planar import fit_homography, other_pose, pose_from_homography
from mtmc.calibration.point_pairs import PointPairs, read_point_pairs
from mtmc.calibration.solve import SolveConfig, intrinsics_guess, solve_site

LENSES = ("none", "opencv5", "fisheye", "tsai")


def without_skew(camera):
    K = camera.K.copy()
    K[0, 1] = 0.0
    return dataclasses.replace(camera, K=K)


@pytest.fixture
def make_site(make_camera):
    """Cameras and what they see: ``make_site(seed, ...) -> cameras, PointPairs, true places``."""

    def make(seed, cameras=3, lens="opencv5", places=14, noise=0.0, ties=0, heights=None):
        rng = np.random.default_rng(seed)
        truth = np.column_stack(
            [rng.uniform(-2.5, 2.5, (places + ties, 2)), np.zeros(places + ties)]
        )
        if heights is not None:
            truth[: len(heights), 2] = heights
        rig = [
            without_skew(make_camera(1000 * seed + number, lens, f"c{number}"))
            for number in range(cameras)
        ]
        rows = []
        for camera in rig:
            uv = camera.project(truth)
            for index in np.flatnonzero(camera.visible(truth)):
                known = truth[index] if index < places else [np.nan, np.nan, 0.0]
                rows.append((camera.name, f"p{index}", uv[index] + rng.normal(0, noise, 2), known))
        names, points, uv, xyz = zip(*rows, strict=True)
        return rig, PointPairs(names, points, np.array(uv), np.array(xyz)), truth

    return make


def intrinsics_of(cameras):
    return {
        camera.name: Intrinsics(camera.name, camera.K, camera.image_size, camera.distortion)
        for camera in cameras
    }


@pytest.mark.parametrize("lens", LENSES)
@pytest.mark.parametrize("seed", range(4))
def test_without_noise_the_truth_is_found(make_site, lens, seed):
    cameras, pairs, _ = make_site(seed, lens=lens)
    solution = solve_site(pairs, intrinsics_of(cameras))
    for fit, camera in zip(solution.fits, cameras, strict=True):
        assert fit.camera.name == camera.name
        np.testing.assert_allclose(fit.camera.position, camera.position, atol=1e-5)
        np.testing.assert_allclose(fit.camera.R, camera.R, atol=1e-6)
        assert fit.rms_px < 1e-5
        assert not fit.outliers


def test_errors_are_as_large_as_announced(make_site):
    """Positions scatter by the standard deviations that are reported, within a band."""
    ratios, rms = [], []
    for seed in range(10):
        cameras, pairs, _ = make_site(seed, cameras=2, noise=0.7)
        solution = solve_site(pairs, intrinsics_of(cameras), SolveConfig(pixel_sigma=0.7))
        for fit, camera in zip(solution.fits, cameras, strict=True):
            ratios.append((fit.camera.position - camera.position) / fit.position_sigma_m)
            rms.append(fit.rms_px)
    assert 0.7 < np.sqrt(np.mean(np.square(ratios))) < 1.4
    assert 0.6 < np.mean(rms) < 1.1  # 0.7·√2 px in length, less what six parameters take


def test_places_that_nobody_measured_tie_cameras_together(make_site):
    cameras, pairs, truth = make_site(5, cameras=3, places=6, ties=12, noise=0.5, lens="none")
    solution = solve_site(pairs, intrinsics_of(cameras))
    assert {"p6", "p17"} <= set(solution.points)
    for index in range(6, 18):
        assert np.linalg.norm(solution.points[f"p{index}"] - truth[index]) < 0.1
    measured = pairs.measured
    alone = PointPairs(
        tuple(np.array(pairs.cameras)[measured]),
        tuple(np.array(pairs.points)[measured]),
        pairs.uv[measured],
        pairs.xyz[measured],
    )
    without = solve_site(alone, intrinsics_of(cameras))
    spread = [
        np.linalg.norm([fit.position_sigma_m for fit in each.fits]) for each in (solution, without)
    ]
    assert spread[0] < spread[1], "more sightings, smaller uncertainty"


def test_a_tape_measure_that_is_not_trusted(make_site):
    """With its error in the config, the announced uncertainty is right; without, far too small."""
    ratios = {0.0: [], 0.03: []}
    for seed in (3, 4, 5):
        cameras, pairs, _ = make_site(seed, cameras=3, noise=0.3, lens="none")
        rng = np.random.default_rng(seed)
        moved = {name: rng.normal(0, 0.03, 2) for name in dict.fromkeys(pairs.points)}
        xyz = pairs.xyz.copy()
        xyz[:, :2] += [moved[name] for name in pairs.points]
        wrong = dataclasses.replace(pairs, xyz=xyz)
        for sigma, found in ratios.items():
            config = SolveConfig(pixel_sigma=0.3, floor_sigma_m=sigma)
            solution = solve_site(wrong, intrinsics_of(cameras), config)
            for fit, camera in zip(solution.fits, cameras, strict=True):
                found.extend((fit.camera.position - camera.position) / fit.position_sigma_m)
    typical = {sigma: np.sqrt(np.mean(np.square(found))) for sigma, found in ratios.items()}
    assert 0.6 < typical[0.03] < 1.6
    assert typical[0.0] > 3.0


def test_a_wrong_pair_is_named_and_does_little_harm(make_site):
    cameras, pairs, _ = make_site(6, cameras=2, noise=0.5, lens="none")
    uv = pairs.uv.copy()
    uv[3] += [60.0, -45.0]
    solution = solve_site(dataclasses.replace(pairs, uv=uv), intrinsics_of(cameras))
    assert solution.fits[0].outliers == (pairs.points[3],)
    assert not solution.fits[1].outliers
    for fit, camera in zip(solution.fits, cameras, strict=True):
        assert np.linalg.norm(fit.camera.position - camera.position) < 0.3


def test_places_at_other_heights_take_part(make_site):
    cameras, pairs, _ = make_site(
        7, noise=0.5, lens="opencv5", heights=[1.0, 1.5, 2.0, 0.7, 1.2, 1.8]
    )
    solution = solve_site(pairs, intrinsics_of(cameras))
    for fit, camera in zip(solution.fits, cameras, strict=True):
        assert np.linalg.norm(fit.camera.position - camera.position) < 0.15


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_focal_length_and_lens_can_be_estimated(make_look_at, seed):
    rng = np.random.default_rng(seed)
    R, t = make_look_at(np.array([4.0, -5.0, 3.0]), np.array([0.5, 0.0, 0.0]))
    K = np.array([[1100.0, 0, 960], [0, 1100, 540], [0, 0, 1]])
    camera = Camera("c", K, R, t, (1920, 1080), OpenCVDistortion((-0.12, 0, 0, 0)))
    xyz = np.column_stack([rng.uniform(-4, 4, (60, 2)), np.zeros(60)])
    xyz = xyz[camera.visible(xyz)]
    uv = camera.project(xyz) + rng.normal(0, 0.3, (len(xyz), 2))
    names = tuple(f"p{index}" for index in range(len(xyz)))
    pairs = PointPairs(("c",) * len(xyz), names, uv, xyz)
    config = SolveConfig(pixel_sigma=0.3, estimate_focal=True, estimate_distortion=True)
    (fit,) = solve_site(pairs, {"c": intrinsics_guess("c", (1920, 1080))}, config).fits
    assert abs(fit.camera.K[0, 0] - 1100) < 5 * fit.focal_sigma_px
    assert fit.camera.K[0, 0] == pytest.approx(1100, rel=0.03)
    assert fit.camera.distortion.coefficients[0] == pytest.approx(-0.12, abs=0.02)
    assert np.linalg.norm(fit.camera.position - camera.position) < 0.15
    assert fit.rms_px < 0.6


# --- what is wrong --------------------------------------------------------------------------------


def one_camera(make_site, **arguments):
    cameras, pairs, _ = make_site(8, cameras=1, lens="none", **arguments)
    return cameras, pairs


def test_mirrored_floor_axes_are_named(make_site):
    cameras, pairs = one_camera(make_site, noise=0.5)
    for mirrored in (pairs.xyz * [1, -1, 1], pairs.xyz[:, [1, 0, 2]]):
        wrong = dataclasses.replace(pairs, xyz=mirrored)
        with pytest.raises(CalibrationError, match=r"camera 'c0': .*axes are mirrored"):
            solve_site(wrong, intrinsics_of(cameras))


def keep(pairs, rows):
    rows = list(rows)
    return PointPairs(
        tuple(pairs.cameras[row] for row in rows),
        tuple(pairs.points[row] for row in rows),
        pairs.uv[rows],
        pairs.xyz[rows],
    )


def test_too_few_places(make_site):
    cameras, pairs = one_camera(make_site)
    with pytest.raises(CalibrationError, match="at least 4 different places on the floor, got 3"):
        solve_site(keep(pairs, range(3)), intrinsics_of(cameras))
    with pytest.raises(CalibrationError, match="at least 4 different places on the floor, got 3"):
        solve_site(keep(pairs, [0, 1, 2, 2, 1]), intrinsics_of(cameras))


def test_places_on_a_line(make_site):
    cameras, pairs = one_camera(make_site)
    xyz = pairs.xyz.copy()
    xyz[:, 1] = 0.3 * xyz[:, 0] + 1.0
    camera = cameras[0]
    uv = camera.project(xyz)
    line = PointPairs(pairs.cameras, tuple(f"q{i}" for i in range(len(uv))), uv, xyz)
    with pytest.raises(CalibrationError, match="c0': the places on the floor lie on a line"):
        solve_site(line, intrinsics_of(cameras))


def test_three_of_four_on_a_line(make_site):
    cameras, _ = one_camera(make_site)
    xyz = np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0], [1, 1.5, 0]])
    pairs = PointPairs(("c0",) * 4, tuple("abcd"), cameras[0].project(xyz), xyz)
    with pytest.raises(CalibrationError, match="no three are on a line"):
        solve_site(pairs, intrinsics_of(cameras))


def test_pairs_that_belong_to_nothing(make_site):
    cameras, pairs = one_camera(make_site)
    shuffled = np.random.default_rng(0).permutation(pairs.uv)
    with pytest.raises(CalibrationError, match=r"c0': (no point fits|the points fit no|the cam)"):
        solve_site(dataclasses.replace(pairs, uv=shuffled), intrinsics_of(cameras))


def test_a_camera_without_intrinsics(make_site):
    cameras, pairs, _ = make_site(1, cameras=2)
    with pytest.raises(CalibrationError, match="camera 'c1': no intrinsics for it"):
        solve_site(pairs, intrinsics_of(cameras[:1]))


def test_a_tie_that_only_one_camera_sees(make_site):
    cameras, pairs = one_camera(make_site, ties=1)
    with pytest.raises(CalibrationError, match="point 'p14': expected x and y, or two cameras"):
        solve_site(pairs, intrinsics_of(cameras))


def test_a_view_from_straight_above_leaves_the_focal_length_open():
    R = np.diag([1.0, -1.0, -1.0])
    K = np.array([[900.0, 0, 640], [0, 900, 360], [0, 0, 1]])
    camera = Camera("top", K, R, -R @ [0, 0, 5.0], (1280, 720))
    xyz = np.column_stack([np.random.default_rng(0).uniform(-1.5, 1.5, (12, 2)), np.zeros(12)])
    pairs = PointPairs(("top",) * 12, tuple("abcdefghijkl"), camera.project(xyz), xyz)
    fit = solve_site(pairs, {"top": Intrinsics("top", K, (1280, 720))}).fits[0]
    np.testing.assert_allclose(fit.camera.position, [0, 0, 5], atol=1e-5)
    with pytest.raises(CalibrationError, match="these points leave the focal length open"):
        solve_site(
            pairs, {"top": intrinsics_guess("top", (1280, 720))}, SolveConfig(estimate_focal=True)
        )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pixel_sigma": 0.0}, "pixel_sigma: expected a positive"),
        ({"robust_sigmas": -1.0}, "robust_sigmas: expected a positive"),
        ({"floor_sigma_m": -1.0}, "floor_sigma_m: expected 0 or more"),
    ],
)
def test_the_config_is_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        SolveConfig(**arguments)


def test_the_mirrored_tilt_looks_nearly_the_same_from_far_away(make_camera):
    camera = without_skew(make_camera(3))
    centroid = np.array([0.2, -0.3, 0.0])
    R, t = other_pose(camera.R, camera.t, centroid)
    np.testing.assert_allclose(R @ R.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(R @ centroid + t, camera.R @ centroid + camera.t, atol=1e-12)
    again, _ = other_pose(R, t, centroid)
    np.testing.assert_allclose(again[:, 2], camera.R[:, 2], atol=1e-12)


def test_pose_from_an_exact_homography(make_camera):
    camera = make_camera(4)
    xy = np.random.default_rng(0).uniform(-3, 3, (8, 2))
    ideal = camera.undistort(camera.image_from_ground(xy, 0.4))
    H = fit_homography("c", xy, ideal)
    R, t = pose_from_homography(H, 0.4)
    np.testing.assert_allclose(R, camera.R, atol=1e-9)
    np.testing.assert_allclose(t, camera.t, atol=1e-8)


# --- the CSV --------------------------------------------------------------------------------------

CSV = """camera,u,v,x,y,z,point
north,812.5,640,0,0,,corner
north,1203,655.5,4,0,,
 south ,400,512,4,0,,
south,655,700,,,,stain

south,655,700,1.5,2,0.75,shelf
"""


def test_pairs_are_read(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text(CSV)
    pairs = read_point_pairs(path)
    assert len(pairs) == 5
    assert pairs.camera_names() == ["north", "south"]
    assert pairs.points[1] == pairs.points[2] == "(4, 0, 0)"
    assert pairs.measured.tolist() == [True, True, True, False, True]
    np.testing.assert_array_equal(pairs.xyz[4], [1.5, 2, 0.75])
    np.testing.assert_array_equal(read_point_pairs(path, 0.01).xyz[4], [0.015, 0.02, 0.0075])
    assert len(pairs.of_camera("south")) == 3


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("camera,u", "cam,u", "line 1: .*camera is missing"),
        ("z,point", "zz,point", "line 1: unknown column 'zz'"),
        ("812.5", "left", "line 2: u: expected a number, got 'left'"),
        ("812.5", "nan", "line 2: u: expected a number, got 'nan'"),
        ("1203,655.5,4,0", "1203,655.5,4,", "line 3: y: expected a number, got ''"),
        (" south ", "", "line 4: camera: expected a name"),
        ("stain", "", "line 5: point: expected a name where x and y are empty"),
        ("shelf", "corner", "point 'corner': expected one position"),
    ],
)
def test_wrong_pairs_name_line_and_column(tmp_path, old, new, message):
    path = tmp_path / "pairs.csv"
    path.write_text(CSV.replace(old, new, 1))
    with pytest.raises(CalibrationError, match=message) as caught:
        read_point_pairs(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"camera,u,v,x,y\n", b"\xff\xfe", b'camera,u,v,x,y\n"a'])
def test_files_without_pairs(tmp_path, content):
    path = tmp_path / "pairs.csv"
    path.write_bytes(content)
    with pytest.raises(CalibrationError, match=r"pairs\.csv: "):
        read_point_pairs(path)


def test_pairs_are_checked_at_birth():
    good = {"cameras": ("c",), "points": ("p",), "uv": [[1.0, 2]], "xyz": [[0.0, 0, 0]]}
    PointPairs(**good)
    for field, value, message in (
        ("cameras", (), "as many"),
        ("uv", [[np.nan, 1.0]], "finite pixels"),
        ("xyz", [[np.nan, 1.0, 0.0]], "both, or neither"),
        ("xyz", [[1.0, 1.0]], "expected shape"),
    ):
        with pytest.raises(ValueError, match=message):
            PointPairs(**{**good, field: value})
