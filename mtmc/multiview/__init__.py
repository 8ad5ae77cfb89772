"""One identity across overlapping cameras: tracking people on the ground plane.

::

    from mtmc.multiview import GroundTracker

    tracker = GroundTracker({camera.name: camera for camera in cameras})
    for views in moments:                      # one View per camera that has a frame
        for track in tracker.update(views):    # GroundTrack: id, frame_index, ground_xy, members
            ...

Each part has its file: `observe` (boxes to ground points), `visibility`, `motion`, `associate`,
`fusion` (leave-one-out), `matching` (all of these together), `heights`, `existence`, `births` and
`newcomers`, `identity`, `appearance`, `residuals`, `moved` (cameras that were moved), and `report`
(what is said, and when).

Cameras that do not overlap have a tracker of their own behind the same seam, `SeparateTracker`; see
`separate`.
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
