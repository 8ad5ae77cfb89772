"""What people look like to separate cameras: crops by identity and camera, and what they tell.

One camera's crops of two people are alike for reasons that have nothing to do with them: light,
view, background. So a crop is compared with crops of its own camera where there are any, and with
those of the other cameras where not, and either has a scale of its own. Both scales are refined on
the run: people whom one camera shows at once are different, and so are people whom cameras without
a common view show at once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mtmc.reid.distances import DistanceStatistics
from mtmc.reid.gallery import Crops, DistanceScale, Gallery, GalleryConfig, ScaleConfig
from mtmc.trackers.types import BoolArray

from ..types import Float32Array, FloatArray, IntArray


class Looks:
    """Stored appearance of identities, by camera.

    Parameters
    ----------
    cameras : int
    config : GalleryConfig
        ``per_identity`` counts crops of one identity and camera.
    within : ScaleConfig
        What distances within one camera mean at first; the config's own are those across cameras.
    statistics : DistanceStatistics or None
        Of the appearance model, across cameras.
    """

    def __init__(
        self,
        cameras: int,
        config: GalleryConfig,
        within: ScaleConfig,
        statistics: DistanceStatistics | None,
    ) -> None:
        self._cameras, self._config = cameras, config
        self._scales = DistanceScale(config.scale, statistics), DistanceScale(within)
        self._gallery: Gallery | None = None
        self._compared: set[tuple[int, int, int, int]] = set()

    @property
    def across(self) -> DistanceScale:
        """Of distances between crops of different cameras."""
        return self._scales[0]

    @property
    def within(self) -> DistanceScale:
        """Of distances between crops of one camera."""
        return self._scales[1]

    @property
    def identities(self) -> set[int]:
        """All of whom there is a crop."""
        stored = [] if self._gallery is None else self._gallery.identities.tolist()
        return {(key - 1) // self._cameras for key in stored}

    def _keys(self, identities: IntArray) -> IntArray:
        """Names of identities (I,) in the gallery, by camera: (I, C)."""
        return identities[:, None] * self._cameras + np.arange(self._cameras) + 1

    def add(self, identity: int, crops: Crops) -> None:
        """Take in clean crops of one camera."""
        if self._gallery is None:
            self._gallery = Gallery(crops.embeddings.shape[1], self._config)
        key = self._keys(np.array([identity]))[0, crops.camera[0]]
        self._gallery.add(int(key), crops)

    def forget(self, identity: int) -> None:
        """Delete all that is stored of an identity."""
        if self._gallery is not None:
            for key in self._keys(np.array([identity]))[0].tolist():
                self._gallery.forget(key)
        self._compared = {pair for pair in self._compared if identity not in (pair[0], pair[2])}

    def distances(
        self, queries: Sequence[Float32Array], cameras: Sequence[int], identities: Sequence[int]
    ) -> tuple[FloatArray, BoolArray]:
        """Cosine distances (Q, I) of queries to identities, and whether both are of one camera.

        Parameters
        ----------
        queries : sequence of Q (N_q, D) float32
        cameras : sequence of Q int
            Where they were taken.
        identities : sequence of I int

        Returns
        -------
        distance : (Q, I) float64
            To the closest camera's crops, own camera first; NaN where nothing can be compared.
        is_within : (Q, I) bool
        """
        shape = (len(queries), len(identities))
        if self._gallery is None or 0 in shape:
            return np.full(shape, np.nan), np.zeros(shape, np.bool_)
        keys = self._keys(np.array(identities, np.int64))
        found = self._gallery.distances(queries, keys.ravel()).reshape(*shape, self._cameras)
        found[np.isnan(found)] = np.inf
        own = found[np.arange(len(queries)), :, np.array(cameras)]
        is_within = np.isfinite(own)
        distance = np.where(is_within, own, found.min(axis=2))
        distance[~np.isfinite(distance)] = np.nan
        return distance, is_within

    def log_odds(
        self, distance: FloatArray, is_within: BoolArray, candidates: IntArray
    ) -> tuple[FloatArray, FloatArray]:
        """What distances (Q, I) say, natural logarithm of odds, and the thresholds (Q, I).

        Odds are even at the threshold, which is stricter where more ``candidates`` (Q,) could be
        meant. Without a distance all of these are equally likely.
        """
        odds, thresholds = np.zeros(distance.shape), np.zeros(distance.shape)
        for scale, rows in zip(self._scales, (~is_within, is_within), strict=True):
            limit = np.array([scale.threshold(int(count)) for count in candidates])
            even = scale.log_ratio(distance) - scale.log_ratio(limit)[:, None]
            odds[rows] = even[rows]
            thresholds[rows] = np.broadcast_to(limit[:, None], rows.shape)[rows]
        alone = -np.log(np.maximum(candidates, 1))[:, None]
        return np.where(np.isnan(distance), alone, odds), thresholds

    def learn_apart(self, one: int, one_camera: int, other: int, other_camera: int) -> None:
        """Two identities were shown at once, by one camera or by two without a common view."""
        first, second = sorted([(one, one_camera), (other, other_camera)])
        pair = (*first, *second)
        if self._gallery is None or one == other or pair in self._compared:
            return
        self._compared.add(pair)
        keys = self._keys(np.array([one, other]))
        distance = self._gallery.distance_between(
            int(keys[0, one_camera]), int(keys[1, other_camera])
        )
        self._scales[int(one_camera == other_camera)].learn_different(np.array([distance]))
