"""README says only what works: its Python runs, and its commands are understood."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from mtmc.cli import build_parser

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
PYTHON = [code for language, code in BLOCKS if language == "python"]
SHELL = "".join(code for language, code in BLOCKS if not language).replace("\\\n", " ")
COMMANDS = [
    part.strip()
    for line in SHELL.splitlines()
    for part in line.split(" ; ")
    if part.strip().startswith("mtmc ")
]


def test_there_is_something_to_check():
    assert len(PYTHON) >= 2
    assert len(COMMANDS) >= 10


@pytest.mark.parametrize("code", PYTHON)
def test_python_examples_run(code, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_are_understood(command):
    words = shlex.split(command.partition(" >")[0], comments=True)[1:]
    build_parser([words[0]]).parse_args(words)
