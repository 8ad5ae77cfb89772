"""A network in OpenVINO's own format, ``NAME.xml`` with ``NAME.bin`` beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .spec import METADATA_KEY


class OpenVinoSession:
    """A network in OpenVINO, computed in float32 where the file does not say int8.

    Raises
    ------
    ValueError
        When OpenVINO is not installed, the device is not ``"cpu"``, or the file is not a network
        with one float32 input.
    """

    def __init__(self, path: Path, device: str, threads: int | None) -> None:
        try:
            import openvino as ov
        except ImportError:
            raise ValueError(f"{path}: needs OpenVINO: pip install mtmc[openvino]") from None
        if device != "cpu":
            raise ValueError(f"device {device!r}: OpenVINO files run on the CPU here")
        # latency: one call at a time, as trackers make them; f32: bfloat16 would change vectors
        settings: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
        }
        if threads is not None:
            settings["INFERENCE_NUM_THREADS"] = threads
        core = ov.Core()
        try:
            model = core.read_model(path)
            compiled = core.compile_model(model, "CPU", settings)
        except RuntimeError as error:
            first = str(error).strip().splitlines()[0]
            raise ValueError(f"{path}: not a usable OpenVINO file: {first}") from error
        if len(model.inputs) != 1:
            raise ValueError(f"{path}: expected a network with one input, got {len(model.inputs)}")
        self._path = path
        self._request = compiled.create_infer_request()
        self.input_shape: tuple[int | None, ...] | None = tuple(
            size.get_length() if size.is_static else None for size in model.inputs[0].partial_shape
        )
        self.metadata: Mapping[str, str] = (
            {METADATA_KEY: str(model.get_rt_info([METADATA_KEY]).value)}
            if model.has_rt_info([METADATA_KEY])
            else {}
        )

    def run(self, batch: npt.NDArray[np.float32]) -> list[npt.NDArray[Any]]:
        """All outputs for one input batch."""
        try:
            outputs = self._request.infer([batch])
        except RuntimeError as error:
            raise ValueError(
                f"{self._path}: cannot take an input of shape {batch.shape}: "
                f"{str(error).strip().splitlines()[0]}"
            ) from error
        return [outputs[port].copy() for port in outputs]
