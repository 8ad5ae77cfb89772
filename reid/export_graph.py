"""ONNX graphs of any origin: normalisation put inside, and int8."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .crops import Image, input_batch
from .spec import InputSpec

if TYPE_CHECKING:
    from onnx import ModelProto

CALIBRATION_BATCH = 16
PER_CHANNEL_OPSET = 13
OPSET = 18
INSIDE = "scaled_images"


def scaled_input(spec: InputSpec) -> InputSpec:
    """What a network expects once its normalisation is inside: RGB, 0 to 1, channels first."""
    return InputSpec(spec.height, spec.width, "rgb", (0.0,) * 3, (1.0,) * 3, 1 / 255, "nchw")


def normalise_inside(model: ModelProto, spec: InputSpec) -> None:
    """Put scaling, normalisation, channel order and layout in front of an ONNX graph.

    Afterwards its input is as :func:`scaled_input` says. ``model`` is changed.

    Raises
    ------
    ValueError
        When the graph has more than one input.
    """
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    constants = {initializer.name for initializer in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    if len(inputs) != 1:
        raise ValueError(f"expected a network with one input, got {len(inputs)}")
    old = inputs[0]
    rgb = slice(None) if spec.channel_order == "rgb" else slice(None, None, -1)
    std = np.array(spec.std, np.float32)[rgb]
    # (x * 255 * scale - mean) / std, with x from 0 to 1
    factor = np.float32(255 * spec.scale) / std
    offset = -np.array(spec.mean, np.float32)[rgb] / std
    steps: list[tuple[str, list[str], dict[str, Any]]] = [
        ("Mul", [_constant(graph, "factor", factor[:, None, None])], {}),
        ("Add", [_constant(graph, "offset", offset[:, None, None])], {}),
    ]
    if spec.channel_order == "bgr":
        graph.initializer.append(numpy_helper.from_array(np.array([2, 1, 0]), "bgr"))
        steps.append(("Gather", ["bgr"], {"axis": 1}))
    if spec.layout == "nhwc":
        steps.append(("Transpose", [], {"perm": [0, 2, 3, 1]}))
    batch = old.type.tensor_type.shape.dim[0]
    size: int | str = batch.dim_value or batch.dim_param or "batch"
    name = old.name
    nodes, before = [], INSIDE
    for number, (kind, more, attributes) in enumerate(steps):
        after = name if number == len(steps) - 1 else f"normalised_{number}"
        nodes.append(helper.make_node(kind, [before, *more], [after], **attributes))
        before = after
    new = helper.make_tensor_value_info(
        INSIDE, TensorProto.FLOAT, [size, 3, spec.height, spec.width]
    )
    graph.input.remove(old)
    graph.input.insert(0, new)
    for position, node in enumerate(nodes):
        graph.node.insert(position, node)


def _constant(graph: Any, name: str, values: npt.NDArray[np.float32]) -> str:
    from onnx import numpy_helper

    graph.initializer.append(numpy_helper.from_array(values, f"normalise_{name}"))
    return f"normalise_{name}"


def quantise(content: bytes, crops: Sequence[Image], spec: InputSpec) -> bytes:
    """An ONNX network with weights and activations in int8 (QDQ, one scale per channel).

    Parameters
    ----------
    content : bytes
        The float32 ONNX file.
    crops : sequence of (h, w, 3) uint8
        BGR crops of people, from which the ranges of activations are taken.
    spec : InputSpec
        What the network expects.

    Raises
    ------
    ValueError
        When onnxruntime's quantiser is missing.
    """
    try:
        from onnxruntime.quantization import (
            CalibrationDataReader,
            QuantFormat,
            QuantType,
            quant_pre_process,
            quantize_static,
        )
    except ImportError as error:
        raise ValueError("export to int8: needs onnxruntime; install mtmc[onnx,export]") from error

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self, name: str) -> None:
            self._batches = _batches(name, crops, spec)

        def get_next(self) -> dict[str, Any] | None:
            return next(self._batches, None)

    with tempfile.TemporaryDirectory() as folder:
        plain, ready, small = (str(Path(folder) / f"{name}.onnx") for name in "abc")
        Path(plain).write_bytes(_recent(content))
        quant_pre_process(plain, ready, skip_symbolic_shape=True)
        quantize_static(
            ready,
            small,
            Reader(_input_name(content)),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return Path(small).read_bytes()


def _recent(content: bytes) -> bytes:
    """The network in a version of the operators that has scales per channel."""
    import onnx
    from onnx import version_converter

    model = onnx.load_from_string(content)
    versions = {entry.domain: entry.version for entry in model.opset_import}
    if versions.get("", PER_CHANNEL_OPSET) >= PER_CHANNEL_OPSET:
        return content
    converted: bytes = version_converter.convert_version(model, OPSET).SerializeToString()
    return converted


def _batches(name: str, crops: Sequence[Image], spec: InputSpec) -> Iterator[dict[str, Any]]:
    for start in range(0, len(crops), CALIBRATION_BATCH):
        yield {name: input_batch(crops[start : start + CALIBRATION_BATCH], spec)}


def _input_name(content: bytes) -> str:
    import onnx

    graph = onnx.load_from_string(content).graph
    constants = {initializer.name for initializer in graph.initializer}
    return next(str(value.name) for value in graph.input if value.name not in constants)
