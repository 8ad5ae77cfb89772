"""The command line: parses, calls, and prints. All logic is callable without it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from mtmc import __version__

from .console import errors

COMMANDS = (
    *("run", "draw", "detect", "embed", "interpolate", "eval", "compare", "tune", "data"),
    *("explain", "calibrate", "reid", "simulate", "demo"),
)
"""Each is a module ``NAME_command`` with ``add_parser``; only the one asked for is loaded."""

EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130

EPILOG = """examples:
  mtmc demo                                            see it work, without any data
  mtmc run --sequence clip.mp4 --out out/ --video
  mtmc run --sequence MOT16-09 --data-root DIR --tracker bytetrack --out out/
  mtmc eval --sequence MOT16-09 --data-root DIR --results out/

`mtmc COMMAND --help` explains a command. DIR may also be set as the environment variable MTMC_DATA.
"""


def build_parser(commands: Sequence[str] = COMMANDS) -> argparse.ArgumentParser:
    """The parser of ``mtmc`` with the given commands."""
    parser = argparse.ArgumentParser(
        prog="mtmc",
        description="Track people: one person, one identity, across all cameras of a site.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"mtmc {__version__}")
    parser.add_argument(
        "--traceback", action="store_true", help="show where in the code an error arose"
    )
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in commands:
        import_module(f".{command}_command", __name__).add_parser(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; what users can mend is one line on stderr and exit code 2."""
    words = sys.argv[1:] if argv is None else list(argv)
    named = [word for word in words if not word.startswith("-")][:1]
    parser = build_parser(named if named and named[0] in COMMANDS else COMMANDS)
    arguments = parser.parse_args(words)
    try:
        code: int = arguments.handler(arguments)
    except KeyboardInterrupt:
        errors().print("mtmc: interrupted", style="bold red")
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader of our output went away, e.g. `| head`
        sys.stderr.close()
        return EXIT_BAD_INPUT
    except (ValueError, OSError) as error:
        if arguments.traceback:
            raise
        errors().print(f"mtmc: {_one_line(error)}", style="bold red", highlight=False, markup=False)
        return EXIT_BAD_INPUT
    return code


def _one_line(error: ValueError | OSError) -> str:
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__
