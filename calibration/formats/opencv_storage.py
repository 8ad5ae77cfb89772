"""Files of OpenCV's FileStorage: YAML, XML and JSON, read and written without it.

``cv2.FileStorage`` names neither line nor key when it fails, refuses plain lists of numbers, and
differs between OpenCV 4 and 5. Here all three become one tree whose nodes know their place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np

from ..types import CalibrationError, FloatArray
from .base import write_text
from .json_file import read_json
from .opencv_yaml import read_yaml
from .storage_node import MAX_DEPTH, Node
from .xml_tree import Element, read_xml

Value = FloatArray | str | int | Sequence[Mapping[str, Any]]
"""What can be written: a matrix, a text, a whole number, or a list of maps of these."""


def read_storage(path: Path) -> Node:
    """Read a file, by its ending (``.xml``, ``.json``) or else as YAML.

    Raises
    ------
    CalibrationError
        When it cannot be understood.
    """
    suffix = path.suffix.lower()
    if suffix == ".xml":
        return _from_element(read_xml(path, "opencv_storage"), 0)
    if suffix == ".json":
        return _from_json(str(path), read_json(path))
    return read_yaml(path)


def _from_element(element: Element, depth: int) -> Node:
    if depth > MAX_DEPTH:
        raise CalibrationError(f"{element.where}: nested too deeply")
    if not element.children:
        text = element.text.strip()
        quoted = len(text) > 1 and text[0] == text[-1] == '"'
        return Node(element.where, text[1:-1] if quoted else text)
    items = [_from_element(child, depth + 1) for child in element.children]
    if all(child.tag == "_" for child in element.children):
        return Node(element.where, items)
    return Node(
        element.where,
        {child.tag: item for child, item in zip(element.children, items, strict=True)},
    )


def _from_json(where: str, value: Any) -> Node:
    if isinstance(value, dict):
        children = {key: _from_json(f"{where}: {key}", part) for key, part in value.items()}
        return Node(where, children)
    if isinstance(value, list):
        return Node(where, [_from_json(f"{where}[{i}]", part) for i, part in enumerate(value)])
    return Node(where, str(value))


def write_storage(path: Path, content: Mapping[str, Value]) -> None:
    """Write a file that ``cv2.FileStorage`` reads: XML by its ending, else YAML.

    Numbers are written with all their digits. Matrices are 2-D.
    """
    if path.suffix.lower() == ".xml":
        body = _xml_map(content)
        text = f'<?xml version="1.0"?>\n<opencv_storage>\n{body}</opencv_storage>\n'
    else:
        text = "%YAML:1.0\n---\n" + _yaml_map(content, "")
    write_text(path, text)


def _digits(matrix: FloatArray) -> list[str]:
    return [repr(float(value)) for value in np.ravel(matrix)]


def _yaml_map(content: Mapping[str, Value], indent: str) -> str:
    lines = []
    for key, value in content.items():
        if isinstance(value, np.ndarray):
            rows, cols = value.shape
            data = ", ".join(_digits(value))
            lines += [
                f"{indent}{key}: !!opencv-matrix",
                f"{indent}   rows: {rows}",
                f"{indent}   cols: {cols}",
                f"{indent}   dt: d",
                f"{indent}   data: [ {data} ]",
            ]
        elif isinstance(value, str):
            lines.append(f"{indent}{key}: {_quoted(value)}")
        elif isinstance(value, int):
            lines.append(f"{indent}{key}: {value}")
        else:
            lines.append(f"{indent}{key}:")
            for item in value:
                lines.append(f"{indent}   -")
                lines.append(_yaml_map(item, indent + "      ").rstrip("\n"))
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _xml_map(content: Mapping[str, Value]) -> str:
    parts = []
    for key, value in content.items():
        if isinstance(value, np.ndarray):
            rows, cols = value.shape
            parts.append(
                f'<{key} type_id="opencv-matrix">\n  <rows>{rows}</rows>\n  <cols>{cols}</cols>\n'
                f"  <dt>d</dt>\n  <data>\n    {' '.join(_digits(value))}</data></{key}>\n"
            )
        elif isinstance(value, str):
            quoted = '"' + escape(value, {'"': "&quot;"}) + '"'
            parts.append(f"<{key}>{quoted}</{key}>\n")
        elif isinstance(value, int):
            parts.append(f"<{key}>{value}</{key}>\n")
        else:
            items = "".join(f"<_>\n{_xml_map(item)}</_>\n" for item in value)
            parts.append(f"<{key}>\n{items}</{key}>\n")
    return "".join(parts)
