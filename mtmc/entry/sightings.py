"""What is seen of one tracked person at one moment, and how clean each crop is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mtmc.reid.gallery import Crops

from ..types import Detections, Float32Array, FloatArray, GlobalTrack


@dataclass(frozen=True, eq=False)
class Sighting:
    """One person at one moment.

    Attributes
    ----------
    track : GlobalTrack
        With the identity that the tracker underneath gave.
    clearance_m : float
        Distance to the nearest other person, metres; infinite where nobody else is.
    near : tuple of int
        The tracker's identities of the others, nearest first.
    gaps_m : tuple of float
        Their distances, metres.
    crops : tuple of (camera number, vector, share covered by nearer boxes)
    """

    track: GlobalTrack
    clearance_m: float
    near: tuple[int, ...]
    gaps_m: tuple[float, ...]
    crops: tuple[tuple[int, Float32Array, float], ...]


def sightings(
    tracks: Sequence[GlobalTrack], people: Mapping[str, Detections], cameras: Mapping[str, int]
) -> list[Sighting]:
    """What is seen of all tracks of one moment.

    Parameters
    ----------
    tracks : sequence of GlobalTrack
        All of one moment.
    people : mapping of str to Detections
        By camera; with embeddings, or nothing is said of looks.
    cameras : mapping of str to int
        Numbers of the cameras.
    """
    place = np.array([track.ground_xy or (np.nan, np.nan) for track in tracks]).reshape(-1, 2)
    gap = np.sqrt(((place[:, None] - place[None]) ** 2).sum(axis=2))
    np.fill_diagonal(gap, np.inf)
    gap = np.nan_to_num(gap, nan=np.inf)
    covered = {name: share_covered(found.xyxy) for name, found in people.items()}
    seen = []
    for row, track in enumerate(tracks):
        order = np.argsort(gap[row], kind="stable")
        order = order[np.isfinite(gap[row, order])]
        crops = []
        for camera, member in track.members:
            vectors = people[camera].embeddings
            if vectors is not None and np.isfinite(vectors[member]).all():
                crops.append((cameras[camera], vectors[member], float(covered[camera][member])))
        seen.append(
            Sighting(
                track,
                float(gap[row].min(initial=np.inf)),
                tuple(tracks[other].id for other in order.tolist()),
                tuple(gap[row, order].tolist()),
                tuple(crops),
            )
        )
    return seen


def share_covered(xyxy: FloatArray) -> FloatArray:
    """Share of each box (N, 4) that the most covering nearer box covers, (N,).

    On level ground the nearer of two has the lower feet.
    """
    left = np.maximum(xyxy[:, None, 0], xyxy[None, :, 0])
    right = np.minimum(xyxy[:, None, 2], xyxy[None, :, 2])
    top = np.maximum(xyxy[:, None, 1], xyxy[None, :, 1])
    bottom = np.minimum(xyxy[:, None, 3], xyxy[None, :, 3])
    common = np.maximum(right - left, 0.0) * np.maximum(bottom - top, 0.0)
    area = np.maximum((xyxy[:, 2] - xyxy[:, 0]) * (xyxy[:, 3] - xyxy[:, 1]), 1e-9)
    nearer = xyxy[None, :, 3] > xyxy[:, None, 3]
    return np.asarray(np.where(nearer, common / area[:, None], 0.0).max(axis=1, initial=0.0))


class CropBuffer:
    """Crops of one stretch of tracking, the latest ones first to go when there are too many.

    Parameters
    ----------
    tracklet : int
        Number of the stretch.
    """

    def __init__(self, tracklet: int) -> None:
        self.tracklet = tracklet
        self._rows: list[tuple[Float32Array, int, float, float, float]] = []
        self._latest: dict[int, float] = {}

    @property
    def first_s(self) -> float | None:
        """When the first of the crops was taken; None without crops."""
        return min((row[2] for row in self._rows), default=None)

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, sighting: Sighting, time_s: float, sample_s: float, max_overlap: float) -> None:
        """Add a moment's crops that are clean, if the last of the same camera are old enough."""
        for camera, vector, overlap in sighting.crops:
            if (
                overlap <= max_overlap
                and time_s - self._latest.get(camera, -np.inf) >= sample_s - 1e-9
            ):
                self._latest[camera] = time_s
                self._rows.append((vector, camera, time_s, overlap, sighting.clearance_m))

    def vectors(self, most: int) -> Float32Array:
        """Vectors of up to so many crops, spread over the stretch and least covered, (Q, D)."""
        if not self._rows:
            return np.zeros((0, 0), np.float32)
        order = sorted(range(len(self._rows)), key=lambda row: self._rows[row][3])
        chosen = sorted(order[: max(most, 1)])
        return np.stack([self._rows[row][0] for row in chosen])

    def crops(self) -> Crops:
        """All of them, as a gallery takes them."""
        vectors, camera, time_s, overlap, clearance = zip(*self._rows, strict=True)
        count = len(vectors)
        return Crops(
            np.stack(vectors),
            np.array(camera, np.int64),
            np.full(count, self.tracklet, np.int64),
            np.array(time_s),
            1.0 - np.array(overlap),
            np.array(overlap),
            np.array(clearance),
        )

    def clear(self) -> None:
        """Forget the crops; when the last ones were taken is kept."""
        self._rows.clear()
