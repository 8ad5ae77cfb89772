"""A weights file becomes a function from an input batch to vectors, whatever runs it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .onnx_session import OnnxSession, open_onnx
from .spec import InputSpec, ModelCard, find_card

Network = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]

EXPORTED_SUFFIXES = (".onnx", ".xml", ".torchscript")
"""ONNX, OpenVINO and TorchScript files; every other weights file is taken for a checkpoint."""


def open_network(
    path: Path, spec: InputSpec | None, device: str, threads: int | None, runtime: str
) -> tuple[Network, ModelCard]:
    """Open a weights file; see :func:`mtmc.reid.load` for the parameters and errors."""
    if path.suffix in EXPORTED_SUFFIXES:
        session = _open_session(path, device, threads, runtime)
        card = ModelCard(spec) if spec is not None else find_card(path, session.metadata)
        _check_shape(path, session, card.input)
        return _session_network(path, session), card
    if spec is not None:
        raise ValueError(f"{path}: a checkpoint says itself what its input is; leave spec out")
    return _open_checkpoint(path, device, threads)


def _open_session(path: Path, device: str, threads: int | None, runtime: str) -> OnnxSession:
    if path.suffix == ".onnx":
        return open_onnx(path, device, threads, runtime)
    if runtime != "auto":
        raise ValueError(f"{path}: runtime {runtime!r} is for ONNX files; leave it out")
    if path.suffix == ".xml":
        from .openvino_session import OpenVinoSession

        return OpenVinoSession(path, device, threads)
    from .torchscript_session import TorchScriptSession

    return TorchScriptSession(path, device, threads)


def _open_checkpoint(path: Path, device: str, threads: int | None) -> tuple[Network, ModelCard]:
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

    return run, checkpoint.card


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


def _session_network(path: Path, session: OnnxSession) -> Network:
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
