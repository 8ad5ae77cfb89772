"""Who is who, decided late: small histories of tracks whose right reading is known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from mtmc.multiview.appearance import AppearanceConfig, DistanceScale
from mtmc.multiview.deciding import Decider, distance_to_edge
from mtmc.multiview.identity import IdentityConfig, place_cost
from mtmc.multiview.population import Population
from mtmc.sites import Area

STEP_S = 0.25


def decider(lag_s=2.0, bounds=None, **settings):
    scale = DistanceScale(AppearanceConfig())
    return Decider(IdentityConfig(**settings), scale, lag_s, 1, bounds)


def people(time_s, places, born=None):
    """Tracks by serial number: where each is seen now; ``born`` tells when and where."""
    found = Population.empty(1, tracks=len(places))
    for row, (serial, xy) in enumerate(places.items()):
        found.serial[row] = found.id[row] = serial
        found.mean[row, :2] = found.seen_xy[row] = xy
        found.born_s[row], found.born_xy[row] = (born or {}).get(serial, (time_s, xy))
    found.height[:], found.height_variance[:] = 1.7, 0.01
    found.seen_s[:] = time_s
    return found


def stolen(lag_s):
    """Track 1 drifts from its person to that of track 2, which ends; the first is found again.

    People stand at (2, 2) and (3.5, 2). Track 3 begins at moment 6 where the first one stands, and
    counts from moment 10.
    """
    subject = decider(lag_s, hop_cost=4.0)
    story = [{1: (2.0, 2.0), 2: (3.5, 2.0)}] * 4
    story += [{1: (2.7, 2.0), 2: (3.5, 2.0)}, {1: (3.4, 2.0), 2: (3.5, 2.0)}]
    story += [{1: (3.5, 2.0)}] * 4 + [{1: (3.5, 2.0), 3: (2.0, 2.0)}] * 9
    said, before = [], people(0.0, {})
    for number, places in enumerate(story):
        time_s = number * STEP_S
        now = people(time_s, places, {3: (6 * STEP_S, (2.0, 2.0))})
        subject.end(before.take(~np.isin(before.serial, now.serial)))
        subject.look(now, time_s)
        before = now
        if time_s >= lag_s:
            said.append(subject.names(time_s - lag_s))
    return said


def test_without_a_lag_a_stolen_track_misleads_for_a_while():
    said = stolen(0.0)
    first, second = said[0][1], said[0][2]
    assert said[6] == said[9] == {1: first}  # on the second person
    assert said[-1] == {1: second, 3: first}  # understood, too late


def test_with_a_lag_a_stolen_track_is_understood_from_the_start():
    said = stolen(2.0)
    first, second = said[0][1], said[0][2]
    assert said[6] == {1: second, 3: first}  # from its birth on, before it counted
    assert {who for names in said for who in names.values()} == {first, second}


def test_somebody_who_comes_back_is_nobody_new():
    subject = decider()
    for number in range(8):
        subject.look(people(number * STEP_S, {1: (3.0, 3.0)}), number * STEP_S)
    subject.end(people(7 * STEP_S, {1: (3.0, 3.0)}))
    subject.look(people(9 * STEP_S, {}), 9 * STEP_S)
    subject.look(people(11 * STEP_S, {2: (3.4, 3.0)}), 11 * STEP_S)
    assert subject.names(11 * STEP_S) == {2: 1}
    assert subject.names(7 * STEP_S) == {1: 1}


@pytest.mark.parametrize("place", [(3.4, 3.0), (7.0, 3.0)])
def test_somebody_else_while_all_are_seen_is_new(place):
    subject = decider()
    for number in range(8):
        places = {1: (3.0, 3.0)} | ({2: place} if number >= 4 else {})
        subject.look(people(number * STEP_S, places), number * STEP_S)
    assert subject.names(7 * STEP_S) == {1: 1, 2: 2}


def test_people_come_in_over_the_edge():
    """The same gap and the same distance: inside it is the lost one, at the edge somebody new."""
    bounds = Area.rectangle(0.0, 0.0, 10.0, 10.0)
    for x, is_known in ((5.0, True), (0.1, False)):
        subject = decider(bounds=bounds)
        for number in range(4):
            subject.look(people(number * STEP_S, {1: (x, 5.0)}), number * STEP_S)
        subject.end(people(3 * STEP_S, {1: (x, 5.0)}))
        subject.look(people(6 * STEP_S, {2: (x, 6.2)}), 6 * STEP_S)
        assert (subject.names(6 * STEP_S)[2] == 1) == is_known


def test_nobody_is_on_two_tracks():
    rng = np.random.default_rng(0)
    subject = decider(1.0)
    places, before, serials = {}, None, itertools.count(1)
    for number in range(80):
        time_s = number * STEP_S
        places = {
            serial: np.add(xy, rng.normal(0, 0.15, 2))
            for serial, xy in places.items()
            if rng.random() > 0.05
        }
        for _ in range(rng.poisson(0.4)):
            places[next(serials)] = rng.uniform(0, 3, 2)
        if before is not None:
            ended = ~np.isin(before.serial, list(places))
            subject.end(before.take(ended))
        before = people(time_s, places)
        subject.look(before, time_s)
        for past in (time_s, time_s - 1.0):
            if past >= 0:
                names = subject.names(past)
                assert len(set(names.values())) == len(names)
        assert set(subject.names(time_s)) == set(places)


def test_place_cost_is_a_normal_density():
    """Twice the negative log of a planar normal, less its value for no gap and no distance."""
    config = IdentityConfig(start_sigma_m=0.3, speed_sigma=0.7)
    gap, distance = 1.5, 0.8

    def minus_two_log(sigma, d):
        return -2 * np.log(np.exp(-(d**2) / (2 * sigma**2)) / (2 * np.pi * sigma**2))

    sigma = np.sqrt(0.3**2 + (0.7 * gap) ** 2)
    expected = minus_two_log(sigma, distance) - minus_two_log(0.3, 0.0)
    np.testing.assert_allclose(place_cost(gap, np.array(distance**2), config), expected)


def test_distance_to_the_edge_is_that_of_many_points_on_it():
    area = Area(((0.0, 0.0), (4.0, 0.0), (4.0, 3.0), (1.0, 5.0)))
    corners = np.array([*area.corners, area.corners[0]])
    share = np.linspace(0, 1, 4001)[:, None]
    edge = np.concatenate([a + share * (b - a) for a, b in itertools.pairwise(corners)])
    xy = np.random.default_rng(1).uniform(-1, 6, (40, 2))
    expected = np.linalg.norm(xy[:, None] - edge, axis=2).min(axis=1)
    np.testing.assert_allclose(distance_to_edge(xy, area), expected, atol=1e-3)
