"""Fixtures for all tests: a small synthetic street, and the real data where they are at hand."""

from __future__ import annotations

import os
from pathlib import Path

# Small networks gain nothing from several threads, and on a busy machine they wait for each other.
# Read when the libraries load, so it stands before the first import of them.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

from mtmc.simulate import StreetConfig, simulate_street


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the tests marked slow, too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow"):
        return
    skip = pytest.mark.skip(reason="slow; run with --slow")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(skip)


@pytest.fixture(scope="session")
def street(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a synthetic sequence of 60 frames with known truth."""
    folder = tmp_path_factory.mktemp("world")
    return simulate_street(folder, StreetConfig(frames=60, people=8, width=480, height=270))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data, or a skip that says how to get one."""
    root = os.environ.get("MTMC_DATA")
    if not root:
        pytest.skip("set MTMC_DATA to a folder with MOT15/, MOT16/, models/, ... to run this")
    return Path(root)
