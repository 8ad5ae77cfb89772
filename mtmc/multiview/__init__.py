"""One identity across overlapping cameras: tracking people on the ground plane.

::

    from mtmc.multiview import GroundTracker

    tracker = GroundTracker({camera.name: camera for camera in cameras})
    for views in moments:                      # one View per camera that has a frame
        for track in tracker.update(views):    # GroundTrack: id, frame_index, ground_xy, members
            ...

Each part has its file: `observe` (boxes to ground points), `visibility`, `motion`, `associate`,
`fusion` (leave-one-out), `matching` (all of these together), `heights`, `existence`, `births` and
`newcomers`, `appearance`, `residuals`; `identity`, `identities` and `deciding` (who is who, a lag
later), and `report`. `moved` watches for cameras that are not where they were; `separate` joins
cameras that look at separate places.
"""

from __future__ import annotations

from .config import GroundTrackerConfig
from .report import GroundTrack
from .separate import SeparateConfig, SeparateTracker
from .tracker import GroundTracker

__all__ = [
    "GroundTrack",
    "GroundTracker",
    "GroundTrackerConfig",
    "SeparateConfig",
    "SeparateTracker",
]
