"""One tracker setting on one sequence: what is needed, prepared once, and how good it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mtmc.trackers import build
from mtmc.trackers.boxes import tlwh_from_xyxy

from ..datasets import Sequence, find_sequence
from ..errors import InputError
from ..evaluation import PROTOCOLS, SequenceScores, analyse
from ..mot_files import NO_CLASS, MotTable, read_ground_truth
from ..run import prepare
from ..run_config import RunConfig
from ..types import Detections, Tracks


@dataclass(frozen=True, eq=False)
class SequenceData:
    """All that an evaluation needs of a sequence, in memory: no worker reads a file.

    Attributes
    ----------
    name, benchmark : str
    frame_count : int
    frames : list of (frame index, time in seconds, detections)
        Every visited frame, also those without detections.
    truth : MotTable
    """

    name: str
    benchmark: str
    frame_count: int
    frames: list[tuple[int, float, Detections]]
    truth: MotTable


class Job(NamedTuple):
    """One setting on one sequence."""

    sequence: str
    tracker: str
    config: Any
    protocol: str


def load_sequence(
    name: str,
    config: RunConfig,
    data_root: Path | None,
    detections: Path | None = None,
    embeddings: Path | None = None,
) -> SequenceData:
    """Read a sequence's boxes (and vectors) and ground truth.

    Parameters
    ----------
    name : str
        Name below the data root, or path of a sequence.root.
    config : RunConfig
        Which frames and boxes take part, and how scores are mapped; its tracker is not used.
    data_root : Path or None
    detections, embeddings : Path or None
        Folders with ``NAME.txt`` or ``NAME.npy``, instead of what belongs to the sequence.

    Raises
    ------
    InputError, OSError
        When a file is missing or unusable, or the sequence has no ground truth.
    """
    sequence: Sequence = find_sequence(name, data_root)
    if sequence.ground_truth_path is None or not sequence.ground_truth_path.is_file():
        raise InputError(f"{sequence.name}: no ground truth, so nothing can be tuned on it")
    options = replace(
        config.run,
        detections=_file_in(detections, sequence.name, ".txt") or config.run.detections,
        embeddings=_file_in(embeddings, sequence.name, ".npy") or config.run.embeddings,
    )
    run = prepare(str(sequence.root), replace(config, run=options), data_root)
    frames = [
        (frame.index, frame.time_s, run.keep(run.find(frame)))
        for frame in run.source.read(run.frames)
    ]
    truth = read_ground_truth(sequence.ground_truth_path)
    visited = np.array([index for index, _, _ in frames])
    truth = truth[np.isin(truth.frame, visited)]
    return SequenceData(sequence.name, sequence.benchmark, sequence.frame_count, frames, truth)


def _file_in(folder: Path | None, name: str, suffix: str) -> str | None:
    if folder is None:
        return None
    path = folder / f"{name}{suffix}"
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    return str(path)


def evaluate(job: Job, data: SequenceData) -> SequenceScores:
    """Track a sequence and score the result, without a look at images."""
    tracker = build(job.tracker, job.config)
    tracks = [tracker.update(detections, time_s) for _, time_s, detections in data.frames]
    results = table_of([index for index, _, _ in data.frames], tracks)
    protocol = PROTOCOLS[job.protocol]
    return analyse(data.truth, results, protocol, data.frame_count, data.benchmark).scores


def table_of(frames: list[int], tracks: list[Tracks]) -> MotTable:
    """What a tracker reported, as a table of results."""
    xyxy = np.concatenate([np.zeros((0, 4)), *(part.xyxy for part in tracks)])
    rows = len(xyxy)
    return MotTable(
        frame=np.repeat(np.array(frames, np.int64), [len(part) for part in tracks]),
        id=np.concatenate([np.zeros(0, np.int64), *(part.ids for part in tracks)]),
        tlwh=tlwh_from_xyxy(xyxy),
        confidence=np.concatenate([np.zeros(0), *(part.scores for part in tracks)]),
        class_id=np.full(rows, NO_CLASS),
        visibility=np.full(rows, np.nan),
        line=np.arange(1, rows + 1),
    )
