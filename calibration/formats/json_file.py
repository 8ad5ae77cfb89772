"""JSON files that fail with their name and line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..types import CalibrationError
from .base import read_text


def read_json(path: Path) -> Any:
    """Parse a JSON file.

    Raises
    ------
    CalibrationError
        When it is not JSON, or nested beyond reason.
    """
    text = read_text(path)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise CalibrationError(
            f"{path}: line {error.lineno}: not valid JSON: {error.msg}"
        ) from None
    except RecursionError:
        raise CalibrationError(f"{path}: not valid JSON: nested too deeply") from None
    except ValueError as error:  # integers of thousands of digits
        raise CalibrationError(f"{path}: not valid JSON: {error}") from None
