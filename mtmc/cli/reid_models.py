"""A trained network as the ``mtmc reid`` commands see it: a checkpoint or an exported file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from mtmc.atomic import atomic_writer
from mtmc.errors import InputError
from mtmc.reid.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from mtmc.reid.complexity import complexity
from mtmc.reid.data.images import load_images
from mtmc.reid.distances import DistanceStatistics
from mtmc.reid.embedder import Embedder
from mtmc.reid.embedder import load as load_embedder
from mtmc.reid.evaluation import Labelled
from mtmc.reid.fold import fold_for_inference
from mtmc.reid.image_sets import embed_pixels, embed_samples
from mtmc.reid.runtimes import EXPORTED_SUFFIXES
from mtmc.reid.shipped import find_weights, is_shipped
from mtmc.reid.spec import InputSpec, sidecar_path
from mtmc.reid.transforms import Normaliser

if TYPE_CHECKING:
    from mtmc.reid.data import Samples

Report = Callable[[int, int], None]


class OpenModel:
    """A loaded network that embeds labelled images and takes notes of what is measured.

    Attributes
    ----------
    checkpoint : Checkpoint or None
        None for an exported file.
    """

    def __init__(
        self,
        path: Path,
        device: torch.device,
        checkpoint: Checkpoint | None,
        embedder: Embedder | None,
    ) -> None:
        self._path, self._device = path, device
        self.checkpoint = checkpoint
        self._embedder = embedder
        self._network: torch.nn.Module | None = None
        if checkpoint is not None:
            self._network = fold_for_inference(checkpoint.build()).to(device)

    @property
    def trained_on(self) -> str:
        """Data the network was trained on; empty if unknown."""
        if self.checkpoint is not None:
            return self.checkpoint.trained_on
        return self._onnx.card.trained_on

    def embed(
        self, samples: Samples, *, flip: bool = False, report: Report | None = None
    ) -> Labelled:
        """Vectors of labelled images."""
        if self._network is None or self.checkpoint is None:
            return embed_samples(samples, self._onnx.embed_crops, flip=flip, report=report)
        spec = self.checkpoint.input
        images = load_images(samples, spec, self._device)
        normaliser = Normaliser(spec, self._device)
        vectors = embed_pixels(self._network, images, normaliser, flip=flip)
        return Labelled(vectors, samples.identities, samples.cameras)

    def store_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Add results to the checkpoint file."""
        if self.checkpoint is None:
            raise InputError(f"{self._path}: only a checkpoint can hold results")
        self._rewrite(replace(self.checkpoint, metrics={**self.checkpoint.metrics, **metrics}))

    def store_distances(self, statistics: DistanceStatistics) -> Path:
        """Keep distance statistics in the checkpoint, or in the sidecar of an exported file."""
        if self.checkpoint is not None:
            self._rewrite(replace(self.checkpoint, distances=statistics))
            return self._path
        sidecar = sidecar_path(self._path)
        card = replace(self._onnx.card, distances=statistics.to_dict())
        with atomic_writer(sidecar) as file:
            file.write(card.to_json())
        return sidecar

    def describe(self) -> dict[str, Any]:
        """What is known of the network, as plain values."""
        if self.checkpoint is not None:
            size = complexity(self.checkpoint.build())
            sizes = {"params_m": round(size.params_m, 4), "flops_g": round(size.flops_g, 4)}
            return {**self.checkpoint.describe(), **sizes}
        card = self._onnx.card
        return {
            "architecture": f"exported file {self._path.name}",
            "embedding_dim": self._onnx.embedding_dim,
            "input": card.input.to_dict(),
            "trained_on": card.trained_on,
            "terms": card.terms,
            "distances_measured_on": (card.distances or {}).get("measured_on", ""),
        }

    @property
    def _onnx(self) -> Embedder:
        if self._embedder is None:
            raise InputError(f"{self._path}: not an exported file")
        return self._embedder

    def _rewrite(self, checkpoint: Checkpoint) -> None:
        half = any(w.dtype == torch.float16 for w in checkpoint.weights.values())
        save_checkpoint(checkpoint, self._path, half=half)
        self.checkpoint = checkpoint


def open_model(
    weights: str,
    device: torch.device,
    threads: int | None,
    reid_input: str | None,
    *,
    to_change: bool = False,
) -> OpenModel:
    """Load a checkpoint or an exported file, by path or name; shipped ones are not changed."""
    from .arguments import _json_object

    path = find_weights(weights)
    if to_change and is_shipped(path):
        raise InputError(f"{path.name}: shipped weights are not changed; work on a copy of {path}")
    if path.suffix not in EXPORTED_SUFFIXES:
        if reid_input is not None:
            raise InputError("--reid-input: a checkpoint says itself what its input is")
        return OpenModel(path, device, load_checkpoint(path), None)
    spec = InputSpec.from_dict(_json_object(reid_input)) if reid_input is not None else None
    embedder = load_embedder(path, spec=spec, device=device.type, threads=threads)
    return OpenModel(path, device, None, embedder)
