"""Errors that users can act on. Only the command line turns them into one line and exit code 2."""

from __future__ import annotations


class InputError(ValueError):
    """Something given to the toolkit is wrong; the message names file, line or key."""


class SourceEndedEarly(InputError):  # noqa: N818 - it tells what happened
    """A source delivered fewer frames than it promised; what came before is valid."""
