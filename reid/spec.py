"""What an appearance network expects of its input, and where that is written down.

A ReID network fed with the wrong channel order or normalisation still answers, only worse, and
nobody notices. So the input specification is never guessed: it comes from explicit flags, from a
sidecar file beside the model (``model.onnx.json``), from the metadata inside the ONNX file, or from
a table of models known by the SHA-256 of their content.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

SIDECAR_FORMAT = "mtmc-reid"
METADATA_KEY = "mtmc_reid"


@dataclass(frozen=True)
class InputSpec:
    """How a crop becomes the input of a network: ``(pixel * scale - mean) / std``.

    Attributes
    ----------
    height, width : int
        Size that a crop is resized to (bilinear), in pixels.
    channel_order : str
        ``"rgb"`` or ``"bgr"``: the order in which the network expects the channels.
    mean, std : tuples of three floats
        Per channel, in the order of ``channel_order``, applied after ``scale``.
    scale : float
        Factor on pixels of 0 to 255; 1/255 for networks that expect 0 to 1.
    layout : str
        ``"nchw"`` or ``"nhwc"``.

    Raises
    ------
    ValueError
        On values outside these sets.
    """

    height: int
    width: int
    channel_order: str = "rgb"
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    scale: float = 1 / 255
    layout: str = "nchw"

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1:
            raise ValueError(
                f"input.height, input.width: expected sizes from 1, got {self.height}x{self.width}"
            )
        if self.channel_order not in ("rgb", "bgr"):
            raise ValueError(
                f"input.channel_order: expected 'rgb' or 'bgr', got {self.channel_order!r}"
            )
        if self.layout not in ("nchw", "nhwc"):
            raise ValueError(f"input.layout: expected 'nchw' or 'nhwc', got {self.layout!r}")
        object.__setattr__(self, "mean", _triple("input.mean", self.mean))
        object.__setattr__(self, "std", _triple("input.std", self.std))
        if min(self.std) <= 0:
            raise ValueError(f"input.std: expected values above 0, got {self.std}")
        if not self.scale > 0:
            raise ValueError(f"input.scale: expected a value above 0, got {self.scale}")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as stored in sidecars and checkpoints."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], where: str = "input") -> InputSpec:
        """Inverse of :meth:`to_dict`; unknown or missing keys are errors that name them."""
        known = {f.name for f in fields(cls)}
        unknown = sorted(set(data) - known)
        if unknown:
            raise ValueError(
                f"{where}: unknown key {unknown[0]!r}; known are {', '.join(sorted(known))}"
            )
        for key in ("height", "width"):
            if not isinstance(data.get(key), int):
                raise ValueError(f"{where}.{key}: expected a whole number, got {data.get(key)!r}")
        for key in ("channel_order", "layout"):
            if not isinstance(data.get(key, ""), str):
                raise ValueError(f"{where}.{key}: expected text, got {data[key]!r}")
        if not isinstance(data.get("scale", 1.0), (int, float)):
            raise ValueError(f"{where}.scale: expected a number, got {data['scale']!r}")
        return cls(**data)


def _triple(name: str, values: object) -> tuple[float, float, float]:
    if (
        not isinstance(values, (list, tuple))
        or len(values) != 3
        or not all(isinstance(v, (int, float)) and v == v for v in values)
    ):
        raise ValueError(f"{name}: expected three numbers, got {values!r}")
    return (float(values[0]), float(values[1]), float(values[2]))


@dataclass(frozen=True)
class ModelCard:
    """What is known of an appearance model beside its weights.

    Attributes
    ----------
    input : InputSpec
        What the network expects.
    trained_on : str
        Data sets, in words; empty if unknown.
    terms : str
        Terms of use of weights and data, in words; empty if unknown.
    distances : dict
        Statistics of same-person and different-person distances; empty if not measured.
    """

    input: InputSpec
    trained_on: str = ""
    terms: str = ""
    distances: Mapping[str, Any] | None = None

    def to_json(self) -> str:
        """The text of a sidecar file, or of the metadata inside an ONNX file."""
        document = {
            "format": SIDECAR_FORMAT,
            "version": 1,
            "input": self.input.to_dict(),
            "trained_on": self.trained_on,
            "terms": self.terms,
            "distances": dict(self.distances) if self.distances else {},
        }
        return json.dumps(document, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str, where: str) -> ModelCard:
        """Parse what :meth:`to_json` wrote; errors begin with ``where``."""
        try:
            document = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"{where}: line {error.lineno}: not JSON: {error.msg}") from error
        if not isinstance(document, dict) or document.get("format") != SIDECAR_FORMAT:
            raise ValueError(f'{where}: expected a JSON object with "format": "{SIDECAR_FORMAT}"')
        if not isinstance(document.get("input"), dict):
            raise ValueError(f"{where}: expected a key 'input' with the input specification")
        try:
            spec = InputSpec.from_dict(document["input"])
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from error
        return cls(
            spec,
            str(document.get("trained_on", "")),
            str(document.get("terms", "")),
            document.get("distances") or None,
        )


def sidecar_path(model: Path) -> Path:
    """``model.onnx`` -> ``model.onnx.json``."""
    return model.with_name(model.name + ".json")


# Models of others that are common in the field, by the SHA-256 of the file. Measured, not guessed:
# each of these specifications reproduces the model's published or measured Market-1501 accuracy.
_KNOWN: dict[str, ModelCard] = {
    # OSNet x0.25 (Zhou et al., ICCV 2019), 128x64 input
    "15800843a1452e429bd5964b258ea3af898efc9ff0b96edd95e06d3b2930f699": ModelCard(
        InputSpec(height=128, width=64), "Market-1501", "MIT (weights); research-only data"
    ),
    # OSNet x0.25, 256x128 input
    "dddd73c80b78e24ef982f9c352c1947b42d67433887011e8eb33a00313edef5e": ModelCard(
        InputSpec(height=256, width=128), "MSMT17", "no licence stated; research-only data"
    ),
    # OpenVINO Open Model Zoo, person-reidentification-retail-0287
    "f35a22885b93aa0c249d665b4cf5510d08ded92f814694c3c2fec0112b0d3a56": ModelCard(
        InputSpec(256, 128, "bgr", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), scale=1.0, layout="nhwc"),
        "undisclosed",
        "Apache-2.0",
    ),
}


def find_card(model: Path, metadata: Mapping[str, str] | None = None) -> ModelCard:
    """The card of an ONNX model: from its sidecar, its metadata, or the table of known files.

    Raises
    ------
    ValueError
        When none of the three speaks of this file; the message shows what to write.
    """
    sidecar = sidecar_path(model)
    if sidecar.is_file():
        return ModelCard.from_json(sidecar.read_text(encoding="utf-8"), str(sidecar))
    if metadata and METADATA_KEY in metadata:
        return ModelCard.from_json(metadata[METADATA_KEY], f"{model} (metadata {METADATA_KEY!r})")
    known = _KNOWN.get(hashlib.sha256(model.read_bytes()).hexdigest())
    if known is not None:
        return known
    raise ValueError(
        f"{model}: input size, channel order and normalisation are not known and are never "
        f"guessed; write them into {sidecar.name} beside it, e.g. "
        f'{{"format": "{SIDECAR_FORMAT}", "input": {{"height": 256, "width": 128, '
        '"channel_order": "rgb", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}}, '
        "or give them as --reid-input"
    )
