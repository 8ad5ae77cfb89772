"""Who evaluates: this process, several on this machine, or a Ray cluster."""

from __future__ import annotations

import pickle
import signal
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from ..errors import InputError
from ..evaluation import SequenceScores
from .evaluate import Job, SequenceData, evaluate

Evaluated = tuple[Job, SequenceScores]


class Workers(Protocol):
    """Evaluates jobs; a context manager."""

    def __enter__(self) -> Workers: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def run(self, jobs: Sequence[Job]) -> Iterator[Evaluated]:
        """Every job with its scores, in whatever order they are done."""
        ...


class OneProcess:
    """Evaluates one job after another, here."""

    def __init__(self, data: Mapping[str, SequenceData]) -> None:
        self._data = data

    def __enter__(self) -> OneProcess:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def run(self, jobs: Sequence[Job]) -> Iterator[Evaluated]:
        """See `Workers.run`."""
        for job in jobs:
            yield job, evaluate(job, self._data[job.sequence])


class Processes:
    """Evaluates in processes of this machine; each reads a sequence once.

    Parameters
    ----------
    data : mapping of str to SequenceData
    count : int
        Number of processes.
    """

    def __init__(self, data: Mapping[str, SequenceData], count: int) -> None:
        self._data, self._count = data, count

    def __enter__(self) -> Processes:
        self._folder = tempfile.TemporaryDirectory(prefix="mtmc-tune-")
        self._paths = {}
        for number, (name, data) in enumerate(self._data.items()):
            path = Path(self._folder.name) / f"{number}.pickle"
            path.write_bytes(pickle.dumps(data))
            self._paths[name] = str(path)
        # Spawned, not forked: the libraries loaded here have threads.
        self._pool = ProcessPoolExecutor(self._count, get_context("spawn"), _ignore_interrupts)
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._folder.cleanup()

    def run(self, jobs: Sequence[Job]) -> Iterator[Evaluated]:
        """See `Workers.run`."""
        futures: dict[Future[SequenceScores], Job] = {
            self._pool.submit(_evaluate_file, job, self._paths[job.sequence]): job for job in jobs
        }
        for future in as_completed(futures):
            yield futures[future], future.result()


def _ignore_interrupts() -> None:
    # Ctrl-C reaches the whole group of processes; the main one decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@cache
def _read(path: str) -> SequenceData:
    data: SequenceData = pickle.loads(Path(path).read_bytes())
    return data


def _evaluate_file(job: Job, path: str) -> SequenceScores:
    return evaluate(job, _read(path))


class RayCluster:
    """Evaluates on the machines of a Ray cluster. They need this package, but no data.

    Parameters
    ----------
    data : mapping of str to SequenceData
        Sent to the cluster's object store once.
    address : str
        ``"local"`` starts one on this machine, ``"auto"`` finds the running one, else its address,
        e.g. ``"ray://head:10001"``.

    Raises
    ------
    InputError
        When Ray is not installed or there is no cluster at the address.
    """

    def __init__(self, data: Mapping[str, SequenceData], address: str) -> None:
        try:
            import ray
        except ImportError as error:
            raise InputError("--ray: needs Ray; install mtmc[ray]") from error
        self._ray: Any = ray
        self._data, self._address = data, address

    def __enter__(self) -> RayCluster:
        try:
            self._ray.init(address=self._address, log_to_driver=False, logging_level="error")
        except (ConnectionError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise InputError(f"--ray {self._address}: no cluster there: {reason}") from error
        self._objects = {name: self._ray.put(data) for name, data in self._data.items()}
        self._evaluate = self._ray.remote(evaluate)
        return self

    def __exit__(self, *_: object) -> None:
        self._ray.shutdown()

    def run(self, jobs: Sequence[Job]) -> Iterator[Evaluated]:
        """See `Workers.run`."""
        waiting = {self._evaluate.remote(job, self._objects[job.sequence]): job for job in jobs}
        while waiting:
            done, _ = self._ray.wait(list(waiting), num_returns=1)
            for reference in done:
                yield waiting.pop(reference), self._ray.get(reference)
