"""Fixtures for all tests: a small synthetic street, and the real data where they are at hand."""

from __future__ import annotations

import http.server
import os
import queue
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import unquote

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


@pytest.fixture
def browser_answer() -> Callable[[Path], str]:
    """Opens ``index.html`` of a folder in a browser: what the page then tells ``/result?TEXT``."""
    names = ("chromium", "chromium-browser", "chrome")
    chromium = next((found for found in map(shutil.which, names) if found), None)
    if chromium is None:
        pytest.skip("needs Chromium to open the page in a browser")
    return lambda folder: _ask_browser(chromium, folder)


def _ask_browser(chromium: str, folder: Path) -> str:
    answers: queue.Queue[str] = queue.Queue()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/result?"):
                answers.put(unquote(self.path.partition("?")[2]))
                self.send_response(204)
                self.end_headers()
            else:
                super().do_GET()

        def log_message(self, *arguments: object) -> None:
            pass

    handler = partial(Handler, directory=str(folder))
    with (
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server,
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        command = [
            chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
            "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", "--autoplay-policy=no-user-gesture-required",
            f"--user-data-dir={profile}", "--remote-debugging-port=0",
            f"http://127.0.0.1:{server.server_port}/index.html",
        ]  # fmt: skip
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as browser:
            try:
                return answers.get(timeout=60)
            finally:
                browser.kill()
                server.shutdown()
