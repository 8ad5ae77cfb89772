"""MOTDT and trackers made after it: the function ``extract_reid_features``.

By recorded contract, from longcw/MOTDT (MIT): ``extract_reid_features(reid_model, image, tlbrs)``
with a BGR image and a list of (4,) ``xyxy`` boxes answers with a float tensor (N, D), of which the
tracker takes ``.cpu().numpy()`` row by row; no boxes give an empty tensor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .vectors import Embeds, as_boxes, embed_boxes

if TYPE_CHECKING:
    import torch


class MotdtFeatures:
    """An appearance model in the place of MOTDT's ``extract_reid_features``.

    MOTDT compares Euclidean distances.
    """

    def __init__(self, model: Embeds) -> None:
        self._model = model

    def __call__(self, reid_model: Any, image: Any, tlbrs: Any) -> torch.Tensor:
        """Unit vectors (N, D) float32 of ``xyxy`` boxes in a BGR image.

        ``reid_model`` is what MOTDT loaded for itself, and is not used.
        """
        import torch

        return torch.from_numpy(embed_boxes(self._model, image, as_boxes(tlbrs, "xyxy")))
