"""Tuning without cheating: the best settings, and what to expect of them elsewhere.

Settings that are best on some sequences look better there than they are. So the search is made once
on all sequences, for the result, and once more without each of them, in turn: the settings found
without a sequence are scored on it. Those *leave-one-sequence-out* scores say what tuning is worth
on a sequence that it has not seen. Each of these searches (a *fold*) sees its own sequences only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import InputError
from ..evaluation import SequenceScores
from .evaluate import Job, SequenceData
from .journal import Journal, data_digest, job_key
from .samplers import SAMPLERS, Sampler
from .space import Dimension, Settings, shares_of
from .workers import Workers

METRICS = ("MOTA", "IDF1", "HOTA", "AssA", "DetA", "MOTP", "IDP", "IDR", "Rcll", "Prcn")
"""Ratios that a search may maximise, alone or added up."""


@dataclass(frozen=True)
class SearchConfig:
    """Settings of a search.

    Attributes
    ----------
    trials : int
        Settings tried per fold, besides those it begins with.
    sampler : str
        A name of `SAMPLERS`.
    metric : str
        What is maximised: one of `METRICS`, or several joined by ``+``.
    seed : int
        Of the sampler.
    batch : int
        Settings tried before the sampler learns from them. It is part of the search and not the
        number of workers, so that results do not depend on the machine.
    from_base : bool
        The configuration that the search begins with takes part. Where it was chosen on these very
        sequences it flatters the leave-one-sequence-out scores, and should not.
    """

    trials: int = 60
    sampler: str = "climb"
    metric: str = "MOTA+IDF1"
    seed: int = 0
    batch: int = 6
    from_base: bool = True

    def __post_init__(self) -> None:
        for name in ("trials", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected 1 or more, got {getattr(self, name)}")
        if self.sampler not in SAMPLERS:
            raise ValueError(
                f"sampler: expected one of {', '.join(SAMPLERS)}, got {self.sampler!r}"
            )
        for part in self.metric.split("+"):
            if part not in METRICS:
                raise ValueError(f"metric: expected one of {', '.join(METRICS)}, got {part!r}")


@dataclass(frozen=True, eq=False)
class Subject:
    """What is tuned.

    Attributes
    ----------
    tracker : str
        Its name.
    base : dataclass
        The configuration to begin with; what is not varied keeps its value.
    space : sequence of Dimension
    protocol : str
        By which scores are made.
    """

    tracker: str
    base: Any
    space: Sequence[Dimension]
    protocol: str

    def config(self, settings: Settings) -> Any | None:
        """The configuration with these settings, or None where they contradict each other."""
        try:
            return replace(self.base, **settings)
        except ValueError:
            return None


@dataclass(frozen=True, eq=False)
class Fold:
    """The result of one search.

    Attributes
    ----------
    left_out : str or None
        The sequence it did not see; None for the search on all.
    settings : dict
        What differs from the configuration it began with.
    config : dataclass
        The whole configuration.
    quality : float
        Metric on the sequences that the search saw.
    scores : SequenceScores
        On the sequence left out; for the search on all, on all of them.
    """

    left_out: str | None
    settings: Settings
    config: Any
    quality: float
    scores: SequenceScores


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a search has found.

    Attributes
    ----------
    base : dict of str to SequenceScores
        Scores per sequence of the configuration it began with.
    tuned : Fold
        The search on all sequences: its settings are the result, its scores are flattering.
    folds : list of Fold
        One per sequence left out; empty where there is one sequence only.
    """

    base: dict[str, SequenceScores]
    tuned: Fold
    folds: list[Fold]

    @property
    def base_overall(self) -> SequenceScores:
        """Scores before tuning, all sequences together."""
        return SequenceScores.pool(self.base.values())

    @property
    def left_out_overall(self) -> SequenceScores | None:
        """Leave-one-sequence-out scores, all sequences together."""
        return SequenceScores.pool(f.scores for f in self.folds) if self.folds else None


def quality_of(parts: Iterable[SequenceScores], metric: str) -> float:
    """The metric, or sum of metrics, of several sequences together, in percent."""
    metrics = SequenceScores.pool(parts).metrics
    return float(sum(metrics[name] for name in metric.split("+")))


class _Evaluations:
    """Scores of settings on sequences, from the journal or from the workers."""

    def __init__(
        self, subject: Subject, data: Mapping[str, SequenceData], journal: Journal, workers: Workers
    ) -> None:
        self._subject, self._journal, self._workers = subject, journal, workers
        self._digests = {name: data_digest(each) for name, each in data.items()}

    def make(self, wanted: Iterable[tuple[Any, str]], stop: Callable[[], bool]) -> None:
        """Evaluate the pairs (configuration, sequence) that are not known yet."""
        jobs = {}
        for config, sequence in wanted:
            key, job = self._job(config, sequence)
            if self._journal.get(key) is None:
                jobs[key] = job
        for job, scores in self._workers.run(list(jobs.values())):
            key, _ = self._job(job.config, job.sequence)
            self._journal.add(key, job, scores)
            if stop():
                raise KeyboardInterrupt

    def get(self, config: Any, sequence: str) -> SequenceScores:
        scores = self._journal.get(self._job(config, sequence)[0])
        if scores is None:
            raise KeyError(sequence)
        return scores

    def _job(self, config: Any, sequence: str) -> tuple[str, Job]:
        job = Job(sequence, self._subject.tracker, config, self._subject.protocol)
        return job_key(job, self._digests[sequence]), job


