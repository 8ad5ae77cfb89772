"""Drawing in several processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import Any

Task = tuple[Any, ...]


def check_workers(workers: int, name: str = "workers") -> None:
    """Say so where a number of processes is none.

    Raises
    ------
    ValueError
        Below 1; ``name`` is what its message calls the number.
    """
    if workers < 1:
        raise ValueError(f"{name}: expected a number from 1, got {workers}")


def draw_all(
    draw: Callable[..., int], tasks: Sequence[Task], workers: int, on_drawn: Callable[[], None]
) -> None:
    """Call ``draw(*task)`` for all tasks, in any order.

    Parameters
    ----------
    draw : callable
        A function of a module, which other processes can find; answers how much it has drawn.
    tasks : sequence of tuple
    workers : int
        Processes; with 1, everything happens in this one.
    on_drawn : callable
        Called as often as the answers of ``draw`` add up to.

    Raises
    ------
    ValueError
        When there are fewer workers than 1.
    """
    check_workers(workers)
    for count in _counts(draw, tasks, workers):
        for _ in range(count):
            on_drawn()


def _counts(draw: Callable[..., int], tasks: Sequence[Task], workers: int) -> Iterator[int]:
    if workers == 1:
        yield from (draw(*task) for task in tasks)
        return
    # a forked process would inherit threads of OpenCV in an unknown state
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for done in as_completed([pool.submit(draw, *task) for task in tasks]):
            yield done.result()
