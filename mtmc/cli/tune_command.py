"""``mtmc tune``: find settings of a tracker, and what they are worth on unseen sequences."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import tomli_w
from rich.table import Table

from mtmc.atomic import atomic_writer
from mtmc.config import to_plain
from mtmc.datasets import find_sequence
from mtmc.errors import InputError
from mtmc.evaluation import PROTOCOLS, SequenceScores, choose_protocol
from mtmc.pipeline import stop_on_signal
from mtmc.progress import progress_bars
from mtmc.run_config import RunConfig, RunOptions
from mtmc.trackers import TRACKERS
from mtmc.tuning import (
    METRICS,
    SAMPLERS,
    Journal,
    OneProcess,
    Outcome,
    Processes,
    RayCluster,
    SearchConfig,
    SequenceData,
    Subject,
    default_space,
    load_sequence,
    parse_space,
    search,
)
from mtmc.tuning.space import describe
from mtmc.tuning.workers import Workers

from . import arguments as shared
from .console import errors, output

SHOWN = ("MOTA", "IDF1", "HOTA", "FP", "FN", "IDs")
KEPT_RUN_KEYS = ("min_score", "min_height", "roi", "mask")
"""Settings of the run that belong to the tuned ones: which boxes the tracker was given."""

EPILOG = """examples:
  mtmc tune --sequence MOT16-02 MOT16-05 MOT16-09 --data-root DIR --tracker bytetrack --out tuned/
      public detections; writes tuned/bytetrack.toml, tuned/bytetrack.json, tuned/trials.jsonl
  mtmc run --sequence MOT16-11 --data-root DIR --config tuned/bytetrack.toml --out out/
      track with what was found
  mtmc tune --sequence A B C --tracker deepsort --embeddings vectors/ --out tuned/ \\
            --vary max_cosine_distance=0.05:0.4 min_hits=1:4 max_lost_s=0.5:5:log
      your own boxes with appearance: vectors/A.npy, ... written once by `mtmc embed`
  mtmc tune --sequence A B C --tracker sort --ray auto --out tuned/
      the same on all machines of a running Ray cluster

Settings look better on the sequences they were chosen on than they are. So every sequence is left
out once: the settings that are best on the others are scored on it, and these scores together are
what to expect elsewhere. Each of these searches sees its own sequences only, which makes one search
more per sequence; sampler halton tries the same settings in all of them and costs nothing extra.

Samplers: climb explores, then steps away from the best; halton fills the space evenly; tpe is
Optuna's (install mtmc[tune]). The result depends on sequences, settings and seed, not on --jobs.

