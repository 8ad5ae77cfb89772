"""Parts of the tracker against independent oracles."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from filterpy.kalman import KalmanFilter
from scipy.linalg import expm
from scipy.stats import multivariate_normal

from mtmc.multiview import births, existence, fusion, gaussian, motion, visibility
from mtmc.multiview.appearance import AppearanceConfig, DistanceScale
from mtmc.multiview.associate import AssociateConfig, assign, height_cost, position_cost
from mtmc.multiview.heights import predict_heights, update_heights
from mtmc.multiview.observe import Observations, ObserveConfig, heights_at, observe
from mtmc.multiview.population import Population
from mtmc.multiview.residuals import CameraResiduals, ResidualConfig
from mtmc.types import Detections, Frame, View


def covariances(rng, *shape):
    root = rng.normal(size=(*shape, 2, 2))
    return root @ np.swapaxes(root, -1, -2) + 0.1 * np.eye(2)


def observations(camera, xy, covariance, height=None):
    camera = np.asarray(camera)
    count = len(camera)
    return Observations(
        camera,
        np.arange(count),
        xy,
        covariance,
        np.full(count, np.nan) if height is None else np.asarray(height),
        np.zeros((count, 2)),
        np.zeros(count),
        np.ones(count),
        None,
        np.searchsorted(camera, np.arange(camera.max(initial=0) + 2)),
    )


def test_mahalanobis_is_the_exponent_of_a_normal_density():
    rng = np.random.default_rng(0)
    x, S = rng.normal(size=(6, 2)), covariances(rng, 6)
    squared, determinant = gaussian.squared_mahalanobis(x, S)
    for row in range(6):
        density = multivariate_normal(np.zeros(2), S[row]).logpdf(x[row])
        expected = -2 * density - 2 * np.log(2 * np.pi)
        np.testing.assert_allclose(squared[row] + np.log(determinant[row]), expected)
    np.testing.assert_allclose(gaussian.inverse(S), np.linalg.inv(S))


@pytest.mark.parametrize("step_s", [0.04, 0.5, 2.0])
def test_process_noise_is_the_integral_of_van_loan(step_s):
    """Van Loan, IEEE Trans. Automatic Control 1978."""
    A = np.zeros((4, 4))
    A[0, 2] = A[1, 3] = 1.0
    G = np.diag([0.0, 0.0, 0.7, 0.7])
    block = expm(step_s * np.block([[-A, G], [np.zeros((4, 4)), A.T]]))
    F = block[4:, 4:].T
    Q = F @ block[:4, 4:]
    mean, P = np.array([[1.0, 2.0, 0.5, -0.3]]), np.diag([1.0, 2.0, 3.0, 4.0])[None]
    moved, spread = motion.predict(mean, P, step_s, 0.7, 9.0)
    np.testing.assert_allclose(moved[0], F @ mean[0])
    np.testing.assert_allclose(spread[0], F @ P[0] @ F.T + Q, atol=1e-12)


def test_two_short_steps_are_one_long_one():
    rng = np.random.default_rng(1)
    mean, root = rng.normal(size=(3, 4)), rng.normal(size=(3, 4, 4))
    state = mean, root @ root.transpose(0, 2, 1)
    once = motion.predict(*state, 0.7, 0.4, 99.0)
    twice = motion.predict(*motion.predict(*state, 0.3, 0.4, 99.0), 0.4, 0.4, 99.0)
    for a, b in zip(once, twice, strict=True):
        np.testing.assert_allclose(a, b)


def test_nobody_is_predicted_to_run_faster_than_allowed():
    mean, _ = motion.predict(np.array([[0.0, 0.0, 30.0, 40.0]]), np.eye(4)[None], 1.0, 0.4, 5.0)
    np.testing.assert_allclose(mean, [[3.0, 4.0, 3.0, 4.0]])


def test_fusing_cameras_is_one_kalman_update_after_the_other():
    rng = np.random.default_rng(2)
    mean, root = rng.normal(size=4), rng.normal(size=(4, 4))
    P = root @ root.T + np.eye(4)
    z, R = rng.normal(size=(3, 2)), covariances(rng, 3)
    prior = fusion.Estimate(mean[None, :2], P[None, :2, :2])
    information = fusion.Information(prior, 4, np.array([0, 2, 3]), np.zeros(3, int), z, R)
    final = information.estimate()
    moved, spread = motion.condition_on_position(mean[None], P[None], final.xy, final.covariance)
    H = np.eye(2, 4)

    def sequential(rows):
        m, C = mean.copy(), P.copy()
        for row in rows:
            gain = C @ H.T @ np.linalg.inv(H @ C @ H.T + R[row])
            m, C = m + gain @ (z[row] - H @ m), (np.eye(4) - gain @ H) @ C
        return m, C

    m, C = sequential([0, 1, 2])
    np.testing.assert_allclose(moved[0], m)
    np.testing.assert_allclose(spread[0], C, atol=1e-12)
    others = information.without_each_camera()
    for camera, rows in {0: [1, 2], 1: [0, 1, 2], 2: [0, 2], 3: [0, 1]}.items():
        m, C = sequential(rows)
        np.testing.assert_allclose(others.xy[camera, 0], m[:2])
        np.testing.assert_allclose(others.covariance[camera, 0], C[:2, :2], atol=1e-12)


def test_no_residual_exceeds_the_limit_after_inflation():
    rng = np.random.default_rng(3)
    seen = observations([0] * 50, rng.normal(0, 4, (50, 2)), covariances(rng, 50))
    expected = fusion.Estimate(np.zeros((50, 2)), covariances(rng, 50))
    R = fusion.inflated(seen.xy, seen, np.arange(50), expected, 1.5)
    squared, _ = gaussian.squared_mahalanobis(seen.xy, R + expected.covariance)
    before, _ = gaussian.squared_mahalanobis(seen.xy, seen.covariance + expected.covariance)
    np.testing.assert_allclose(squared, np.minimum(before, 1.5**2))


def test_assignment_is_the_best_of_all():
    rng = np.random.default_rng(4)
    for _ in range(20):
        cost = rng.uniform(0, 12, (4, 3))
        cost[rng.random((4, 3)) < 0.2] = np.inf
        track = assign(cost, np.array([0, 4]), 8.0)
        total = sum(cost[row, t] - 8.0 for row, t in enumerate(track) if t >= 0)
        best = 0.0
        for choice in itertools.product(range(-1, 3), repeat=4):
            used = [t for t in choice if t >= 0]
            if len(set(used)) == len(used):
                best = min(best, sum(cost[r, t] - 8.0 for r, t in enumerate(choice) if t >= 0))
        assert total == pytest.approx(best)
        assert len({t for t in track if t >= 0}) == (track >= 0).sum()


def test_every_camera_is_assigned_for_itself():
    cost = np.array([[1.0, 9.0], [9.0, 1.0], [1.0, 9.0]])
    assert assign(cost, np.array([0, 2, 2, 3]), 8.0).tolist() == [0, 1, 0]
    assert assign(np.zeros((0, 2)), np.array([0, 0]), 8.0).tolist() == []


def test_positions_outside_the_gate_are_impossible():
    seen = observations([0, 0], np.array([[0.0, 0.0], [9.0, 0.0]]), np.tile(np.eye(2), (2, 1, 1)))
    expected = fusion.Estimate(np.zeros((1, 2)), np.eye(2)[None])
    cost = position_cost(seen, np.zeros((1, 2)), expected, 9.2)
    np.testing.assert_allclose(cost, [[0.5 * np.log(4.0)], [np.inf]])


def test_unknown_heights_cost_nothing():
    seen = observations([0, 0], np.zeros((2, 2)), np.tile(np.eye(2), (2, 1, 1)), [np.nan, 1.8])
    cost = height_cost(seen, 0.1, np.zeros((1, 2)), np.array([1.7]), np.zeros(1), AssociateConfig())
    np.testing.assert_allclose(cost, [[0.0], [AssociateConfig().height_weight]])


def one_person(height_m=1.7, sigma_m=0.12):
    people = Population.empty(1, tracks=1)
    people.height[:], people.height_variance[:] = height_m, sigma_m**2
    return people


def see_height(people, height_m, seconds, drift):
    for _ in range(4 * seconds):
        predict_heights(people, 0.25, drift)
        update_heights(people, np.array([0, 0]), np.full(2, height_m), 0.06, 1.5)


def test_heights_that_agree_are_filtered_as_by_kalman():
    """Two cameras are one measurement with half the variance; none is robustly limited here."""
    filtered = KalmanFilter(dim_x=1, dim_z=1)
    filtered.x, filtered.P = np.array([[1.7]]), np.array([[0.12**2]])
    filtered.F = filtered.H = np.eye(1)
    filtered.Q, filtered.R = np.array([[0.03**2 * 0.25]]), np.array([[0.06**2 / 2]])
    people = one_person()
    for height in (1.74, 1.68, 1.71, 1.73):
        predict_heights(people, 0.25, 0.03)
        update_heights(people, np.array([0, 0]), np.full(2, height), 0.06, 1.5)
        filtered.predict()
        filtered.update(height)
    np.testing.assert_allclose(people.height, filtered.x[:, 0])
    np.testing.assert_allclose(people.height_variance, filtered.P[:, 0])


def test_uncertainty_of_heights_does_not_depend_on_the_frame_rate():
    slow, fast = one_person(), one_person()
    predict_heights(slow, 1.0, 0.03)
    for _ in range(25):
        predict_heights(fast, 0.04, 0.03)
    np.testing.assert_allclose(slow.height_variance, fast.height_variance)


def test_somebody_who_rises_is_tall_again():
    drift = motion.MotionConfig().height_drift
    people = one_person()
    see_height(people, 1.1, 15, drift)
    np.testing.assert_allclose(people.height, 1.1, atol=0.02)
    see_height(people, 1.75, 10, drift)
    np.testing.assert_allclose(people.height, 1.75, atol=0.05)


def test_heights_are_read_where_somebody_stands_not_where_the_box_ends(room):
    """The feet are hidden: the box ends half a metre above the ground, its top is right."""
    place = np.array([[4.0, 4.0]])
    box = room.boxes("a", place, 1.8)
    box[:, 3] = room.cameras["a"].image_from_ground(place, 0.5)[:, 1]
    view = View(Frame("a", 1, 0.0), Detections(box, np.ones(1)))
    seen = observe([view], room.cameras, 0.0, ObserveConfig())
    assert np.linalg.norm(seen.xy - place) > 0.5
    np.testing.assert_allclose(heights_at(seen, np.array([0]), place), 1.8, atol=0.02)


def test_existence_follows_bayes():
    """Log odds after misses of two cameras: prior odds times the ratio of likelihoods."""
    config = existence.ExistenceConfig()
    visible = np.array([[0.5], [1.0]])
    change = existence.evidence(
        np.zeros((2, 1), bool), visible, np.zeros((2, 1)), np.array([True, True]), config
    )
    expected = np.log((1 - 0.5 * config.found) * (1 - config.found))
    np.testing.assert_allclose(change, [expected])
    absent = existence.evidence(
        np.zeros((2, 1), bool), visible, np.zeros((2, 1)), np.array([False, False]), config
    )
    assert absent.tolist() == [0.0]


def test_boxes_of_an_unmatched_elder_are_no_evidence():
    config = existence.ExistenceConfig()
    explained = existence.explained_by_neighbours(
        np.array([[0.0, 0.0]]),
        np.array([[0.0, 0.0], [9.0, 0.0]]),
        np.array([[1.0, 1.0], [0.0, 1.0]]),
        np.array([[True, True]]),
        config,
    )
    np.testing.assert_allclose(explained, [[config.found], [0.0]], atol=1e-12)


def test_clusters_take_at_most_one_box_per_camera():
    xy = np.array([[0.0, 0.0], [0.3, 0.0], [0.05, 0.0], [5.0, 5.0], [0.02, 0.02]])
    seen = observations([0, 0, 1, 1, 2], xy, np.tile(0.02 * np.eye(2), (5, 1, 1)))
    found = births.cluster(seen, np.arange(5), births.BirthConfig())
    groups = [found.rows[found.group == number].tolist() for number in range(len(found))]
    assert sorted(sorted(rows) for rows in groups) == [[0, 2, 4], [1], [3]]
    three = groups.index([0, 2, 4])
    np.testing.assert_allclose(found.xy[three], xy[[0, 2, 4]].mean(axis=0))
    np.testing.assert_allclose(found.covariance[three], 0.02 / 3 * np.eye(2), atol=1e-12)


def test_people_behind_others_are_hidden(room):
    cameras = [room.cameras["a"]]
    xy = np.array([[3.0, 3.0], [3.3, 3.3], [8.0, 2.0]])
    boxes, distance = visibility.predicted_boxes(xy, np.full(3, 1.7), cameras)
    free = visibility.share_uncovered(boxes, distance, boxes, distance)[0]
    assert free[[0, 2]].tolist() == [1.0, 1.0]
    assert free[1] < 0.4
    inside = visibility.share_inside(np.array([[[-10.0, 0.0, 10.0, 20.0]]]), cameras)
    assert inside.tolist() == [[0.5]]


def test_boxes_come_back_to_the_ground_with_their_heights(room):
    xy = np.array([[2.0, 3.0], [7.0, 5.0]])
    views = [
        View(Frame(name, 1, 0.0), Detections(room.boxes(name, xy, 1.8), np.ones(2)))
        for name in room.cameras
    ]
    seen = observe(views, room.cameras, 0.0, ObserveConfig())
    np.testing.assert_allclose(seen.xy, np.tile(xy, (4, 1)), atol=5e-3)
    np.testing.assert_allclose(seen.height, 1.8, atol=0.01)
    assert seen.starts.tolist() == [0, 2, 4, 6, 8]


def test_boxes_cut_at_the_feet_are_placed_by_their_heads(room):
    place = np.array([[2.0, 3.0]])
    box = room.boxes("a", place, 1.7)
    box[:, 3] = 960.0
    seen = observe(
        [View(Frame("a", 1, 0.0), Detections(box, np.ones(1)))],
        room.cameras,
        0.0,
        ObserveConfig(),
    )
    assert np.linalg.norm(seen.xy - place) < 0.3  # a box leans with the person
    assert np.isnan(seen.height).all()


def test_a_bias_that_cameras_disagree_about_is_learnt(room):
    residuals = CameraResiduals(list(room.cameras.values()), ResidualConfig())
    rng = np.random.default_rng(5)
    camera = np.repeat(np.arange(4), 10)
    for _ in range(200):
        truth = rng.uniform([1, 1], [9, 7], (40, 2))
        away = truth - [room.cameras[name].position[:2] for name in np.array(list("abcd"))[camera]]
        away /= np.linalg.norm(away, axis=1, keepdims=True)
        seen = observations(camera, truth - 0.15 * away, np.tile(np.eye(2), (40, 1, 1)))
        corrected = residuals.correct(seen)
        residuals.learn(camera, corrected.xy, corrected.xy - truth)
    np.testing.assert_allclose(residuals.bias[:, 0], -0.15, atol=0.01)
    np.testing.assert_allclose(residuals.bias[:, 1], 0.0, atol=0.01)


def test_distances_are_scaled_by_what_the_run_shows():
    scale = DistanceScale(AppearanceConfig(prior_count=1.0))
    distance = np.where(np.eye(4, dtype=bool), 0.02, 0.10)
    for _ in range(200):
        scale.learn(distance, np.arange(4))
    assert scale.same == pytest.approx(0.02, abs=0.001)
    assert scale.different == pytest.approx(0.10, abs=0.001)
    cost = scale.cost(np.array([0.02, 0.10, np.nan]))
    np.testing.assert_allclose(cost, [0.0, 5.0, 2.5], atol=0.05)
