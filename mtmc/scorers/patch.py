"""A small patch classifier as a scorer: one crop per box, whole person or not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mtmc.reid.crops import crop, input_batch
from mtmc.reid.onnx_session import open_onnx
from mtmc.reid.spec import InputSpec

from ..types import FloatArray, Image

PATCH_INPUT = InputSpec(height=64, width=32, mean=(0.5, 0.5, 0.5), std=(1.0, 1.0, 1.0))
"""Crops are RGB, values -0.5 to 0.5."""

SHIPPED_WEIGHTS = Path(__file__).with_name("person_patch.onnx")
"""Trained by ``benchmarks/patch_classifier.py`` on data published for research; see there."""


class PatchScorer:
    """Scores boxes with a network that tells a crop of a whole person from anything else.

    Unlike a detector's score map it needs no detector, and it looks at nothing but the box.

    Parameters
    ----------
    path : str or Path
        ONNX file: input (N, 3, 64, 32) float32 as `PATCH_INPUT` says, one output of N
        probabilities. The default ships with the package.
    device, threads, runtime
        See `mtmc.reid.onnx_session.open_onnx`.
    """

    def __init__(
        self,
        path: str | Path = SHIPPED_WEIGHTS,
        device: str = "cpu",
        threads: int | None = None,
        runtime: str = "auto",
    ) -> None:
        self._path = Path(path)
        self._session = open_onnx(self._path, device, threads, runtime)
        self.score_crops([np.zeros((8, 8, 3), np.uint8)])  # a wrong file shows before the first box

    def __call__(self, image: Image, xyxy: FloatArray) -> FloatArray:
        """Probability (N,) that each of the (N, 4) boxes holds a person; 0 where it has no pixel.

        Boxes are pixels of ``image`` (H, W, 3) uint8 BGR; parts outside are cut off.
        """
        scores = np.zeros(len(xyxy))
        crops = [crop(image, box) for box in xyxy]
        visible = [row for row, pixels in enumerate(crops) if pixels is not None]
        scores[visible] = self.score_crops([pixels for pixels in crops if pixels is not None])
        return scores

    def score_crops(self, crops: Sequence[Image]) -> FloatArray:
        """Probability (N,) that each BGR crop of any size shows one whole person.

        Raises
        ------
        ValueError
            When the network answers with something else than one probability per crop.
        """
        if not crops:
            return np.zeros(0)
        answer = self._session.run(input_batch(crops, PATCH_INPUT))[0]
        scores: FloatArray = np.asarray(answer, np.float64).ravel()
        # Written so that NaN fails, too.
        if len(scores) != len(crops) or not ((scores >= 0.0) & (scores <= 1.0)).all():
            raise ValueError(
                f"{self._path}: expected {len(crops)} probabilities, got an output of shape "
                f"{tuple(answer.shape)} with values {answer.min():g} to {answer.max():g}"
            )
        return scores
