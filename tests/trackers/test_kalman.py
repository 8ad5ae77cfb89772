"""The batched filter equals filterpy's, step by step, and composes over uneven steps."""

import numpy as np
import pytest
from filterpy.kalman import KalmanFilter
from hypothesis import given
from hypothesis import strategies as st

from mtmc.trackers import kalman
from mtmc.trackers.kalman import ConstantNoise, HeightNoise

CONSTANT = ConstantNoise(
    initial_variance=np.array([[10.0, 1e4], [10.0, 1e4], [10.0, 1e4], [10.0, 0.0]]),
    process_variance=np.array([[1.0, 1e-2], [1.0, 1e-2], [1.0, 1e-4], [1.0, 0.0]]),
    measurement_variance=np.array([1.0, 1.0, 10.0, 10.0]),
)
HEIGHT = HeightNoise(position_std=0.05, velocity_std=0.00625)


def full_covariance(cov):
    """8×8 matrix, values before velocities, of one track's (4, 3) blocks."""
    value, cross, velocity = (np.diag(cov[:, k]) for k in range(3))
    return np.block([[value, cross], [cross, velocity]])


def transition(step):
    return np.block([[np.eye(4), step * np.eye(4)], [np.zeros((4, 4)), np.eye(4)]])


def whole_steps_noise(process, steps):
    """Noise of ``steps`` single frames, one after the other."""
    single, total = np.diag(np.concatenate([process[:, 0], process[:, 1]])), np.zeros((8, 8))
    for _ in range(steps):
        total = transition(1.0) @ total @ transition(1.0).T + single
    return total


def filterpy_of(mean, cov):
    oracle = KalmanFilter(dim_x=8, dim_z=4)
    oracle.x = np.concatenate([mean[:, 0], mean[:, 1]])[:, None]
    oracle.P = full_covariance(cov)
    oracle.H = np.hstack([np.eye(4), np.zeros((4, 4))])
    return oracle


