"""The tree that OpenCV's YAML, XML and JSON files are read into."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..types import CalibrationError, FloatArray
from .base import number

MAX_DEPTH = 20
"""Files nested deeper than this are not calibrations."""


@dataclass(frozen=True)
class Node:
    """A map, a list or a text, and where it stands (file, line where known, key)."""

    where: str
    value: dict[str, Node] | list[Node] | str

    def map(self) -> dict[str, Node]:
        """The children of a map."""
        if not isinstance(self.value, dict):
            raise CalibrationError(f"{self.where}: expected key-value pairs")
        return self.value

    def list(self) -> list[Node]:
        """The items of a list."""
        if not isinstance(self.value, list):
            raise CalibrationError(f"{self.where}: expected a list")
        return self.value

    def text(self) -> str:
        """A text without its quotes."""
        if not isinstance(self.value, str):
            raise CalibrationError(f"{self.where}: expected a single value")
        return self.value

    def number(self) -> float:
        """A finite number."""
        return number(self.where, self.text())

    def numbers(self, count: int | None = None) -> FloatArray:
        """The numbers of a list, of an OpenCV matrix row by row, or of a text with spaces.

        Raises
        ------
        CalibrationError
            When one is none, or there are not ``count`` of them.
        """
        found = self._numbers()
        if count is not None and len(found) != count:
            raise CalibrationError(f"{self.where}: expected {count} numbers, got {len(found)}")
        return found

    def _numbers(self) -> FloatArray:
        if isinstance(self.value, str):
            return np.array([number(self.where, part) for part in self.value.split()])
        if isinstance(self.value, list):
            return np.array([value for item in self.value for value in item.numbers()])
        data = self.child("data").numbers()
        if "sizes" in self.map():  # OpenCV 5 writes vectors so
            sides = [int(side) for side in self.child("sizes").numbers()]
        else:
            sides = [int(self.child(key).number()) for key in ("rows", "cols")]
        if math.prod(sides) != len(data):
            size = "×".join(str(side) for side in sides)
            raise CalibrationError(f"{self.where}: expected {size} numbers, got {len(data)}")
        return data

    def child(self, key: str) -> Node:
        """A child of a map that must be there."""
        if key not in self.map():
            raise CalibrationError(f"{self.where}: {key} is missing")
        return self.map()[key]
