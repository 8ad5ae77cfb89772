"""One way to run an ONNX file: ONNX Runtime where it is installed, OpenCV's ``dnn`` otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

FloatBatch = npt.NDArray[np.float32]


class OnnxSession(Protocol):
    """A loaded network with one input."""

    input_shape: tuple[int | None, ...] | None
    """Shape of the input, None for a dynamic axis; None where the runtime does not tell."""
    metadata: Mapping[str, str]

    def run(self, batch: FloatBatch) -> list[npt.NDArray[Any]]:
        """All outputs for one input batch."""
        ...


class OrtSession:
    """A network in ONNX Runtime."""

    def __init__(self, path: Path, device: str, threads: int | None) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.log_severity_level = 3
        if threads is not None:
            options.intra_op_num_threads = threads
            options.inter_op_num_threads = 1
        providers = ["CPUExecutionProvider"]
        if device.startswith("cuda"):
            if "CUDAExecutionProvider" not in ort.get_available_providers():
                raise ValueError(
                    f"device {device!r}: this onnxruntime has no CUDA; install onnxruntime-gpu, "
                    "or use --device cpu"
                )
            providers.insert(0, "CUDAExecutionProvider")
        try:
            self._session = ort.InferenceSession(
                str(path), sess_options=options, providers=providers
            )
        except Exception as error:  # onnxruntime's exceptions share no public base class
            raise ValueError(f"{path}: not a usable ONNX file: {_first_line(error)}") from error
        inputs = self._session.get_inputs()
        if len(inputs) != 1:
            raise ValueError(f"{path}: expected a network with one input, got {len(inputs)}")
        self._name = inputs[0].name
        if inputs[0].type != "tensor(float)":
            raise ValueError(f"{path}: expected a float32 input, got {inputs[0].type}")
        self._path = path
        self.input_shape: tuple[int | None, ...] | None = tuple(
            size if isinstance(size, int) else None for size in inputs[0].shape
        )
        self.metadata: Mapping[str, str] = self._session.get_modelmeta().custom_metadata_map

    def run(self, batch: FloatBatch) -> list[npt.NDArray[Any]]:
        """All outputs for one input batch."""
        try:
            return list(self._session.run(None, {self._name: batch}))
        except Exception as error:
            raise ValueError(
                f"{self._path}: cannot take an input of shape {batch.shape}: {_first_line(error)}"
            ) from error


class DnnSession:
    """A network in OpenCV's ``dnn`` module, which tells neither input shape nor metadata."""

    def __init__(self, path: Path, device: str) -> None:
        import cv2

        if device != "cpu":
            raise ValueError(f"device {device!r}: needs onnxruntime; install mtmc[onnx]")
        try:
            self._net = cv2.dnn.readNetFromONNX(str(path))
        except cv2.error as error:
            raise ValueError(f"{path}: not a usable ONNX file: {_first_line(error)}") from error
        if self._net.empty():
            raise ValueError(f"{path}: not a usable ONNX file: it holds no network")
        self._names = self._net.getUnconnectedOutLayersNames()
        self._path = path
        self.input_shape: tuple[int | None, ...] | None = None
        self.metadata: Mapping[str, str] = {}

    def run(self, batch: FloatBatch) -> list[npt.NDArray[Any]]:
        """All outputs for one input batch."""
        import cv2

        try:
            self._net.setInput(batch)
            return list(self._net.forward(self._names))
        except cv2.error as error:
            raise ValueError(
                f"{self._path}: cannot take an input of shape {batch.shape}: {_first_line(error)}"
            ) from error


def open_onnx(
    path: Path, device: str = "cpu", threads: int | None = None, runtime: str = "auto"
) -> OnnxSession:
    """Load an ONNX file.

    Parameters
    ----------
    path : Path
    device : str
        ``"cpu"``, or ``"cuda"`` with onnxruntime-gpu.
    threads : int or None
        Threads of the runtime; None leaves the choice to it.
    runtime : str
        ``"onnxruntime"``, ``"opencv"``, or ``"auto"``: the first where installed, else the second.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When the file is not a network that the runtime can load.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such model file")
    if runtime not in ("auto", "onnxruntime", "opencv"):
        raise ValueError(f"runtime: expected auto, onnxruntime or opencv, got {runtime!r}")
    if runtime != "opencv":
        try:
            return OrtSession(path, device, threads)
        except ImportError:
            if runtime == "onnxruntime":
                raise ValueError(
                    "runtime onnxruntime is not installed: pip install mtmc[onnx]"
                ) from None
    return DnnSession(path, device)


def _first_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__