class _Search:
    """One fold while it runs."""

    def __init__(self, left_out: str | None, sequences: Sequence[str], sampler: Sampler) -> None:
        self.left_out = left_out
        self.sequences = [name for name in sequences if name != left_out]
        self.sampler = sampler
        self.asked: list[tuple[Settings, Any | None]] = []
        self.best: tuple[float, Settings, Any] | None = None

    def ask(self, subject: Subject, count: int) -> list[tuple[Any, str]]:
        """Take settings from the sampler; answer what has to be evaluated for them."""
        settings = self.sampler.ask(count)
        self.asked = [(each, subject.config(each)) for each in settings]
        configs = [config for _, config in self.asked if config is not None]
        return [(config, name) for config in configs for name in self.sequences]

    def learn(self, evaluations: _Evaluations, metric: str) -> None:
        """Tell the sampler, and keep the best."""
        qualities = []
        for settings, config in self.asked:
            quality = None
            if config is not None:
                quality = self.consider(settings, config, evaluations, metric)
            qualities.append(quality)
        self.sampler.tell(qualities)

    def consider(
        self, settings: Settings, config: Any, evaluations: _Evaluations, metric: str
    ) -> float:
        parts = [evaluations.get(config, name) for name in self.sequences]
        quality = quality_of(parts, metric)
        if self.best is None or quality > self.best[0]:
            self.best = (quality, settings, config)
        return quality


def search(
    subject: Subject,
    data: Mapping[str, SequenceData],
    config: SearchConfig,
    journal: Journal,
    workers: Workers,
    on_round: Callable[[int, float], None] = lambda trials, quality: None,
    stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Search on all sequences, and on all but each.

    Parameters
    ----------
    subject : Subject
    data : mapping of str to SequenceData
        By name; with one sequence there is nothing to leave out.
    config : SearchConfig
    journal : Journal
        What it knows is not evaluated again; the same search with the same journal costs nothing.
    workers : Workers
        Entered already.
    on_round : callable
        Called with the number of settings tried in this round and the best metric on all sequences.
    stop : callable
        Asked after every evaluation.

    Raises
    ------
    InputError
        Without sequences or without anything to vary.
    KeyboardInterrupt
        When ``stop`` says so; the journal has kept what was done.
    """
    if not data or not subject.space:
        raise InputError("tune: expected at least one sequence and one setting to vary")
    names = list(data)
    evaluations = _Evaluations(subject, data, journal, workers)
    folds = [
        _Search(left_out, names, make_sampler(subject, config))
        for left_out in (None, *(names if len(names) > 1 else ()))
    ]
    evaluations.make([(subject.base, name) for name in names], stop)
    for fold in folds if config.from_base else ():
        quality = fold.consider({}, subject.base, evaluations, config.metric)
        fold.sampler.begin(shares_of(subject.space, subject.base), quality)
    for begin in range(0, config.trials, config.batch):
        count = min(config.batch, config.trials - begin)
        evaluations.make([w for fold in folds for w in fold.ask(subject, count)], stop)
        for fold in folds:
            fold.learn(evaluations, config.metric)
        best = folds[0].best
        on_round(count, float("nan") if best is None else best[0])
    held_out = [(_best(fold)[2], fold.left_out) for fold in folds[1:] if fold.left_out is not None]
    evaluations.make(held_out, stop)
    base = {name: evaluations.get(subject.base, name) for name in names}
    results = [_finish(fold, evaluations) for fold in folds]
    return Outcome(base, results[0], results[1:])


def make_sampler(subject: Subject, config: SearchConfig) -> Sampler:
    """A sampler that begins at its seed."""
    return SAMPLERS[config.sampler](subject.space, config.seed, config.trials)


def _best(fold: _Search) -> tuple[float, Settings, Any]:
    if fold.best is None:
        raise InputError("tune: none of the settings tried was possible; vary others, or try more")
    return fold.best


def _finish(fold: _Search, evaluations: _Evaluations) -> Fold:
    quality, settings, config = _best(fold)
    seen = fold.sequences if fold.left_out is None else [fold.left_out]
    scores = SequenceScores.pool(evaluations.get(config, name) for name in seen)
    return Fold(fold.left_out, settings, config, quality, scores)
