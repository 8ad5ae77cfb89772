"""All cameras' detections matched with all tracks, and the tracks moved to where they are seen.

Every camera is assigned to the predicted places; then each is assigned anew against what the
*others* say, and the places are updated once with all cameras.
"""

from __future__ import annotations

import numpy as np

from ..types import FloatArray, IntArray
from . import motion
from .appearance import DistanceScale, distances, remember
from .associate import assign, height_cost, hidden_cost, position_cost
from .config import GroundTrackerConfig
from .fusion import Estimate, Information, inflated
from .observe import Observations
from .population import Population
from .residuals import CameraResiduals


class Matcher:
    """Matches moment after moment; learns what the cameras and the appearance model get wrong.

    Parameters
    ----------
    cameras : int
    config : GroundTrackerConfig
    residuals : CameraResiduals
        Learns from what the cameras disagree about.
    scale : DistanceScale
        Learns what distances of appearance mean.
    """

    def __init__(
        self,
        cameras: int,
        config: GroundTrackerConfig,
        residuals: CameraResiduals,
        scale: DistanceScale,
    ) -> None:
        self._cameras, self._config = cameras, config
        self._residuals, self._scale = residuals, scale

    def match(self, seen: Observations, people: Population, visible: FloatArray) -> IntArray:
        """Track (row) of every detection, or -1; ``people`` are moved to where they are seen.

        Parameters
        ----------
        seen : Observations
        people : Population
            Predicted to the moment.
        visible : (C, T)
            Share of each track that each camera should see.
        """
        config = self._config
        if not len(people) or not len(seen):
            return np.full(len(seen), -1, np.int64)
        settings = config.associate
        fixed = height_cost(
            seen,
            config.observe.height_sigma_m,
            people.xy,
            people.height,
            people.height_variance,
            settings,
        )
        fixed += hidden_cost(visible, settings)[seen.camera]
        looks = distances(seen, people)
        if looks is not None:
            fixed += settings.appearance_weight * self._scale.cost(looks)
        prior = Estimate(people.xy, people.covariance[:, :2, :2])
        velocity = people.mean[:, 2:]
        expected = prior
        for _ in range(config.rounds + 1):
            cost = position_cost(seen, velocity, expected, settings.gate) + fixed
            track = assign(cost, seen.starts, settings.miss_cost)
            information = self._information(seen, track, velocity, prior, expected)
            expected = information.without_each_camera()
        final = self._information(seen, track, velocity, prior, expected).estimate()
        self._learn_residuals(seen, track, people, expected)
        people.mean, people.covariance = motion.condition_on_position(
            people.mean, people.covariance, final.xy, final.covariance
        )
        self._remember(seen, track, people, visible, looks)
        return track

    def _information(
        self,
        seen: Observations,
        track: IntArray,
        velocity: FloatArray,
        prior: Estimate,
        expected: Estimate,
    ) -> Information:
        rows = np.flatnonzero(track >= 0)
        who, camera = track[rows], seen.camera[rows]
        place = seen.xy[rows] - seen.lead_s[rows, None] * velocity[who]
        at = (camera, who) if expected.xy.ndim == 3 else (who,)
        reference = Estimate(expected.xy[at], expected.covariance[at])
        covariance = inflated(place, seen, rows, reference, self._config.motion.robust_limit)
        return Information(prior, self._cameras, camera, who, place, covariance)

    def _learn_residuals(
        self, seen: Observations, track: IntArray, people: Population, others: Estimate
    ) -> None:
        """From people whom at least two cameras see."""
        rows = np.flatnonzero(track >= 0)
        views = np.bincount(track[rows], minlength=len(people))
        rows = rows[(views[track[rows]] >= 2) & (people.id[track[rows]] > 0)]
        who, camera = track[rows], seen.camera[rows]
        residual = seen.xy[rows] - seen.lead_s[rows, None] * people.mean[who, 2:]
        residual = residual - others.xy[camera, who]
        self._residuals.learn(camera, seen.xy[rows], residual)

    def _remember(
        self,
        seen: Observations,
        track: IntArray,
        people: Population,
        visible: FloatArray,
        looks: FloatArray | None,
    ) -> None:
        """Appearance, of people who are in plain view."""
        if looks is None or seen.embedding is None:
            return
        settings = self._config.appearance
        rows = np.flatnonzero(track >= 0)
        who, camera = track[rows], seen.camera[rows]
        clear = visible[camera, who] >= settings.min_visible
        self._scale.learn(looks[rows[clear]], who[clear])
        remember(people, camera, who, seen.embedding[rows], clear, settings)
