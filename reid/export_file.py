"""A weights file becomes a file for another runtime, checked against what it came from."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from .crops import Image
from .embedder import Embedder, load
from .spec import METADATA_KEY, ModelCard, sidecar_path

FORMATS = {"onnx": ".onnx", "openvino": ".xml", "torchscript": ".torchscript"}
PROFILES = ("core", "ultralytics")
MIN_COSINE = 0.9999
"""Least cosine similarity of the vectors of a float32 export to those of its source."""

RANDOM_CROPS = 8
SEED = 0
MIN_CALIBRATION_CROPS = 32


@dataclass(frozen=True)
class ExportConfig:
    """What is to be written.

    Attributes
    ----------
    format : str
        ``"onnx"``, ``"openvino"`` (``.xml`` and ``.bin``) or ``"torchscript"``.
    profile : str
        ``"core"``: images arrive normalised, as the card in the file says. ``"ultralytics"``: they
        arrive as RGB from 0 to 1, and the graph normalises.
    int8 : bool
        Weights and activations in int8; for ONNX and OpenVINO.
    """

    format: str = "onnx"
    profile: str = "core"
    int8: bool = False

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise ValueError(f"format: expected one of {', '.join(FORMATS)}, got {self.format!r}")
        if self.profile not in PROFILES:
            raise ValueError(f"profile: expected core or ultralytics, got {self.profile!r}")
        if self.int8 and self.format == "torchscript":
            raise ValueError("int8: expected format onnx or openvino, got torchscript")

    def default_name(self, weights: Path) -> Path:
        """E.g. ``robust_reid_ultralytics_int8.onnx`` beside the weights."""
        parts = [weights.stem]
        parts += [self.profile] if self.profile != "core" else []
        parts += ["int8"] if self.int8 else []
        return weights.with_name("_".join(parts) + FORMATS[self.format])


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes
    ----------
    path : Path
    size_mb : float
        Of all files, in 10^6 bytes.
    mean_cosine, min_cosine : float
        Similarity of vectors to those of the source, over all crops compared.
    crops : int
        How many were compared.
    """

    path: Path
    size_mb: float
    mean_cosine: float
    min_cosine: float
    crops: int


def export(weights: Path, out: Path, config: ExportConfig, crops: Sequence[Image] = ()) -> Exported:
    """Write a network for another runtime.

    The file carries its card (input, origin, terms, distance statistics), so that
    :func:`mtmc.reid.load` reads it again. It is compared with its source on random crops and on
    those given before it gets its name. An int8 file is compared on every second crop, and
    calibrated on the others; it does not keep the distance statistics, which are those of the
    float32 network.

    Parameters
    ----------
    weights : Path
        A checkpoint, or an ONNX file (not for TorchScript).
    out : Path
        File to write; its folder is made.
    config : ExportConfig
    crops : sequence of (h, w, 3) uint8
        BGR crops of people; int8 needs at least `MIN_CALIBRATION_CROPS`.

    Raises
    ------
    FileNotFoundError, ValueError
        When the weights cannot be read or exported so, ``out`` is the weights file or has the
        suffix of another format, or the export's vectors differ from the source's.
    """
    suffix = FORMATS[config.format]
    if out.suffix != suffix:
        raise ValueError(f"{out}: expected a name that ends in {suffix}")
    if out.resolve() == weights.resolve():
        raise ValueError(f"{out}: this is the weights file itself; choose another name")
    if config.int8 and len(crops) < MIN_CALIBRATION_CROPS:
        raise ValueError(
            f"int8: expected at least {MIN_CALIBRATION_CROPS} crops of people to calibrate on, "
            f"got {len(crops)}"
        )
    source = load(weights)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.stem}-") as folder:
        temporary = Path(folder) / out.name
        _write(weights, temporary, config, source.card, crops[::2])
        compared = list(crops[1::2] if config.int8 else crops)
        cosines = _cosines(source, load(temporary), [*_random_crops(), *compared])
        if not config.int8 and cosines.min() < MIN_COSINE:
            raise ValueError(
                f"{weights}: the exported network answers differently: expected a cosine "
                f"similarity of {MIN_COSINE}, got {cosines.min():.6f}"
            )
        if config.int8:
            cosines = cosines[RANDOM_CROPS:]  # noise lies outside of what int8 is made for
        files = sorted(Path(folder).iterdir(), reverse=True)  # the .xml before its .bin
        size_mb = sum(file.stat().st_size for file in files) / 1e6
        for file in reversed(files):
            shutil.move(file, out.with_name(file.name))
    sidecar_path(out).unlink(missing_ok=True)  # of an older file of this name
    return Exported(out, size_mb, float(cosines.mean()), float(cosines.min()), len(cosines))


