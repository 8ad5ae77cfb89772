"""A wheel built from the tree holds every package and works without the tree."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

CHECK = """
import importlib, pkgutil, sys
import mtmc
assert mtmc.__file__.startswith(sys.argv[1]), mtmc.__file__
names = [m.name for m in pkgutil.walk_packages(mtmc.__path__, "mtmc.")]
for name in names:
    importlib.import_module(name)
print(len(names))
"""


@pytest.mark.skipif(
    importlib.util.find_spec("setuptools") is None, reason="needs setuptools to build a wheel"
)
def test_everything_imports_from_an_installed_wheel(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
         "--wheel-dir", str(tmp_path), str(ROOT)],
        check=True, capture_output=True,
    )  # fmt: skip
    wheel = next(tmp_path.glob("mtmc-*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "site")
    assert "mtmc/py.typed" in names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "trackers/"))]
    modules = [name for name in names if name.endswith(".py") and "__init__" not in name]
    done = subprocess.run(
        [sys.executable, "-c", CHECK, str(tmp_path / "site")],
        env={"PYTHONPATH": str(tmp_path / "site"), "PATH": ""},
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= len(modules)
