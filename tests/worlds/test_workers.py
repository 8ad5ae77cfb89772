"""Drawing in several processes: everything is drawn and counted, however many there are."""

from __future__ import annotations

import pytest

from mtmc.worlds.workers import check_workers, draw_all


@pytest.mark.parametrize("workers", [1, 2])
def test_hears_of_everything_that_is_drawn(workers: int) -> None:
    drawn: list[int] = []
    # max stands for a drawing function: a spawned process must be able to import it
    draw_all(max, [(2, 1), (0, 3), (0, 0)], workers, lambda: drawn.append(1))
    assert len(drawn) == 5


@pytest.mark.parametrize("workers", [0, -1])
def test_refuses_less_than_one_worker(workers: int) -> None:
    with pytest.raises(ValueError, match=f"^workers: expected a number from 1, got {workers}$"):
        draw_all(max, [], workers, lambda: None)
    with pytest.raises(ValueError, match=f"^--workers: expected a number from 1, got {workers}$"):
        check_workers(workers, "--workers")