def _write(
    weights: Path, path: Path, config: ExportConfig, card: ModelCard, calibration: Sequence[Image]
) -> None:
    from .export_graph import scaled_input

    inside = config.profile == "ultralytics"
    target = replace(card, input=scaled_input(card.input)) if inside else card
    if config.int8:
        target = replace(target, distances=None)
    if config.format == "torchscript":
        _write_torchscript(weights, path, inside, target)
        return
    content = _onnx(weights, card, target, inside)
    if config.int8:
        from .export_graph import quantise

        content = quantise(content, calibration, target.input)
    if config.format == "onnx":
        path.write_bytes(_with_card(content, target))
    else:
        _write_openvino(content, path, target)


def _onnx(weights: Path, card: ModelCard, target: ModelCard, inside: bool) -> bytes:
    if weights.suffix != ".onnx":
        from .checkpoint import load_checkpoint
        from .export import onnx_bytes

        mean_std = (card.input.mean, card.input.std) if inside else None
        return onnx_bytes(load_checkpoint(weights).build(), mean_std)
    import onnx

    from .export_graph import normalise_inside

    model = onnx.load(weights)
    if inside:
        normalise_inside(model, card.input)
    content: bytes = model.SerializeToString()
    return content


def _with_card(content: bytes, card: ModelCard) -> bytes:
    import onnx

    model = onnx.load_from_string(content)
    kept = {entry.key: entry.value for entry in model.metadata_props}
    onnx.helper.set_model_props(model, {**kept, METADATA_KEY: card.to_json()})
    stamped: bytes = model.SerializeToString()
    return stamped


def _write_openvino(content: bytes, path: Path, card: ModelCard) -> None:
    try:
        import openvino as ov
    except ImportError:
        raise ValueError("export to OpenVINO: pip install mtmc[openvino]") from None
    model = ov.Core().read_model(content)
    model.set_rt_info(card.to_json(), [METADATA_KEY])
    ov.save_model(model, path, compress_to_fp16=False)


def _write_torchscript(weights: Path, path: Path, inside: bool, card: ModelCard) -> None:
    if weights.suffix == ".onnx":
        raise ValueError(f"{weights}: TorchScript is made from a checkpoint, not from an ONNX file")
    from .checkpoint import load_checkpoint
    from .export import export_torchscript

    checkpoint = load_checkpoint(weights)
    mean_std = (checkpoint.input.mean, checkpoint.input.std) if inside else None
    export_torchscript(checkpoint.build(), path, mean_std, {METADATA_KEY: card.to_json()})


def _random_crops() -> list[Image]:
    rng = np.random.default_rng(SEED)
    sizes = rng.integers((40, 20), (300, 150), (RANDOM_CROPS, 2))
    return [rng.integers(0, 256, (*size, 3)).astype(np.uint8) for size in sizes.tolist()]


def _cosines(source: Embedder, exported: Embedder, crops: Sequence[Image]) -> np.ndarray:
    """Cosine similarity (N,) between the vectors of two networks; rows have unit length."""
    products: np.ndarray = (source.embed_crops(crops) * exported.embed_crops(crops)).sum(axis=1)
    return products
