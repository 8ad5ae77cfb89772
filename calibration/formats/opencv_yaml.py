"""The YAML that OpenCV writes: block maps and lists, flow ones in brackets, matrices."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ..types import CalibrationError
from .base import read_text
from .storage_node import MAX_DEPTH, Node

MATRIX_TAGS = ("!!opencv-matrix", "!!opencv-nd-matrix")


def read_yaml(path: Path) -> Node:
    """Parse a file; anchors, multi-line texts and several documents are not for calibrations.

    Raises
    ------
    CalibrationError
    """
    return _Yaml(path).read()


@dataclass
class _Line:
    number: int
    indent: int
    text: str


class _Yaml:
    """Block maps and lists by indentation, flow ones in brackets; no anchors, no long strings."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines = self._split(read_text(path))
        self._next = 0

    def read(self) -> Node:
        if not self._lines:
            raise CalibrationError(f"{self._path}: nothing in it")
        node = self._block(self._lines[0].indent, str(self._path), 0)
        if self._next < len(self._lines):
            raise self._error(self._lines[self._next], "expected less indentation")
        return node

    def _error(self, line: _Line, message: str) -> CalibrationError:
        return CalibrationError(f"{self._path}: line {line.number}: {message}")

    def _split(self, text: str) -> list[_Line]:
        """Lines with something to say; those inside brackets are joined to the first one."""
        lines: list[_Line] = []
        open_brackets = 0
        for line_number, raw in enumerate(text.splitlines(), 1):
            content = re.sub(r"(^|\s)#.*$", "", raw).rstrip()
            if not content or (not lines and content.startswith("%")) or content in ("---", "..."):
                continue
            if open_brackets:
                lines[-1].text += " " + content.strip()
            else:
                body = content.lstrip(" ")
                if body.startswith("\t"):
                    raise CalibrationError(
                        f"{self._path}: line {line_number}: expected spaces, got a tab"
                    )
                lines.append(_Line(line_number, len(content) - len(body), body))
            bare = re.sub(r'"[^"]*"', "", content)
            open_brackets += len(re.findall(r"[\[{]", bare)) - len(re.findall(r"[\]}]", bare))
            if open_brackets < 0:
                raise self._error(lines[-1], "a bracket too many")
        if open_brackets:
            raise self._error(lines[-1], "a bracket is not closed")
        return lines

    def _block(self, indent: int, where: str, depth: int) -> Node:
        line = self._lines[self._next]
        if depth > MAX_DEPTH:
            raise self._error(line, "nested too deeply")
        if line.text == "-" or line.text.startswith("- "):
            return self._block_list(indent, where, depth)
        return self._block_map(indent, where, depth)

    def _block_list(self, indent: int, where: str, depth: int) -> Node:
        items: list[Node] = []
        while self._next < len(self._lines):
            line = self._lines[self._next]
            if line.indent != indent or not (line.text == "-" or line.text.startswith("- ")):
                break
            rest = line.text[1:].lstrip(" ")
            here = f"{self._path}: line {line.number}: {len(items)}"
            if rest and rest[0] not in "[{" and re.match(r'("[^"]*"|[^\s:]+):(\s|$)', rest):
                # a map that begins on the line of its dash
                line.indent += len(line.text) - len(rest)
                line.text = rest
                items.append(self._block(line.indent, here, depth + 1))
            else:
                self._next += 1
                items.append(self._value(rest, line, indent, here, depth))
        return Node(where, items)

    def _block_map(self, indent: int, where: str, depth: int) -> Node:
        children: dict[str, Node] = {}
        while self._next < len(self._lines):
            line = self._lines[self._next]
            if line.indent < indent or line.text == "-" or line.text.startswith("- "):
                break
            if line.indent > indent:
                raise self._error(line, "expected less indentation")
            match = re.match(r'("[^"]*"|[^\s:"\[{]+)\s*:(?:\s+(.*))?$', line.text)
            if not match:
                raise self._error(line, f"expected 'key: value', got {line.text[:40]!r}")
            key = match[1].strip('"')
            if key in children:
                raise self._error(line, f"{key} is there twice")
            self._next += 1
            here = f"{self._path}: line {line.number}: {key}"
            children[key] = self._value(match[2] or "", line, indent, here, depth)
        return Node(where, children)

    def _value(self, text: str, line: _Line, indent: int, where: str, depth: int) -> Node:
        if text.startswith("!"):
            tag, _, text = text.partition(" ")
            if tag.startswith("!!opencv") and tag not in MATRIX_TAGS:
                raise self._error(line, f"expected {MATRIX_TAGS[0]}, got {tag}")
            text = text.strip()
        if text:
            return _Flow(text, where, depth).read()
        if self._next < len(self._lines):
            following = self._lines[self._next]
            dash = following.text == "-" or following.text.startswith("- ")
            if following.indent > indent or (following.indent == indent and dash):
                return self._block(following.indent, where, depth + 1)
        return Node(where, "")


class _Flow:
    """``[a, b]``, ``{a: b}``, or a single text."""

    def __init__(self, text: str, where: str, depth: int) -> None:
        self._tokens = re.findall(r'"(?:[^"\\]|\\.)*"|[\[\]{},]|[^\[\]{},"]+', text)
        self._where = where
        self._depth = depth
        self._next = 0

    def read(self) -> Node:
        if self._tokens[0] not in "[{":
            return Node(self._where, _scalar("".join(self._tokens)))
        node = self._node(self._where, self._depth)
        if any(token.strip() for token in self._tokens[self._next :]):
            raise CalibrationError(f"{self._where}: expected nothing after the bracket")
        return node

    def _take(self) -> str:
        while self._next < len(self._tokens) and not self._tokens[self._next].strip():
            self._next += 1
        if self._next >= len(self._tokens):
            raise CalibrationError(f"{self._where}: a bracket is not closed")
        self._next += 1
        return str(self._tokens[self._next - 1])

    def _node(self, where: str, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise CalibrationError(f"{where}: nested too deeply")
        token = self._take()
        if token == "[":
            return Node(where, self._items(where, depth))
        if token == "{":
            return Node(where, self._pairs(where, depth))
        if token in "]},":
            raise CalibrationError(f"{where}: expected a value, got {token!r}")
        return Node(where, _scalar(token))

    def _items(self, where: str, depth: int) -> list[Node]:
        items: list[Node] = []
        while True:
            if self._peek() == "]":
                self._take()
                return items
            items.append(self._node(f"{where}[{len(items)}]", depth + 1))
            self._comma("]")

    def _pairs(self, where: str, depth: int) -> dict[str, Node]:
        pairs: dict[str, Node] = {}
        while True:
            if self._peek() == "}":
                self._take()
                return pairs
            key = self._take().strip()
            value = ""
            if ":" in key and not key.startswith('"'):
                key, _, value = key.partition(":")
            elif self._peek().startswith(":"):
                value = self._take().strip()[1:]
            else:
                raise CalibrationError(f"{where}: expected 'key: value', got {key[:40]!r}")
            here = f"{where}.{key.strip(chr(34)).strip()}"
            if value.strip():
                pairs[key.strip('"').strip()] = Node(here, _scalar(value))
            else:
                pairs[key.strip('"').strip()] = self._node(here, depth + 1)
            self._comma("}")

    def _peek(self) -> str:
        token = self._take()
        self._next -= 1
        return token.strip()

    def _comma(self, closing: str) -> None:
        if self._peek() == ",":
            self._take()
        elif self._peek() != closing:
            raise CalibrationError(f"{self._where}: expected ',' or {closing!r}")


def _scalar(text: str) -> str:
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text
