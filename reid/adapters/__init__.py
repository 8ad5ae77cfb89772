"""Our appearance models in the trackers of others: one file per tracker.

None of them imports the tracker it is for. Each file records the call as it was seen; `make peers`
runs the real packages and notices when one has changed it. Adding a tracker is one new file, one
line in ``ADAPTERS``, and a method of :class:`mtmc.reid.Embedder`.
"""

from .boxmot import BoxmotAppearance
from .deep_sort import DeepSortEncoder
from .deep_sort_realtime import DeepSortRealtimeAppearance
from .motdt import MotdtFeatures
from .norfair import NorfairAppearance
from .supervision import SupervisionAppearance
from .torchreid import TorchreidExtractor
from .ultralytics import UltralyticsEncoder

ADAPTERS: dict[str, type] = {
    "boxmot": BoxmotAppearance,
    "ultralytics": UltralyticsEncoder,
    "deep_sort_realtime": DeepSortRealtimeAppearance,
    "norfair": NorfairAppearance,
    "supervision": SupervisionAppearance,
    "deep_sort": DeepSortEncoder,
    "motdt": MotdtFeatures,
    "torchreid": TorchreidExtractor,
}

__all__ = [
    "ADAPTERS",
    "BoxmotAppearance",
    "DeepSortEncoder",
    "DeepSortRealtimeAppearance",
    "MotdtFeatures",
    "NorfairAppearance",
    "SupervisionAppearance",
    "TorchreidExtractor",
    "UltralyticsEncoder",
]
