"""The camera against OpenCV, against its own inverses, and against central differences."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mtmc.calibration import Camera, FisheyeDistortion, OpenCVDistortion, TsaiDistortion

LENSES = ("none", "opencv4", "opencv5", "opencv8", "fisheye", "tsai", "tsai-negative")
seeds = st.integers(0, 2**32 - 1)


def image_points(camera, rng, count=50):
    """Pixels inside the image that look at the ground at most 200 m away."""
    uv = rng.uniform(0, camera.image_size, (count, 2))
    ground = camera.ground_from_image(uv)
    near = np.linalg.norm(ground - camera.position[:2], axis=1) < 200.0
    return uv[near]


@pytest.mark.parametrize("lens", LENSES)
@given(seed=seeds)
@settings(max_examples=60, deadline=None)
def test_projecting_the_ground_point_of_a_pixel_gives_the_pixel(make_camera, lens, seed):
    camera = make_camera(seed, lens)
    uv = image_points(camera, np.random.default_rng(seed))
    back = camera.image_from_ground(camera.ground_from_image(uv))
    np.testing.assert_allclose(back, uv, rtol=1e-9, atol=1e-9 * max(camera.image_size))


@pytest.mark.parametrize("lens", LENSES)
@given(seed=seeds, z=st.floats(-0.5, 1.9))
@example(seed=1118, z=0.3)  # tangential terms fold an opencv8 lens before its radial part does
@settings(max_examples=60, deadline=None)
def test_the_ground_point_of_a_projection_is_the_point(make_camera, lens, seed, z):
    camera = make_camera(seed, lens)
    xy = np.random.default_rng(seed).uniform(-10, 10, (50, 2))
    uv = camera.image_from_ground(xy, z)
    seen = camera.visible(np.column_stack([xy, np.full(len(xy), z)]))
    back = camera.ground_from_image(uv, z)
    # the mapping stretches pixels: an error of 1e-9 px is this many metres
    _, jacobian = camera.ground_from_image_with_jacobian(uv, z)
    stretch = np.linalg.norm(jacobian[seen], axis=(1, 2)).max(initial=0.0)
    np.testing.assert_allclose(back[seen], xy[seen], rtol=1e-9, atol=1e-9 * (1.0 + stretch))


@pytest.mark.parametrize("lens", LENSES)
@given(seed=seeds)
@example(seed=5964543)  # Newton finds a negative angle beyond the edge of a fisheye
@settings(max_examples=40, deadline=None)
def test_distorting_and_undistorting_are_inverse_to_a_nanopixel(make_camera, lens, seed):
    camera = make_camera(seed, lens)
    if camera.distortion is None:
        return
    rng = np.random.default_rng(seed)
    uv = rng.uniform(-0.1, 1.1, (100, 2)) * camera.image_size  # boxes may leave the image
    ideal = camera.undistort(uv)
    known = np.isfinite(ideal).all(axis=1)
    again = camera.distortion.distort(ideal[known]) @ camera.K[:2, :2].T + camera.K[:2, 2]
    np.testing.assert_allclose(again, uv[known], rtol=0, atol=2e-9)


@pytest.mark.parametrize("lens", LENSES)
@given(seed=seeds)
@settings(max_examples=40, deadline=None)
def test_the_jacobian_is_the_central_difference(make_camera, lens, seed):
    camera = make_camera(seed, lens)
    uv = image_points(camera, np.random.default_rng(seed))
    ground, jacobian = camera.ground_from_image_with_jacobian(uv, 0.3)
    np.testing.assert_array_equal(ground, camera.ground_from_image(uv, 0.3))
    step = 1e-3
    columns = [
        (camera.ground_from_image(uv + delta, 0.3) - camera.ground_from_image(uv - delta, 0.3))
        / (2 * step)
        for delta in np.eye(2) * step
    ]
    numeric = np.stack(columns, axis=2)
    usable = np.isfinite(numeric).all(axis=(1, 2))
    size = np.linalg.norm(jacobian[usable], axis=(1, 2), keepdims=True)
    assert (np.abs(numeric[usable] - jacobian[usable]) <= 1e-5 * size).all()


def test_covariance_of_the_ground_point_is_that_of_a_cloud_of_pixels(make_camera):
    camera = make_camera(3, "opencv5")
    rng = np.random.default_rng(0)
    uv = np.array([[0.5, 0.6]]) * camera.image_size
    pixel_cov = np.array([[[4.0, 1.0], [1.0, 2.0]]])
    xy, cov = camera.ground_from_image_with_covariance(uv, pixel_cov)
    cloud = rng.multivariate_normal(uv[0], pixel_cov[0] * 1e-4, 200_000)
    ground = camera.ground_from_image(cloud)
    np.testing.assert_allclose(np.cov(ground.T) * 1e4, cov[0], rtol=0.02)
    np.testing.assert_allclose(ground.mean(axis=0), xy[0], atol=1e-4)


def test_sigma_is_the_isotropic_covariance(make_camera):
    camera = make_camera(4, "tsai")
    uv = np.array([[0.4, 0.7], [0.6, 0.8]]) * camera.image_size
    sigma = np.array([2.0, 3.0])
    _, from_sigma = camera.ground_from_image_with_covariance(uv, sigma)
    _, from_cov = camera.ground_from_image_with_covariance(
        uv, sigma[:, None, None] ** 2 * np.eye(2)
    )
    np.testing.assert_allclose(from_sigma, from_cov, rtol=1e-12)
    _, single = camera.ground_from_image_with_covariance(uv, 2.0)
    np.testing.assert_allclose(single[0], from_sigma[0])
    with pytest.raises(ValueError, match=r"pixel_cov: expected shape \(2, 2, 2\)"):
        camera.ground_from_image_with_covariance(uv, np.ones(3))


@pytest.mark.parametrize("lens", ["none", "opencv4", "opencv5", "opencv8"])
@given(seed=seeds)
@settings(max_examples=30, deadline=None)
def test_projection_agrees_with_opencv(make_camera, lens, seed):
    camera = make_camera(seed, lens)
    # cv2 has no skew
    K = camera.K * np.array([[1, 0, 1], [1, 1, 1], [1, 1, 1]])
    camera = dataclasses.replace(camera, K=K)
    xyz = np.random.default_rng(seed).uniform([-8, -8, 0], [8, 8, 2], (60, 3))
    ours = camera.project(xyz)
    coefficients = np.array(camera.distortion.coefficients) if camera.distortion else None
    theirs, _ = cv2.projectPoints(xyz, cv2.Rodrigues(camera.R)[0], camera.t, K, coefficients)
    usable = np.isfinite(ours).all(axis=1)
    assert usable[camera.visible(xyz)].all()
    np.testing.assert_allclose(ours[usable], theirs[usable, 0], rtol=1e-9, atol=1e-7)


@given(seed=seeds)
@settings(max_examples=30, deadline=None)
def test_fisheye_agrees_with_opencv(make_camera, seed):
    camera = make_camera(seed, "fisheye")
    K = camera.K * np.array([[1, 0, 1], [1, 1, 1], [1, 1, 1]])
    camera = dataclasses.replace(camera, K=K)
    xyz = np.random.default_rng(seed).uniform([-8, -8, 0], [8, 8, 2], (60, 1, 3))
    theirs, _ = cv2.fisheye.projectPoints(
        xyz, cv2.Rodrigues(camera.R)[0], camera.t, K, np.array(camera.distortion.coefficients)
    )
    ours = camera.project(xyz[:, 0])
    usable = np.isfinite(ours).all(axis=1)
    assert usable.any()
    np.testing.assert_allclose(ours[usable], theirs[usable, 0], rtol=1e-9, atol=1e-7)


@given(seed=seeds)
@settings(max_examples=30, deadline=None)
def test_tsai_fulfils_its_definition(make_camera, seed):
    camera = make_camera(seed, "tsai")
    rng = np.random.default_rng(seed)
    distorted = rng.uniform(-0.8, 0.8, (40, 2))
    kappa = camera.distortion.coefficients[0]
    ideal = distorted * (1 + kappa * (distorted**2).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(camera.distortion.undistort(distorted), ideal, rtol=1e-13)
    np.testing.assert_allclose(camera.distortion.distort(ideal), distorted, rtol=1e-11, atol=1e-13)


def down(height=3.0, tilt=0.0):
    """A camera at (0, 0, height) that looks along +Y, tilted down by ``tilt`` radians."""
    c, s = np.cos(tilt), np.sin(tilt)
    R = np.array([[1.0, 0, 0], [0, -s, -c], [0, c, -s]])
    return Camera(
        "c", [[500.0, 0, 320], [0, 500, 240], [0, 0, 1]], R, -R @ [0, 0, height], (640, 480)
    )


def test_a_level_camera_by_hand():
    camera = down()
    np.testing.assert_allclose(camera.position, [0, 0, 3])
    # 10 m ahead, 1 m to the right, on the ground: u = 320 + 500·0.1, v = 240 + 500·0.3
    np.testing.assert_allclose(camera.project([[1.0, 10.0, 0.0]]), [[370.0, 390.0]])
    np.testing.assert_allclose(camera.ground_from_image([[370.0, 390.0]]), [[1.0, 10.0]])
    origin, directions = camera.ray([[320.0, 240.0]])
    np.testing.assert_allclose(origin, [0, 0, 3])
    np.testing.assert_allclose(directions, [[0, 1, 0]], atol=1e-15)


def test_nothing_behind_the_camera_nor_above_the_horizon():
    camera = down()
    assert np.isnan(camera.project([[0.0, -10.0, 0.0], [0.0, 0.0, 3.0]])).all()
    assert np.isnan(camera.ground_from_image([[320.0, 240.0], [100.0, 10.0]])).all()
    xy, cov = camera.ground_from_image_with_covariance([[320.0, 240.0], [320.0, 300.0]], 1.0)
    assert np.isnan(xy[0]).all()
    assert np.isnan(cov[0]).all()
    assert np.isfinite(xy[1]).all()
    assert np.isfinite(cov[1]).all()
    assert camera.visible([[0.0, -10.0, 0.0], [0.0, 10.0, 0.0], [99.0, 10.0, 0.0]]).tolist() == [
        False,
        True,
        False,
    ]
    assert np.isnan(camera.ground_from_image([[320.0, 300.0]], z=3.0)).all(), "its own height"
    assert np.isnan(camera.ground_from_image([[np.nan, 300.0]])).all()


def test_every_height_may_differ():
    camera = down()
    z = np.array([0.0, 1.0, 1.7])
    uv = camera.image_from_ground([[1.0, 8.0]] * 3, z)
    np.testing.assert_allclose(camera.ground_from_image(uv, z), [[1.0, 8.0]] * 3)


def test_a_plane_of_any_direction(make_camera):
    camera = make_camera(5, "opencv5")
    uv = np.array([[0.4, 0.6], [0.5, 0.8]]) * camera.image_size
    ground = camera.world_from_image_on_plane(uv, [0, 0, 2.0], 1.0)
    np.testing.assert_allclose(ground[:, 2], 0.5)
    np.testing.assert_allclose(ground[:, :2], camera.ground_from_image(uv, 0.5))
    wall = camera.world_from_image_on_plane(uv, camera.R[2], camera.R[2] @ camera.position + 4.0)
    np.testing.assert_allclose(camera.project(wall), uv, rtol=1e-9)
    behind = camera.world_from_image_on_plane(uv, camera.R[2], camera.R[2] @ camera.position - 4.0)
    assert np.isnan(behind).all()


def test_the_box_of_a_person_by_hand():
    camera = down()
    box = camera.person_box([[0.0, 10.0]], 1.8, 0.25)[0]
    # the widest part is seen where lines of sight touch the circle: ± f·r/√(d² - r²)
    half = 500 * 0.25 / np.sqrt(100 - 0.0625)
    np.testing.assert_allclose(box[[0, 2]], [320 - half, 320 + half], atol=0.3)
    # lowest: nearest point of the foot circle; highest: far edge of the top, below eye level
    np.testing.assert_allclose(box[3], 240 + 500 * 3.0 / 9.75, atol=0.1)
    np.testing.assert_allclose(box[1], 240 + 500 * 1.2 / 10.25, atol=0.1)
    assert np.isnan(camera.person_box([[0.0, -5.0], [0.0, 0.1]], 1.8, 0.25)).all()
    assert camera.person_box(np.zeros((0, 2))).shape == (0, 4)
    two = camera.person_box([[0.0, 10.0], [0.0, 10.0]], np.array([1.8, 1.5]), np.array([0.25, 0.5]))
    np.testing.assert_allclose(two[0], box)
    assert two[1, 1] > box[1]
    assert two[1, 0] < box[0]


@pytest.mark.parametrize("lens", LENSES)
def test_no_rows_are_no_problem(make_camera, lens):
    camera = make_camera(1, lens)
    assert camera.project(np.zeros((0, 3))).shape == (0, 2)
    assert camera.ground_from_image(np.zeros((0, 2))).shape == (0, 2)
    xy, cov = camera.ground_from_image_with_covariance(np.zeros((0, 2)), np.zeros((0, 2, 2)))
    assert xy.shape == (0, 2)
    assert cov.shape == (0, 2, 2)
    assert camera.visible(np.zeros((0, 3))).shape == (0,)


@pytest.mark.parametrize("lens", LENSES)
def test_a_smaller_image_of_the_same_scene(make_camera, lens):
    camera = make_camera(2, lens)
    half = camera.resized((camera.image_size[0] * 2, camera.image_size[1] * 3))
    xyz = np.random.default_rng(0).uniform([-3, -3, 0], [3, 3, 2], (20, 3))
    np.testing.assert_allclose(half.project(xyz), camera.project(xyz) * [2, 3])


def test_what_lies_beyond_the_fold_of_a_lens_does_not_come_back_into_the_image():
    lens = OpenCVDistortion((-0.4, 0.0, 0.0, 0.0))
    fold = np.sqrt(1 / 1.2)  # d(r - 0.4 r³)/dr = 0
    assert lens.max_radius == pytest.approx(fold)
    points = np.array([[0.99 * fold, 0.0], [1.01 * fold, 0.0], [3.0, 4.0]])
    distorted = lens.distort(points)
    assert np.isfinite(distorted[0]).all()
    assert np.isnan(distorted[1:]).all()
    edge = fold * (1 - 0.4 * fold**2)
    back = lens.undistort(np.array([[0.999 * edge, 0], [1.001 * edge, 0], [9.0, 9.0]]))
    assert np.isfinite(back[0]).all()
    assert np.isnan(back[1:]).all()
    assert np.isnan(FisheyeDistortion((-0.5, 0, 0, 0)).distort(np.array([[9.0, 0.0]]))).all()
    assert np.isnan(TsaiDistortion((-0.5,)).distort(np.array([[9.0, 0.0]]))).all()
    assert np.isnan(TsaiDistortion((-0.5,)).undistort(np.array([[9.0, 0.0]]))).all()


def test_a_rational_model_with_a_pole_stops_before_it():
    lens = OpenCVDistortion((0.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0))  # N/D = 1 / (1 - r²)
    assert lens.max_radius == pytest.approx(1.0)
    assert np.isnan(lens.distort(np.array([[1.1, 0.0]]))).all()
    np.testing.assert_allclose(
        lens.undistort(lens.distort(np.array([[0.5, 0.3]]))), [[0.5, 0.3]], rtol=1e-12
    )


@pytest.mark.parametrize("lens", [OpenCVDistortion((0.0,) * 5), FisheyeDistortion((0.0,) * 4),
                                  TsaiDistortion((0.0,))])  # fmt: skip
def test_the_optical_axis_stays(lens):
    np.testing.assert_array_equal(lens.undistort(np.zeros((1, 2))), [[0.0, 0.0]])
    np.testing.assert_array_equal(lens.distort(np.zeros((1, 2))), [[0.0, 0.0]])
    _, jacobian = lens.undistort_with_jacobian(np.zeros((1, 2)))
    np.testing.assert_allclose(jacobian, np.eye(2)[None])


GOOD = {
    "name": "north",
    "K": np.array([[500.0, 0, 320], [0, 500, 240], [0, 0, 1]]),
    "R": np.eye(3),
    "t": np.zeros(3),
    "image_size": (640, 480),
}


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("K", np.diag([np.nan, 1, 1]), "camera 'north': K: expected finite numbers"),
        ("K", np.diag([-500.0, 500, 1]), "K: expected positive focal lengths, got -500.0"),
        ("K", np.diag([500.0, 0, 1]), "K: expected positive focal lengths"),
        ("K", np.ones((3, 3)), r"K: expected \[\[fx, s, cx\]"),
        ("K", np.eye(4), r"K: expected shape \(3, 3\), got \(4, 4\)"),
        ("R", np.diag([1.0, 1, -1]), "R: .*got a reflection"),
        ("R", np.eye(3) * 1.001, "R: expected a rotation, but R Rᵀ is 0.002 off"),
        ("R", np.full((3, 3), np.inf), "R: expected finite"),
        ("t", [0.0, np.nan, 0.0], "t: expected finite"),
        ("t", [0.0, 0.0], "t: expected shape"),
        ("image_size", (640, 0), "image_size: expected"),
        ("image_size", (640.5, 480), "image_size: expected"),
        ("image_size", (640,), "image_size: expected"),
    ],
)
def test_a_camera_is_checked_at_birth(field, value, message):
    Camera(**GOOD)
    with pytest.raises(ValueError, match=message):
        Camera(**{**GOOD, field: value})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: OpenCVDistortion((0.1,) * 6), "expected 4 or 5 or 8 coefficients, got 6"),
        (lambda: FisheyeDistortion((0.1,) * 5), "expected 4 coefficients, got 5"),
        (lambda: TsaiDistortion((np.nan,)), "expected finite"),
    ],
)
def test_a_lens_is_checked_at_birth(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_shapes_of_arguments_are_checked(make_camera):
    camera = make_camera(0)
    with pytest.raises(ValueError, match=r"uv: expected shape \(N, 2\), got \(2,\)"):
        camera.ground_from_image([1.0, 2.0])
    with pytest.raises(ValueError, match=r"xyz: expected shape \(N, 3\)"):
        camera.project(np.zeros((4, 2)))


def test_a_nearly_orthonormal_rotation_is_polished_once():
    rough = np.eye(3) + 1e-7
    camera = Camera(**{**GOOD, "R": rough})
    assert np.abs(camera.R @ camera.R.T - np.eye(3)).max() < 1e-15
    again = Camera(**{**GOOD, "R": camera.R})
    np.testing.assert_array_equal(again.R, camera.R)


def test_a_camera_cannot_be_changed(make_camera):
    camera = make_camera(0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        camera.name = "other"
    with pytest.raises(ValueError, match="read-only"):
        camera.K[0, 0] = 1.0
