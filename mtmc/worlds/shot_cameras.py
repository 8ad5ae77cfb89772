"""Cameras that look at drawn people: outdoors and under ceilings, each with a place and a light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..types import FloatArray, Image
from .backdrops import backdrop
from .render_skin import Light
from .shot_optics import ShotOptics, random_optics

CROP_HEIGHTS_PX = (24, 128)
INDOORS = 0.5
"""Share of the cameras that hang under a ceiling, near to people who often sit at tables."""
SEATED, SCREENED, TILT = (0.05, 0.25), (0.12, 0.3), (0.04, 0.22)
"""Outdoors and indoors: chance that somebody sits; that things are in front; how far from upright
people are in the picture (standard deviation, radians), as they are at the edge of a wide view."""


@dataclass(frozen=True, eq=False)
class ShotCamera:
    """One camera of a site.

    Attributes
    ----------
    place : (H, W, 3) uint8
        What it sees while nobody is there, BGR.
    optics : ShotOptics
    light : Light
    elevation_m, distance_m, crop_px : float
        Height above the floor, usual distance of people, and usual height of their crops.
    least_aspect : float
        Width of its detector's boxes, as a share of their height, at least.
    seated, screened, tilt : float
        See `SEATED`, `SCREENED` and `TILT`.
    """

    place: Image
    optics: ShotOptics
    light: Light
    elevation_m: float
    distance_m: float
    crop_px: float
    least_aspect: float
    seated: float
    screened: float
    tilt: float


def random_camera(rng: np.random.Generator) -> ShotCamera:
    """Draw a camera and its place."""
    low, high = np.log(np.array(CROP_HEIGHTS_PX))
    indoors = int(rng.random() < INDOORS)
    nearest, farthest = ((2.5, 14.0), (1.3, 5.0))[indoors]
    distance_m = float(np.exp(rng.uniform(np.log(nearest), np.log(farthest))))
    highest = 3.0 if indoors else min(4.5, 1.2 + 0.6 * distance_m)
    return ShotCamera(
        place=backdrop(rng),
        optics=random_optics(rng),
        light=_light(rng),
        elevation_m=float(rng.uniform(2.2 if indoors else 1.2, highest)),
        distance_m=distance_m,
        crop_px=float(np.exp(rng.triangular(low + 0.4, high - 0.1, high + 0.3))),
        least_aspect=float(rng.uniform(0.25, 0.5)),
        seated=SEATED[indoors],
        screened=SCREENED[indoors],
        tilt=TILT[indoors],
    )


def _light(rng: np.random.Generator) -> Light:
    """A sky, and a lamp or the sun from somewhere above."""
    azimuth, height = rng.uniform(0, 2 * np.pi), rng.uniform(0.15, 0.95)
    level = np.sqrt(1 - height**2)
    towards = np.array([level * np.cos(azimuth), level * np.sin(azimuth), height])
    sun, sky = rng.uniform(0.0, 0.6), rng.uniform(0.15, 0.5)

    def light(places: FloatArray, normal: FloatArray) -> FloatArray:
        unit = normal / np.sqrt((normal * normal).sum(axis=1) + 1e-18)[:, None]
        ambient = 1 - sky + sky * unit[:, 2]
        return np.asarray((1 - 0.5 * sun) * ambient + sun * np.maximum(unit @ towards, 0.0))

    return light