def assert_same(oracle, mean, cov):
    np.testing.assert_allclose(mean.T.reshape(-1), oracle.x[:, 0], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(full_covariance(cov), oracle.P, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("noise", [CONSTANT, HEIGHT], ids=["constant", "height"])
@pytest.mark.parametrize("seed", range(4))
def test_it_equals_filterpy_over_random_sequences(noise, seed):
    rng = np.random.default_rng(seed)
    tracks = 5
    values = np.column_stack(
        [rng.uniform(0, 1000, (tracks, 2)), rng.uniform(0.3, 0.6, tracks), rng.uniform(50, 300, 5)]
    )
    mean, cov = kalman.initiate(values, noise)
    oracles = [filterpy_of(mean[i], cov[i]) for i in range(tracks)]
    for _ in range(25):
        step = int(rng.integers(1, 5))
        process = np.broadcast_to(noise.process(mean[..., 0]), (tracks, 4, 2))
        mean, cov = kalman.predict(mean, cov, float(step), noise.process(mean[..., 0]))
        for oracle, row in zip(oracles, process, strict=True):
            oracle.predict(F=transition(step), Q=whole_steps_noise(row, step))
        seen = np.flatnonzero(rng.random(tracks) < 0.8)
        measured = values[seen] + rng.normal(0, [4, 4, 0.02, 4], (len(seen), 4))
        variance = np.broadcast_to(noise.measurement(mean[seen][..., 0]), (len(seen), 4))
        gap = kalman.squared_mahalanobis(mean[seen], cov[seen], measured, variance)
        mean[seen], cov[seen] = kalman.correct(mean[seen], cov[seen], measured, variance)
        for k, track in enumerate(seen):
            oracles[track].update(measured[k], R=np.diag(variance[k]))
            assert gap[k] == pytest.approx(oracles[track].mahalanobis ** 2, rel=1e-9)
        for i, oracle in enumerate(oracles):
            assert_same(oracle, mean[i], cov[i])


steps = st.floats(0.01, 20.0)


@given(steps, steps, st.floats(1e-3, 10.0), st.floats(0.0, kalman.MAX_VARIANCE_RATIO))
def test_two_steps_are_one_of_their_sum(first, second, position, ratio):
    rng = np.random.default_rng(1)
    mean, cov = rng.normal(size=(3, 4, 2)), np.tile([2.0, 0.3, 1.0], (3, 4, 1))
    process = np.broadcast_to([position, ratio * position], (3, 4, 2))
    twice = kalman.predict(*kalman.predict(mean, cov, first, process), second, process)
    once = kalman.predict(mean, cov, first + second, process)
    np.testing.assert_allclose(twice[0], once[0], rtol=1e-9)
    np.testing.assert_allclose(twice[1], once[1], rtol=1e-8)


@given(steps, st.floats(0.0, kalman.MAX_VARIANCE_RATIO))
def test_noise_of_any_step_is_a_covariance(step, ratio):
    process = np.broadcast_to([1.0, ratio], (1, 4, 2))
    _, cov = kalman.predict(np.zeros((1, 4, 2)), np.zeros((1, 4, 3)), step, process)
    value, cross, velocity = cov[0, 0]
    assert np.linalg.eigvalsh([[value, cross], [cross, velocity]]).min() >= -1e-9 * velocity - 1e-12


def test_height_noise_has_the_published_scale():
    values = np.array([[0.0, 0.0, 0.4, 200.0]])
    position, velocity = 200 / 20, 200 / 160
    std = np.sqrt(HEIGHT.process(values)[0])
    np.testing.assert_allclose(std[[0, 1, 3]], [[position, velocity]] * 3, rtol=1e-4)
    np.testing.assert_allclose(std[2], [1e-2, 1e-5])
    np.testing.assert_allclose(
        np.sqrt(HEIGHT.measurement(values)[0]), [position, position, 0.1, position], rtol=1e-4
    )
    first = np.sqrt(HEIGHT.initial(values)[0])
    np.testing.assert_allclose(first[[0, 3], 0], 2 * position, rtol=1e-4)
    np.testing.assert_allclose(first[[0, 3], 2], 10 * velocity, rtol=1e-4)


def test_boxes_without_height_keep_some_noise():
    values = np.zeros((1, 4))
    assert (HEIGHT.measurement(values) > 0).all()
    assert (HEIGHT.process(values)[..., 0] > 0).all()


def test_inputs_stay_as_they_are():
    mean, cov = kalman.initiate(np.full((2, 4), 50.0), HEIGHT)
    before = mean.copy(), cov.copy()
    process, variance = HEIGHT.process(mean[..., 0]), HEIGHT.measurement(mean[..., 0])
    kalman.predict(mean, cov, 1.5, process)
    kalman.correct(mean, cov, np.full((2, 4), 60.0), variance)
    np.testing.assert_array_equal(mean, before[0])
    np.testing.assert_array_equal(cov, before[1])


def test_no_tracks():
    mean, cov = kalman.initiate(np.zeros((0, 4)), HEIGHT)
    mean, cov = kalman.predict(mean, cov, 1.0, HEIGHT.process(mean[..., 0]))
    mean, cov = kalman.correct(mean, cov, np.zeros((0, 4)), HEIGHT.measurement(mean[..., 0]))
    assert (mean.shape, cov.shape) == ((0, 4, 2), (0, 4, 3))


def test_the_covariance_stays_sound_over_many_updates():
    mean, cov = kalman.initiate(np.array([[0.0, 0.0, 0.4, 100.0]]), HEIGHT)
    for _ in range(5000):
        mean, cov = kalman.predict(mean, cov, 1.0, HEIGHT.process(mean[..., 0]))
        mean, cov = kalman.correct(mean, cov, mean[..., 0], HEIGHT.measurement(mean[..., 0]))
    assert (cov[..., 0] * cov[..., 2] > cov[..., 1] ** 2).all()