Stop with Ctrl-C and give the same command again: it goes on where it was, by OUT/trials.jsonl. The
same file serves another sampler, metric or number of trials. After a change to the code of a
tracker take another folder.
"""


def add_parser(subparsers: Any) -> None:
    """Add the command."""
    defaults = SearchConfig()
    parser = subparsers.add_parser(
        "tune",
        help="tune a tracker, with scores on sequences left out",
        description="Search settings of a tracker from recorded detections (and embeddings).",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    shared.add_sequence(parser, several=True)
    parser.add_argument("--out", required=True, metavar="DIR", help="folder for what is found")
    parser.add_argument(
        "--tracker", choices=sorted(TRACKERS), help="which (default: that of --config)"
    )
    files = parser.add_argument_group("recorded boxes")
    files.add_argument(
        "--detections",
        dest="detection_folder",
        type=Path,
        metavar="DIR",
        help="folder of NAME.txt as `mtmc detect` writes them (default: the sequences' own)",
    )
    files.add_argument(
        "--embeddings",
        dest="embedding_folder",
        type=Path,
        metavar="DIR",
        help="folder of NAME.npy as `mtmc embed` writes them",
    )
    shared.add_scores(parser)
    group = parser.add_argument_group("search")
    group.add_argument(
        "--vary",
        nargs="+",
        default=[],
        metavar="NAME=RANGE",
        help="settings to vary: NAME=LOW:HIGH, NAME=LOW:HIGH:log or NAME=A,B,C (default: those of "
        "the tracker that have a usual range)",
    )
    group.add_argument(
        "--metric",
        default=defaults.metric,
        help=f"what to maximise: {', '.join(METRICS)}, or a sum of them (default %(default)s)",
    )
    group.add_argument(
        "--protocol", choices=sorted(PROTOCOLS), help="scoring protocol (default: by benchmark)"
    )
    group.add_argument(
        "--trials", type=int, default=defaults.trials, metavar="N", help="default %(default)s"
    )
    group.add_argument(
        "--sampler", choices=sorted(SAMPLERS), default=defaults.sampler, help="default %(default)s"
    )
    group.add_argument(
        "--forget-start",
        action="store_true",
        help="the settings it begins with take no part: for defaults that were chosen on these "
        "very sequences, and would flatter the scores of sequences left out",
    )
    group.add_argument("--seed", type=int, default=defaults.seed, help="default %(default)s")
    machines = parser.add_argument_group("machines")
    machines.add_argument(
        "--jobs", type=int, metavar="N", help="processes on this machine (default: its CPUs)"
    )
    machines.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="evaluate on a Ray cluster instead: 'auto', 'ray://HEAD:10001', or 'local' to start "
        "one here; its machines need mtmc, not the data (install mtmc[ray])",
    )
    shared.add_frames(parser)
    shared.add_settings(parser)
    parser.set_defaults(handler=run)


def run(arguments: argparse.Namespace) -> int:
    """Search, print both kinds of scores, and write the result."""
    config = shared.run_config(arguments)
    _check_recorded(config.run)
    root = shared.data_root(arguments)
    plan = SearchConfig(
        trials=arguments.trials,
        sampler=arguments.sampler,
        metric=arguments.metric,
        seed=arguments.seed,
        from_base=not arguments.forget_start,
    )
    tracker_type = TRACKERS[config.tracker].config
    space = parse_space(arguments.vary, tracker_type) or default_space(tracker_type)
    sequences = [find_sequence(name, root) for name in arguments.sequence]
    protocol = choose_protocol(arguments.protocol, sequences).name
    subject = Subject(config.tracker, config.tracker_config, space, protocol)
    data: dict[str, SequenceData] = {}
    for name in arguments.sequence:
        loaded = load_sequence(
            name, config, root, arguments.detection_folder, arguments.embedding_folder
        )
        if loaded.name in data:
            raise InputError(f"--sequence: {loaded.name} is given twice")
        data[loaded.name] = loaded
    out = Path(arguments.out)
    journal = Journal(out / "trials.jsonl")
    if len(journal):
        errors().print(f"{len(journal)} evaluations are known from {out / 'trials.jsonl'}")
    outcome = _search(subject, data, plan, journal, _workers(data, arguments))
    report = _report(subject, plan, outcome)
    files = {"toml": out / f"{config.tracker}.toml", "json": out / f"{config.tracker}.json"}
    with atomic_writer(files["toml"]) as stream:
        stream.write(_toml(config, subject, plan, outcome))
    with atomic_writer(files["json"]) as stream:
        json.dump(report, stream, indent=1)
        stream.write("\n")
    output().print(_table(subject, outcome))
    for path in files.values():
        output().print(str(path), soft_wrap=True, markup=False)
    return 0


def _check_recorded(options: RunOptions) -> None:
    """Networks would run in every trial; what they say is recorded once, before."""
    for key, command in (("detector", "mtmc detect"), ("reid", "mtmc embed"), ("scorer", None)):
        if getattr(options, key) is not None:
            advice = f"; record it with `{command}`" if command else ""
            raise InputError(f"run.{key}: tuning works from recorded boxes, not images{advice}")


def _workers(data: dict[str, SequenceData], arguments: argparse.Namespace) -> Workers:
    if arguments.jobs is not None and arguments.jobs < 1:
        raise InputError(f"--jobs: expected 1 or more, got {arguments.jobs}")
    if arguments.ray is not None:
        if arguments.jobs is not None:
            raise InputError("--jobs: a Ray cluster decides itself; leave out --jobs or --ray")
        return RayCluster(data, arguments.ray)
    jobs = arguments.jobs or os.cpu_count() or 1
    return OneProcess(data) if jobs == 1 else Processes(data, jobs)


def _search(
    subject: Subject,
    data: dict[str, SequenceData],
    plan: SearchConfig,
    journal: Journal,
    workers: Workers,
) -> Outcome:
    with workers, stop_on_signal() as stop, progress_bars(errors()) as make_bar:
        bar = make_bar("settings tried", plan.trials)

        def on_round(trials: int, best: float) -> None:
            for _ in range(trials):
                bar.advance(f"best {plan.metric} {best:.2f}")

        return search(subject, data, plan, journal, workers, on_round, stop)


def _figures(scores: SequenceScores) -> dict[str, float]:
    metrics = scores.metrics
    return {name: round(float(metrics[name]), 3) for name in SHOWN}


def _report(subject: Subject, plan: SearchConfig, outcome: Outcome) -> dict[str, Any]:
    left_out = outcome.left_out_overall
    return {
        "tracker": subject.tracker,
        "protocol": subject.protocol,
        "search": to_plain(plan),
        "space": describe(subject.space),
        "before": _figures(outcome.base_overall),
        "tuned_on_all": {
            "settings": to_plain(outcome.tuned.settings),
            "scores": _figures(outcome.tuned.scores),
        },
        "leave_one_sequence_out": None if left_out is None else _figures(left_out),
        "folds": [
            {
                "left_out": fold.left_out,
                "settings": to_plain(fold.settings),
                "scores": _figures(fold.scores),
                "before": _figures(outcome.base[fold.left_out or ""]),
            }
            for fold in outcome.folds
        ],
    }


def _toml(config: RunConfig, subject: Subject, plan: SearchConfig, outcome: Outcome) -> str:
    """Settings that ``mtmc run --config`` takes, with the figures as comments."""
    tables = RunConfig(
        run=config.run,
        tracker=config.tracker,
        tracker_config=outcome.tuned.config,
        scores=config.scores,
    ).to_tables()
    defaults = to_plain(RunOptions())
    run_table = {
        key: value
        for key, value in tables.get("run", {}).items()
        if key in KEPT_RUN_KEYS and value != defaults[key]
    }
    kept = {"run": run_table, "tracker": tables["tracker"], "scores": tables.get("scores", {})}
    lines = [
        f"# Tuned by `mtmc tune` on {', '.join(outcome.base)}; protocol {subject.protocol},",
        f"# {plan.trials} trials of sampler {plan.sampler}, seed {plan.seed}, for {plan.metric}.",
        f"# before tuning:            {_line(outcome.base_overall)}",
        f"# tuned on all (flattering): {_line(outcome.tuned.scores)}",
    ]
    if outcome.left_out_overall is not None:
        lines.append(f"# leave-one-sequence-out:   {_line(outcome.left_out_overall)}")
    else:
        lines.append("# one sequence: nothing says what these settings are worth on another")
    return "\n".join(lines) + "\n\n" + tomli_w.dumps({k: v for k, v in kept.items() if v})


def _line(scores: SequenceScores) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in _figures(scores).items())


def _table(subject: Subject, outcome: Outcome) -> Table:
    title = f"{subject.tracker}, protocol {subject.protocol}"
    table = Table(title=title, caption="expect the scores of sequences left out", box=None)
    table.add_column("")
    for name in SHOWN:
        table.add_column(name, justify="right")

    def row(name: str, scores: SequenceScores, style: str = "") -> None:
        figures = _figures(scores)
        table.add_row(name, *(f"{figures[metric]:g}" for metric in SHOWN), style=style)

    row("before tuning", outcome.base_overall)
    row("tuned on all (flattering)", outcome.tuned.scores)
    for fold in outcome.folds:
        row(f"  {fold.left_out}, left out", fold.scores, "dim")
    if outcome.left_out_overall is not None:
        row("leave-one-sequence-out", outcome.left_out_overall, "bold")
    return table
