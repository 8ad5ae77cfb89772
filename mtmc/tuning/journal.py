"""What has been evaluated already, in a file: an interrupted search goes on where it was."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from mtmc import __version__

from ..config import to_plain
from ..errors import InputError
from ..evaluation import Counts, SequenceScores
from ..evaluation.clear import TrackCounts
from .evaluate import Job, SequenceData


class Journal:
    """Scores by what they depend on: boxes, ground truth, tracker, all its settings, protocol.

    One JSON line per evaluation is appended as soon as it is known. Lines of other data or other
    settings do no harm, they are never asked for. Code is no part of the key but for the version of
    the package: after a change to a tracker begin a new file.

    Parameters
    ----------
    path : Path
        Made with its folder where it is missing.

    Raises
    ------
    InputError
        When the file is no journal. A last line that was cut off is dropped.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._scores: dict[str, SequenceScores] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            self._read()

    def __len__(self) -> int:
        return len(self._scores)

    def get(self, key: str) -> SequenceScores | None:
        """Scores under a key of `job_key`, if they are known."""
        return self._scores.get(key)

    def add(self, key: str, job: Job, scores: SequenceScores) -> None:
        """Keep and write down an evaluation."""
        self._scores[key] = scores
        line = {
            "key": key,
            "sequence": job.sequence,
            "tracker": job.tracker,
            "config": to_plain(job.config),
            "scores": _to_plain(scores),
        }
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")

    def _read(self) -> None:
        text = self._path.read_text(encoding="utf-8")
        whole, _, cut_off = text.rpartition("\n")
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                entry = json.loads(line)
                self._scores[entry["key"]] = _from_plain(entry["scores"])
            except (ValueError, KeyError, TypeError) as error:
                raise InputError(
                    f"{self._path}: line {number}: expected an evaluation of `mtmc tune`, "
                    f"got {line[:40]!r}"
                ) from error
        if cut_off:
            self._path.write_text(whole + "\n" if whole else "", encoding="utf-8")


def data_digest(data: SequenceData) -> str:
    """Fingerprint of everything in a sequence that scores depend on."""
    digest = hashlib.sha256()
    digest.update(f"{data.name} {data.benchmark} {data.frame_count}".encode())
    for index, time_s, detections in data.frames:
        digest.update(f"{index} {time_s!r} {len(detections)}".encode())
        digest.update(detections.xyxy.tobytes() + detections.scores.tobytes())
        if detections.embeddings is not None:
            digest.update(detections.embeddings.tobytes())
    truth = data.truth
    for column in (truth.frame, truth.id, truth.tlwh, truth.confidence, truth.class_id):
        digest.update(np.ascontiguousarray(column).tobytes())
    digest.update(truth.visibility.tobytes())
    return digest.hexdigest()


def job_key(job: Job, digest: str) -> str:
    """Key of an evaluation; ``digest`` is that of its sequence."""
    parts = [__version__, job.tracker, job.protocol, digest]
    text = json.dumps([*parts, to_plain(job.config)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _to_plain(scores: SequenceScores) -> dict[str, Any]:
    return {
        "counts": {f.name: getattr(scores.counts, f.name).tolist() for f in fields(Counts)},
        "tracks": {f.name: int(getattr(scores.tracks, f.name)) for f in fields(TrackCounts)},
        "people": scores.people,
        "identities": scores.identities,
        "length": scores.length,
    }


def _from_plain(plain: dict[str, Any]) -> SequenceScores:
    counts = {name: np.asarray(value, np.float64) for name, value in plain["counts"].items()}
    return SequenceScores(
        Counts(**counts),
        TrackCounts(**plain["tracks"]),
        plain["people"],
        plain["identities"],
        plain["length"],
    )
