"""A small XML tree that knows the line of every element, so that errors can name it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from ..types import CalibrationError
from .base import number, read_text


@dataclass
class Element:
    """One element: its attributes, its own text, and what it contains."""

    path: Path
    line: int
    tag: str
    attributes: dict[str, str]
    text: str = ""
    children: list[Element] = field(default_factory=list)

    @property
    def where(self) -> str:
        """File, line and tag, for messages."""
        return f"{self.path}: line {self.line}: <{self.tag}>"

    def all(self, tag: str) -> list[Element]:
        """Children of this name, directly below."""
        return [child for child in self.children if child.tag == tag]

    def child(self, tag: str) -> Element:
        """The only child of this name.

        Raises
        ------
        CalibrationError
            When there is none, or several.
        """
        found = self.all(tag)
        if len(found) != 1:
            raise CalibrationError(f"{self.where}: expected one <{tag}>, got {len(found)}")
        return found[0]

    def attribute(self, key: str) -> str:
        """An attribute's text.

        Raises
        ------
        CalibrationError
            When it is missing.
        """
        if key not in self.attributes:
            raise CalibrationError(f"{self.where}: {key} is missing")
        return self.attributes[key]

    def number(self, key: str) -> float:
        """An attribute as a finite number.

        Raises
        ------
        CalibrationError
        """
        return number(f"{self.where}: {key}", self.attribute(key))


def read_xml(path: Path, root_tag: str) -> Element:
    """Parse a file whose outermost element is ``root_tag``.

    Raises
    ------
    CalibrationError
        When it is not well-formed, cut off, or another kind of file.
    """
    text = read_text(path)
    top: list[Element] = []
    open_elements: list[Element] = []
    parser = expat.ParserCreate()

    def start(tag: str, attributes: dict[str, str]) -> None:
        element = Element(path, parser.CurrentLineNumber, tag, attributes)
        (open_elements[-1].children if open_elements else top).append(element)
        open_elements.append(element)

    def end(_: str) -> None:
        open_elements.pop()

    def characters(data: str) -> None:
        open_elements[-1].text += data

    def refuse_entities(*_: object) -> None:
        raise CalibrationError(f"{path}: line {parser.CurrentLineNumber}: entities are not allowed")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.EntityDeclHandler = refuse_entities
    try:
        parser.Parse(_without_declaration(text), True)
    except expat.ExpatError as error:
        reason = expat.errors.messages[error.code]
        raise CalibrationError(f"{path}: line {error.lineno}: not valid XML: {reason}") from None
    if top[0].tag != root_tag:
        raise CalibrationError(
            f"{path}: line {top[0].line}: expected <{root_tag}>, got <{top[0].tag}>"
        )
    return top[0]


def _without_declaration(text: str) -> str:
    """The text is decoded already: an encoding that the file declares would be wrong now."""
    if text.startswith("<?xml"):
        declaration, separator, rest = text.partition("?>")
        if separator:
            return "\n" * declaration.count("\n") + rest
    return text
