"""The filter with full covariances: equal to filterpy, and to the one of pairs where both apply."""

import numpy as np
import pytest
from filterpy.kalman import KalmanFilter
from hypothesis import given
from hypothesis import strategies as st

from mtmc.trackers import kalman
from mtmc.trackers.full_kalman import SizeNoise, correct, initiate, predict, warp

NOISE = SizeNoise(0.05, 0.00625)


def states(rng, count):
    """Random means and dense covariances of tracks that were warped before."""
    root = rng.normal(size=(count, 8, 8))
    mean = np.hstack([rng.uniform(50, 500, (count, 4)), rng.normal(0, 3, (count, 4))])
    return mean, root @ root.transpose(0, 2, 1) + np.eye(8)


@given(seed=st.integers(0, 10_000))
def test_predict_and_correct_equal_filterpy(seed):
    rng = np.random.default_rng(seed)
    mean, cov = states(rng, 4)
    measured = mean[:, :4] + rng.normal(0, 5, (4, 4))
    process, noise = NOISE.process(mean), NOISE.measurement(mean)
    predicted = predict(mean, cov, 1.0, process)
    corrected = correct(*predicted, measured, noise)
    for row in range(4):
        oracle = KalmanFilter(dim_x=8, dim_z=4)
        oracle.F = np.block([[np.eye(4), np.eye(4)], [np.zeros((4, 4)), np.eye(4)]])
        oracle.H = np.eye(4, 8)
        oracle.x, oracle.P = mean[row][:, None], cov[row]
        oracle.Q, oracle.R = np.diag(process[row]), np.diag(noise[row])
        oracle.predict()
        np.testing.assert_allclose(predicted[0][row], oracle.x[:, 0], atol=1e-9)
        np.testing.assert_allclose(predicted[1][row], oracle.P, atol=1e-9)
        oracle.update(measured[row])
        np.testing.assert_allclose(corrected[0][row], oracle.x[:, 0], atol=1e-7)
        np.testing.assert_allclose(corrected[1][row], oracle.P, atol=1e-7)


@given(seed=st.integers(0, 10_000), step=st.floats(0.05, 5.0))
def test_without_camera_motion_it_equals_the_filter_of_pairs(seed, step):
    rng = np.random.default_rng(seed)
    boxes = rng.uniform(20, 400, (3, 4))
    mean, cov = initiate(boxes, NOISE)
    pair_mean = np.stack([mean[:, :4], mean[:, 4:]], axis=2)
    pair_cov = np.zeros((3, 4, 3))
    diagonal = np.einsum("nii->ni", cov)
    pair_cov[..., 0], pair_cov[..., 2] = diagonal[:, :4], diagonal[:, 4:]
    for _ in range(3):
        process, noise = NOISE.process(mean), NOISE.measurement(mean)
        pair_process = np.stack([process[:, :4], process[:, 4:]], axis=2)
        mean, cov = predict(mean, cov, step, process)
        pair_mean, pair_cov = kalman.predict(pair_mean, pair_cov, step, pair_process)
        measured = boxes + rng.normal(0, 3, boxes.shape)
        mean, cov = correct(mean, cov, measured, noise)
        pair_mean, pair_cov = kalman.correct(pair_mean, pair_cov, measured, noise)
    np.testing.assert_allclose(mean[:, :4], pair_mean[..., 0], rtol=1e-9)
    np.testing.assert_allclose(mean[:, 4:], pair_mean[..., 1], rtol=1e-7, atol=1e-9)
    value, speed = np.arange(4), np.arange(4, 8)
    np.testing.assert_allclose(cov[:, value, value], pair_cov[..., 0], rtol=1e-7)
    np.testing.assert_allclose(cov[:, value, speed], pair_cov[..., 1], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(cov[:, speed, speed], pair_cov[..., 2], rtol=1e-7)


def test_a_warp_moves_samples_of_the_state_as_it_moves_mean_and_covariance():
    rng = np.random.default_rng(0)
    mean, cov = states(rng, 1)
    affine = np.array([[0.9, -0.3, 40.0], [0.2, 1.1, -7.0]])
    samples = rng.multivariate_normal(mean[0], cov[0], 200_000)
    moved = (samples.reshape(-1, 4, 2) @ affine[:, :2].T).reshape(-1, 8)
    moved[:, :2] += affine[:, 2]
    new_mean, new_cov = warp(mean, cov, affine)
    np.testing.assert_allclose(new_mean[0], moved.mean(axis=0), atol=0.1)
    scale = np.sqrt(np.outer(np.diag(new_cov[0]), np.diag(new_cov[0])))
    np.testing.assert_allclose(new_cov[0] / scale, np.cov(moved.T) / scale, atol=0.02)


def test_no_motion_of_the_camera_changes_nothing():
    mean, cov = states(np.random.default_rng(1), 5)
    new_mean, new_cov = warp(mean, cov, np.eye(2, 3))
    np.testing.assert_array_equal(new_mean, mean)
    np.testing.assert_array_equal(new_cov, cov)


@pytest.mark.parametrize("count", [0, 1])
def test_it_takes_any_number_of_tracks(count):
    mean, cov = states(np.random.default_rng(2), count)
    moved = warp(*predict(mean, cov, 1.0, NOISE.process(mean)), np.eye(2, 3))
    assert correct(*moved, mean[:, :4], NOISE.measurement(mean))[0].shape == (count, 8)


def test_covariances_stay_symmetric_and_positive_over_a_thousand_frames():
    rng = np.random.default_rng(3)
    mean, cov = initiate(rng.uniform(20, 400, (4, 4)), NOISE)
    turn = np.array([[np.cos(0.05), -np.sin(0.05), 1.0], [np.sin(0.05), np.cos(0.05), 0.0]])
    for _ in range(1000):
        mean, cov = warp(*predict(mean, cov, 1.0, NOISE.process(mean)), turn)
        measured = mean[:, :4] + rng.normal(0, 2, (4, 4))
        mean, cov = correct(mean, cov, measured, NOISE.measurement(mean))
    np.testing.assert_array_equal(cov, cov.transpose(0, 2, 1))
    assert np.linalg.eigvalsh(cov).min() > 0.0
