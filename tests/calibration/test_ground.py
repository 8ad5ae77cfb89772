"""Homography-only cameras against full ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtmc.calibration import HomographyCamera

seeds = st.integers(0, 2**32 - 1)


def homography_of(camera):
    """Image to ground, of arbitrary scale."""
    ground_to_image = camera.K @ np.column_stack([camera.R[:, :2], camera.t])
    return np.linalg.inv(ground_to_image) * -3.7


@given(seed=seeds)
@settings(max_examples=60, deadline=None)
def test_it_is_a_pinhole_camera_restricted_to_the_ground(make_camera, seed):
    full = make_camera(seed)
    flat = HomographyCamera("flat", homography_of(full), full.image_size)
    rng = np.random.default_rng(seed)
    uv = rng.uniform(0, full.image_size, (40, 2))
    sigma = rng.uniform(1, 3, 40)
    expected_xy, expected_cov = full.ground_from_image_with_covariance(uv, sigma)
    xy, cov = flat.ground_from_image_with_covariance(uv, sigma)
    np.testing.assert_array_equal(np.isnan(xy), np.isnan(expected_xy))
    # next to the horizon both lose digits, with the distance
    near = np.linalg.norm(expected_xy - full.position[:2], axis=1) < 200
    np.testing.assert_allclose(xy[near], expected_xy[near], rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(cov[near], expected_cov[near], rtol=1e-7)
    points = rng.uniform(-15, 15, (40, 2))
    np.testing.assert_allclose(
        flat.image_from_ground(points), full.image_from_ground(points), rtol=1e-8, atol=1e-6
    )
    on_ground = np.column_stack([points, np.zeros(40)])
    np.testing.assert_array_equal(flat.visible(on_ground), full.visible(on_ground))
    assert not flat.is_mirrored


@given(seed=seeds)
@settings(max_examples=60, deadline=None)
def test_projection_and_its_inverse(make_camera, seed):
    full = make_camera(seed)
    flat = HomographyCamera("flat", homography_of(full), full.image_size)
    uv = np.random.default_rng(seed).uniform(0, full.image_size, (40, 2))
    ground = flat.ground_from_image(uv)
    near = np.linalg.norm(ground - full.position[:2], axis=1) < 200
    np.testing.assert_allclose(flat.image_from_ground(ground[near]), uv[near], rtol=1e-9, atol=1e-6)


def test_heights_are_not_known(make_camera):
    full = make_camera(1)
    flat = HomographyCamera("flat", homography_of(full), full.image_size)
    assert np.isnan(flat.project([[0.0, 0.0, 1.7]])).all()
    np.testing.assert_allclose(flat.project([[0.0, 0, 0]]), full.project([[0.0, 0, 0]]), rtol=1e-9)
    assert not hasattr(flat, "person_box")


def test_a_map_with_y_downwards_is_mirrored(make_camera):
    full = make_camera(1)
    flat = HomographyCamera("f", np.diag([1.0, -1.0, 1.0]) @ homography_of(full), full.image_size)
    assert flat.is_mirrored


def test_a_smaller_image_of_the_same_scene(make_camera):
    full = make_camera(2)
    flat = HomographyCamera("f", homography_of(full), full.image_size, (3.0, full.image_size[1]))
    double = flat.resized((full.image_size[0] * 2, full.image_size[1] * 3))
    points = np.random.default_rng(0).uniform(-3, 3, (20, 2))
    np.testing.assert_allclose(
        double.image_from_ground(points), flat.image_from_ground(points) * [2, 3], rtol=1e-7
    )


def test_no_rows_are_no_problem(make_camera):
    full = make_camera(2)
    flat = HomographyCamera("f", homography_of(full), full.image_size)
    xy, cov = flat.ground_from_image_with_covariance(np.zeros((0, 2)), 1.0)
    assert xy.shape == (0, 2)
    assert cov.shape == (0, 2, 2)
    assert flat.image_from_ground(np.zeros((0, 2))).shape == (0, 2)


@pytest.mark.parametrize(
    ("H", "message"),
    [
        (np.full((3, 3), np.nan), "camera 'f': H: expected finite"),
        (np.eye(4), r"H: expected shape \(3, 3\)"),
        (np.ones((3, 3)), "H: expected an invertible homography"),
        (np.zeros((3, 3)), "H: expected an invertible homography"),
        ([[1.0, 0, 0], [0, 0, 1.0], [0, 1.0, -480.0]], "ground_pixel: expected a pixel of ground"),
    ],
)
def test_a_homography_is_checked_at_birth(H, message):
    with pytest.raises(ValueError, match=message):
        HomographyCamera("f", H, (640, 480))
