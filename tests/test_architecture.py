"""Who may import whom, and that everything on disk is part of the package."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
OURS = {"calibration", "trackers", "reid"}

# package -> (third-party packages it may import, those it must not)
RULES = {
    "calibration": ({"numpy", "scipy", "cv2", "tomllib", "tomli"}, {"torch", "motmetrics"}),
    "trackers": ({"numpy", "scipy", "lap", "filterpy"}, {"torch", "cv2", "motmetrics"}),
    "reid": (None, {"motmetrics"}),
}


def imports_of(file: Path) -> set[str]:
    """Dotted names that a file imports absolutely."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module)
    return names


@pytest.mark.parametrize("package", sorted(RULES))
def test_leaves_import_only_what_they_may(package):
    allowed, forbidden = RULES[package]
    for file in (ROOT / package).rglob("*.py"):
        for name in imports_of(file):
            top = name.partition(".")[0]
            where = f"{file.relative_to(ROOT)} imports {name}"
            assert top not in forbidden, where
            if top == "mtmc":
                assert name.startswith(f"mtmc.{package}"), f"{where}: a leaf knows no other part"
            elif allowed is not None:
                assert top in allowed or top in sys.stdlib_module_names, where


@pytest.mark.parametrize("package", ["mtmc", "trackers", "reid", "calibration"])
def test_nothing_imports_benchmarks_or_tests(package):
    for file in (ROOT / package).rglob("*.py"):
        tops = {name.partition(".")[0] for name in imports_of(file)}
        assert not tops & {"benchmarks", "tests", *OURS}, file


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("module", "blocked"),
    [
        ("mtmc.trackers", "torch cv2 motmetrics"),
        ("mtmc.calibration", "torch motmetrics"),
        ("mtmc.reid.embedder", "motmetrics mtmc.trackers"),
        ("mtmc", "torch cv2 numpy"),
        ("mtmc.reid", "torch cv2"),
        ("mtmc.run", "torch motmetrics"),
    ],
)
def test_a_part_works_without_what_it_does_not_need(module, blocked):
    run_python(
        f"import sys\nfor name in {blocked.split()!r}: sys.modules[name] = None\nimport {module}"
    )


def test_every_package_on_disk_is_listed():
    listed = set(
        tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"][
            "packages"
        ]
    )
    on_disk = set()
    for top in ("mtmc", *OURS):
        for init in (ROOT / top).rglob("__init__.py"):
            dotted = ".".join(init.parent.relative_to(ROOT).parts)
            on_disk.add(dotted if top == "mtmc" else f"mtmc.{dotted}")
    assert listed == on_disk


def test_no_print_outside_the_command_line():
    for top in ("mtmc", *OURS):
        for file in (ROOT / top).rglob("*.py"):
            if "cli" in file.parts:
                continue
            calls = [
                node
                for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"
            ]
            assert not calls, f"{file}: line {calls[0].lineno} prints"
