"""Networks as ONNX and TorchScript, for other runtimes and for trackers that load a file."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from .files import write_atomic
from .fold import fold_for_inference
from .models.descriptor import ReIDNet

INPUT_NAME = "images"
OUTPUT_NAME = "embeddings"
OPSET = 18
OLDEST_TORCH = (2, 6)  # the first whose exporter has dynamic shapes
EXPORTER_LOG = "torch.onnx._internal.exporter._registration"
EXAMPLE_BATCH = 2  # an example of one image would fix the batch size


MeanStd = tuple[tuple[float, ...], tuple[float, ...]]


def export_onnx(
    model: ReIDNet,
    path: Path,
    mean_std: MeanStd | None = None,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write the folded network as an ONNX file with any batch size.

    The file has one float32 input ``images`` (N, 3, height, width) of the network's input size and
    one float32 output ``embeddings`` (N, D), rows of unit length.

    Parameters
    ----------
    model : ReIDNet
        On any device; it is left as it was.
    path : Path
        Written under a temporary name and renamed, so that it is either whole or absent.
    mean_std : (mean, std) or None
        None: images arrive normalised. Otherwise they arrive with values of 0 to 1, and the graph
        subtracts the mean and divides by the deviation of each channel.
    metadata : mapping of str to str, or None
        Stored in the file.

    Raises
    ------
    ValueError
        Where torch is older than 2.6, or ``onnxscript`` is missing.
    """
    content = onnx_bytes(model, mean_std, metadata)
    write_atomic(path, lambda file: file.write(content))


def onnx_bytes(
    model: ReIDNet, mean_std: MeanStd | None = None, metadata: Mapping[str, str] | None = None
) -> bytes:
    """What :func:`export_onnx` writes."""
    if tuple(int(part) for part in torch.__version__.split(".")[:2]) < OLDEST_TORCH:
        raise ValueError(f"export to ONNX: needs torch 2.6 or later, got {torch.__version__}")
    try:
        import onnxscript  # noqa: F401 - torch's exporter needs it and says so less clearly
    except ImportError as error:
        raise ValueError("export to ONNX: needs onnxscript; install mtmc[export]") from error
    with _quiet():
        program = torch.onnx.export(
            for_export(model, mean_std),
            (torch.zeros(EXAMPLE_BATCH, 3, *model.config.input_size),),
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            input_names=[INPUT_NAME],
            output_names=[OUTPUT_NAME],
            opset_version=OPSET,
            verbose=False,
        )
    assert program is not None
    program.model.metadata_props.update(metadata or {})
    content: bytes = program.model_proto.SerializeToString()
    return content


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter about its own age, and about packages that it does without."""
    logger = logging.getLogger(EXPORTER_LOG)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        logger.setLevel(level)


def export_torchscript(
    model: ReIDNet,
    path: Path,
    mean_std: MeanStd | None = None,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write the folded network as TorchScript with any batch size; parameters as `export_onnx`.

    ``metadata`` becomes extra files of the archive.
    """
    images = torch.zeros(EXAMPLE_BATCH, 3, *model.config.input_size)
    buffer = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of tracing, and of the age of TorchScript
        traced = torch.jit.trace(  # type: ignore[no-untyped-call]
            for_export(model, mean_std), images, check_trace=False
        )
        torch.jit.save(traced, buffer, _extra_files=dict(metadata or {}))
    write_atomic(path, lambda file: file.write(buffer.getvalue()))


def for_export(model: ReIDNet, mean_std: MeanStd | None) -> nn.Module:
    """The folded network on the CPU, behind its normalisation where that is to be inside."""
    network: nn.Module = fold_for_inference(model).cpu()
    return network if mean_std is None else _Normalized(network, *mean_std).eval()


class _Normalized(nn.Module):
    """A network behind ``(images - mean) / std``."""

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor(mean)[:, None, None])
        self.register_buffer("std", torch.tensor(std)[:, None, None])

    def forward(self, images: Tensor) -> Tensor:
        descriptors: Tensor = self.network((images - self.mean) / self.std)
        return descriptors
