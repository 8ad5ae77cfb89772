"""What the floor plan of a site shows."""

from __future__ import annotations

import numpy as np

from ..sites import Site
from ..types import FloatArray
from .map import Bounds
from .plan import plan_bounds


def site_plan_bounds(site: Site, places: FloatArray) -> Bounds:
    """The part of the floor to draw; ``places`` (N, 2), metres, where people were.

    Raises
    ------
    ValueError
        When nothing is known of the floor.
    """
    area = site.bounds or site.region
    tracked = None if area is None else np.array(area.corners)
    return plan_bounds(list(site.calibrations.values()), tracked, places)


def site_outlines(site: Site) -> list[FloatArray]:
    """Corners (N, 2), metres, of where people are tracked and where they are reported."""
    return [np.array(area.corners) for area in (site.bounds, site.region) if area is not None]
