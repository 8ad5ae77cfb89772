"""A checkpoint or an ONNX file becomes an appearance model: boxes in, unit vectors out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .crops import Image, crop, input_batch
from .distances import DistanceStatistics
from .histogram import CARD, stripe_histograms
from .onnx_session import OnnxSession, open_onnx
from .spec import InputSpec, ModelCard, find_card

HISTOGRAM = "histogram"
"""Name under which `load` finds the baseline that needs no weights."""

Network = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]


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

    def threshold(self, false_match_rate: float) -> float:
        """The cosine distance below which this share of different people would match.

        Raises
        ------
        ValueError
            When the model carries no distance statistics; ``mtmc reid calibrate`` measures them.
        """
        if not self.card.distances:
            raise ValueError(
                "this appearance model carries no distance statistics; "
                "measure them with `mtmc reid calibrate`"
            )
        statistics = DistanceStatistics.from_dict(self.card.distances)
        return statistics.threshold(false_match_rate)

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

    def _run(self, crops: Sequence[Image]) -> npt.NDArray[np.float32]:
        output = self._network(input_batch(crops, self.card.input))
        vectors: npt.NDArray[np.float32] = output.reshape(len(crops), -1).astype(np.float32)
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
    """Load an appearance model from an ONNX file or a checkpoint.

    Parameters
    ----------
    path : str or Path
        ``.onnx``, a checkpoint written by the training, or ``"histogram"``: a baseline of colour
        histograms that needs no weights.
    spec : InputSpec or None
        What an ONNX network expects, where neither the file, nor a sidecar, nor the table of known
        models says it. A checkpoint always says it itself.
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
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such model file")
    if path.suffix == ".onnx":
        session = open_onnx(path, device, threads, runtime)
        card = ModelCard(spec) if spec is not None else find_card(path, session.metadata)
        _check_shape(path, session, card.input)
        return Embedder(_onnx_network(path, session), card, batch_size)
    if spec is not None:
        raise ValueError(f"{path}: a checkpoint says itself what its input is; leave spec out")
    return _load_checkpoint(path, device, threads, batch_size)


def _load_checkpoint(path: Path, device: str, threads: int | None, batch_size: int) -> Embedder:
    import torch

    from .checkpoint import load_checkpoint
    from .fold import fold_for_inference

    checkpoint = load_checkpoint(path)
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise ValueError(f"device {device!r}: this torch sees no GPU; use --device cpu")
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        network = fold_for_inference(checkpoint.build()).to(device)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error

    def run(batch: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        with torch.inference_mode():
            vectors = network(torch.from_numpy(batch).to(device))
        answer: npt.NDArray[np.float32] = vectors.float().cpu().numpy()
        return answer

    card = ModelCard(
        checkpoint.input,
        checkpoint.trained_on,
        checkpoint.terms,
        checkpoint.distances.to_dict() if checkpoint.distances is not None else None,
    )
    return Embedder(run, card, batch_size)


def _check_shape(path: Path, session: OnnxSession, spec: InputSpec) -> None:
    if session.input_shape is None:
        return
    size = (3, spec.height, spec.width)
    expected = size if spec.layout == "nchw" else (spec.height, spec.width, 3)
    got = session.input_shape[1:]
    if len(got) != 3 or any(g is not None and g != e for g, e in zip(got, expected, strict=True)):
        raise ValueError(
            f"{path}: the network takes {session.input_shape}, but its input specification says "
            f"{spec.layout} {spec.height}x{spec.width}"
        )


def _onnx_network(path: Path, session: OnnxSession) -> Network:
    fixed = session.input_shape[0] if session.input_shape is not None else None

    def network(batch: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        size = len(batch) if fixed is None else fixed
        parts = []
        for start in range(0, len(batch), size):
            part = batch[start : start + size]
            missing = size - len(part)
            padded = np.concatenate([part, np.repeat(part[:1], missing, 0)]) if missing else part
            outputs = session.run(padded)
            if len(outputs) != 1 or len(outputs[0]) != size:
                raise ValueError(
                    f"{path}: expected one vector per image, got outputs of shapes "
                    f"{[tuple(o.shape) for o in outputs]} for {size} images"
                )
            parts.append(outputs[0][: len(part)])
        return np.concatenate(parts)

    return network
