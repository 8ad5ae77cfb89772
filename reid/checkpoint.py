"""A trained network in one file that describes itself.

Everything needed to use the network is inside: which one it is, what its input must look like, what
it was trained on and on which terms, how well it did, and how far apart its vectors of the same and
of different people are. The file is ``torch.save`` of plain values and tensors, so it loads with
``weights_only=True``: no code runs on loading.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from .distances import DistanceStatistics
from .files import write_atomic
from .models import ReIDNet, build
from .spec import InputSpec, ModelCard

FORMAT = "mtmc-reid-checkpoint"
VERSION = 1

_LOG = logging.getLogger(__name__)
_RESEARCH = "research only"


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A trained network and what is known about it.

    Attributes
    ----------
    architecture : str
        Name in :data:`mtmc.reid.models.MODELS`.
    config : mapping
        Fields of the architecture's config, plain values.
    input : InputSpec
        What the network expects.
    embedding_dim : int
        Length of its vectors.
    weights : mapping of str to tensor
        The network's state dict; classifiers are not part of it.
    trained_on : str
        Data sets.
    terms : str
        Terms of use of that data.
    recipe : mapping
        The training's settings, plain values.
    commit : str
        Version of the code, where known.
    metrics : mapping
        Results by name, plain values.
    distances : DistanceStatistics or None
        Distances of same-person and different-person pairs, where measured.
    """

    architecture: str
    config: Mapping[str, Any]
    input: InputSpec
    embedding_dim: int
    weights: Mapping[str, torch.Tensor]
    trained_on: str = ""
    terms: str = ""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    commit: str = ""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    distances: DistanceStatistics | None = None

    @property
    def research_only(self) -> bool:
        """Whether its terms forbid other than research use."""
        return _RESEARCH in self.terms

    @property
    def card(self) -> ModelCard:
        """What goes with the network when it leaves the checkpoint."""
        distances = self.distances.to_dict() if self.distances is not None else None
        return ModelCard(self.input, self.trained_on, self.terms, distances)

    def build(self) -> ReIDNet:
        """The network with its weights, in evaluation mode, float32, on the CPU.

        Raises
        ------
        ValueError
            When the weights do not fit the architecture of this version.
        """
        network = build(self.architecture, **self.config)
        try:
            network.load_state_dict(dict(self.weights))  # casts half precision to float32
        except RuntimeError as error:
            lines = str(error).splitlines()
            detail = lines[min(1, len(lines) - 1)].strip()
            raise ValueError(f"weights do not fit {self.architecture}: {detail}") from error
        return network.eval()

    def describe(self) -> dict[str, Any]:
        """Everything but the weights and histograms, as plain values for JSON."""
        return {
            "architecture": self.architecture,
            "config": dict(self.config),
            "input": self.input.to_dict(),
            "embedding_dim": self.embedding_dim,
            "trained_on": self.trained_on,
            "terms": self.terms,
            "commit": self.commit,
            "metrics": dict(self.metrics),
            "recipe": dict(self.recipe),
            "distances_measured_on": self.distances.measured_on if self.distances else "",
        }


def save_checkpoint(checkpoint: Checkpoint, path: Path, *, half: bool = False) -> None:
    """Write a checkpoint, whole or not at all.

    Parameters
    ----------
    checkpoint : Checkpoint
    path : Path
    half : bool
        Store matrices and convolutions in float16: half the size. Vectors (batch norm statistics,
        biases) stay in float32; they are few, and their range is wide.

    Raises
    ------
    ValueError
        When a weight is not finite, also after rounding to half precision.
    """
    weights = {name: _stored(name, value, half) for name, value in checkpoint.weights.items()}
    document = {
        "format": FORMAT,
        "version": VERSION,
        "architecture": checkpoint.architecture,
        "config": dict(checkpoint.config),
        "input": checkpoint.input.to_dict(),
        "embedding_dim": checkpoint.embedding_dim,
        "trained_on": checkpoint.trained_on,
        "terms": checkpoint.terms,
        "recipe": dict(checkpoint.recipe),
        "commit": checkpoint.commit,
        "metrics": dict(checkpoint.metrics),
        "distances": checkpoint.distances.to_dict() if checkpoint.distances else None,
        "weights": weights,
        "sha256": _digest(weights),
    }
    write_atomic(path, lambda file: torch.save(document, file))


def load_checkpoint(path: str | Path, *, announce: bool = True) -> Checkpoint:
    """Read a checkpoint.

    Parameters
    ----------
    path : str or Path
    announce : bool
        Say so, in one line of the log, when the weights are for research only.

    Raises
    ------
    FileNotFoundError, ValueError
        When the file is missing, damaged, of another program or of a newer version.
    """
    path = Path(path)
    document = read_tensors(path, FORMAT, "a checkpoint")
    if document.get("version") != VERSION:
        raise ValueError(
            f"{path}: expected checkpoint version {VERSION}, got {document.get('version')}"
        )
    try:
        checkpoint = _from_document(document, str(path))
        digest = document["sha256"]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: damaged checkpoint: {error!r}") from error
    if _digest(checkpoint.weights) != digest:
        raise ValueError(f"{path}: damaged checkpoint: the weights are not those written")
    if announce and checkpoint.research_only:
        _LOG.warning("%s: trained on %s (%s)", path.name, checkpoint.trained_on, checkpoint.terms)
    return checkpoint


def read_tensors(path: Path, expected_format: str, what: str) -> dict[str, Any]:
    """Load a file of plain values and tensors, and check its ``format`` entry.

    Raises
    ------
    FileNotFoundError, ValueError
        When the file is missing or is not ``what`` it should be.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        document = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # of a damaged file, torch raises whatever its parts raise
        raise ValueError(f"{path}: not {what}, or a damaged one") from error
    if not isinstance(document, dict) or document.get("format") != expected_format:
        raise ValueError(f"{path}: not {what} of this program")
    return document


def _from_document(document: Mapping[str, Any], where: str) -> Checkpoint:
    distances = document["distances"]
    return Checkpoint(
        architecture=document["architecture"],
        config=document["config"],
        input=InputSpec.from_dict(document["input"], f"{where}: input"),
        embedding_dim=document["embedding_dim"],
        weights=document["weights"],
        trained_on=document["trained_on"],
        terms=document["terms"],
        recipe=document["recipe"],
        commit=document["commit"],
        metrics=document["metrics"],
        distances=DistanceStatistics.from_dict(distances, f"{where}: distances")
        if distances
        else None,
    )


def _stored(name: str, value: torch.Tensor, half: bool) -> torch.Tensor:
    value = value.detach().cpu().contiguous()
    if value.is_floating_point():
        value = value.half() if half and value.ndim >= 2 else value.float()
        if not torch.isfinite(value).all():
            raise ValueError(f"weights: {name}: expected finite values")
    return value.clone()


def _digest(weights: Mapping[str, torch.Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(weights):
        value = weights[name].contiguous()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.numpy().tobytes())
    return digest.hexdigest()
