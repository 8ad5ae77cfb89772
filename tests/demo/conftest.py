from __future__ import annotations

import pytest

from mtmc.demo import Demo, DemoConfig, run_demo
from mtmc.demo.steps import Steps


class CountedBar:
    """Counts how far it came."""

    def __init__(self, total: int | None) -> None:
        self.total, self.done = total, 0

    def advance(self, note: str = "") -> None:
        self.done += 1


@pytest.fixture(scope="session")
def bars() -> dict[str, CountedBar]:
    """The bars of `demo`, by title."""
    return {}


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, bars: dict[str, CountedBar]) -> Demo:
    """A demonstration of two seconds, without weights of an appearance network."""

    def make_bar(title: str, total: int | None) -> CountedBar:
        return bars.setdefault(title, CountedBar(total))

    out = tmp_path_factory.mktemp("demo")
    config = DemoConfig(seed=3, seconds=2.0, reid="histogram", workers=1)
    return run_demo(out, config, Steps(make_bar))
