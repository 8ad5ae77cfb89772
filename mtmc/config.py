"""Strict configuration: TOML tables become frozen dataclasses, and nothing unknown passes.

Every component owns one frozen dataclass. This module fills it from plain values and names the
dotted key of whatever does not fit, e.g. ``tracker.max_lost_s: expected a number, got 'soon'``.
"""

from __future__ import annotations

import dataclasses
import difflib
import sys
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from .errors import InputError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

T = TypeVar("T")


def load_toml(path: str | Path) -> dict[str, Any]:
    """Read a TOML file; a missing or malformed one is an :class:`InputError` that names the place.

    Raises
    ------
    InputError
    """
    path = Path(path)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such configuration file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not valid TOML: {error}") from error


def apply_overrides(data: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Return a copy of ``data`` with ``section.key=value`` settings applied.

    Values are TOML (``60``, ``0.5``, ``true``, ``[1, 2]``, ``"text"``); what is no TOML value is
    taken as text, so that ``--set tracker.name=sort`` needs no nested quotes.

    Raises
    ------
    InputError
        When a setting is not of this form, or descends into something that is not a table.
    """
    result = _copy(data)
    for override in overrides:
        dotted, equals, text = override.partition("=")
        keys = [key.strip() for key in dotted.split(".")]
        if not equals or not all(keys):
            raise InputError(f"--set {override!r}: expected section.key=value")
        table = result
        for depth, key in enumerate(keys[:-1]):
            table = table.setdefault(key, {})
            if not isinstance(table, dict):
                raise InputError(f"--set {override!r}: {'.'.join(keys[: depth + 1])} is no table")
        table[keys[-1]] = parse_value(text.strip())
    return result


def from_dict(cls: type[T], data: Mapping[str, Any], where: str = "") -> T:
    """Build the dataclass ``cls`` from plain values, strictly.

    Parameters
    ----------
    cls : dataclass type
        Its annotations may be bool, int, float, str, Path, Literal, tuples and lists of these,
        nested dataclasses, and unions with None.
    data : mapping
        Keys are field names.
    where : str
        Dotted prefix of the keys, for messages.

    Raises
    ------
    InputError
        On an unknown or missing key, a wrong type, or a value that the class refuses.
    """
    hints = typing.get_type_hints(cls)
    names = {f.name: f for f in dataclasses.fields(cls) if f.init}  # type: ignore[arg-type]
    for key in data:
        if key not in names:
            close = difflib.get_close_matches(str(key), names, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            known = ", ".join(names) or "none"
            raise InputError(f"{_dotted(where, key)}: unknown key (known: {known}){hint}")
    values = {}
    for name, field in names.items():
        if name in data:
            values[name] = _convert(hints[name], data[name], _dotted(where, name))
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise InputError(f"{_dotted(where, name)}: missing")
    try:
        return cls(**values)
    except InputError:
        raise
    except ValueError as error:
        message = str(error)
        # The class names its own field; the section is known only here.
        prefix = f"{where}." if where and message.split(":")[0].split(",")[0] in names else ""
        raise InputError(f"{prefix}{message}") from error


def to_plain(config: Any) -> Any:
    """A dataclass as plain values (dict, list, numbers, text), for JSON and TOML."""
    if dataclasses.is_dataclass(config) and not isinstance(config, type):
        return {f.name: to_plain(getattr(config, f.name)) for f in dataclasses.fields(config)}
    if isinstance(config, (list, tuple)):
        return [to_plain(item) for item in config]
    if isinstance(config, Mapping):
        return {str(key): to_plain(value) for key, value in config.items()}
    return str(config) if isinstance(config, Path) else config


def _copy(data: Mapping[str, Any]) -> dict[str, Any]:
    return {k: _copy(v) if isinstance(v, Mapping) else v for k, v in data.items()}


def _dotted(where: str, key: object) -> str:
    return f"{where}.{key}" if where else str(key)


def parse_value(text: str) -> Any:
    """A TOML value, or the text itself where it is none."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, KeyError):
        return text


def _convert(hint: Any, value: Any, where: str) -> Any:
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return _convert_union(hint, value, where)
    if origin is typing.Literal:
        choices = typing.get_args(hint)
        if value not in choices:
            raise InputError(
                f"{where}: expected one of {', '.join(map(repr, choices))}, got {value!r}"
            )
        return value
    if origin in (tuple, list):
        return _convert_sequence(hint, origin, value, where)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if isinstance(value, hint):
            return value
        if not isinstance(value, Mapping):
            raise InputError(f"{where}: expected a table, got {value!r}")
        return from_dict(hint, value, where)
    return _convert_scalar(hint, value, where)


def _convert_union(hint: Any, value: Any, where: str) -> Any:
    options = typing.get_args(hint)
    if value is None and type(None) in options:
        return None
    error: InputError | None = None
    for option in options:
        if option is not type(None):
            try:
                return _convert(option, value, where)
            except InputError as failed:
                error = failed
    raise error or InputError(f"{where}: expected nothing, got {value!r}")


def _convert_sequence(hint: Any, origin: type, value: Any, where: str) -> Any:
    if not isinstance(value, (list, tuple)):
        raise InputError(f"{where}: expected a list, got {value!r}")
    kinds = typing.get_args(hint)
    if origin is tuple and not (len(kinds) == 2 and kinds[1] is Ellipsis):
        if len(kinds) != len(value):
            raise InputError(f"{where}: expected {len(kinds)} values, got {len(value)}")
    else:
        kinds = (kinds[0],) * len(value)
    items = [
        _convert(kind, item, f"{where}[{i}]")
        for i, (kind, item) in enumerate(zip(kinds, value, strict=True))
    ]
    return origin(items)


_SCALARS: dict[type, tuple[str, tuple[type, ...]]] = {
    bool: ("true or false", (bool,)),
    int: ("a whole number", (int,)),
    float: ("a number", (int, float)),
    str: ("text", (str,)),
    Path: ("a path", (str, Path)),
}


def _convert_scalar(hint: Any, value: Any, where: str) -> Any:
    if hint is Any:
        return value
    name, accepted = _SCALARS[hint]
    if not isinstance(value, accepted) or (isinstance(value, bool) and hint is not bool):
        raise InputError(f"{where}: expected {name}, got {value!r}")
    if hint is float and value != value:
        raise InputError(f"{where}: expected a number, got NaN")
    return hint(value)
