"""A run of one camera, from settings to files: what ``mtmc run`` does, callable from Python."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cv2

from mtmc.reid.embedder import HISTOGRAM, Embedder, load
from mtmc.reid.shipped import find_weights, model_places
from mtmc.trackers import TRACKERS

from . import trackers
from .atomic import atomic_writer
from .datasets import Sequence as RecordedSequence
from .datasets import find_sequence
from .detecting import DetectorChoice, choose_detector
from .errors import InputError
from .look import Scorer
from .mot_files import detections_by_frame, read_detections, read_feature_file, read_results
from .people import BoxFilter, Finder, find_in, find_with, join_embeddings, read_mask
from .pipeline import CameraRun, RunSummary, run_camera
from .progress import StageClock
from .run_config import RunConfig, RunOptions
from .scorers import DetectorScorer, PatchScorer
from .scorers.patch import SHIPPED_WEIGHTS
from .scores import SCORE_MAPPINGS, ScoreMapping
from .sinks import JsonLinesSink, MotTextSink
from .sources import VIDEO_SUFFIXES, FrameRange, ImageFolder, NoImages, Source, VideoFile
from .types import Detections, Sink, View
from .video import render_video

__all__ = [
    "RunConfig",
    "RunOptions",
    "RunOutcome",
    "check_unique_names",
    "default_mapping",
    "find_model",
    "load_appearance",
    "open_sequence",
    "prepare",
    "read_people",
    "run_sequence",
]


@dataclass(frozen=True)
class RunOutcome:
    """What a run left behind: its summary, its files by kind, and the time per stage."""

    summary: RunSummary
    files: dict[str, Path]
    clock: StageClock


LAB = "LAB"
"""The sequence of the paper's Table 5, read like any site once somebody has it."""


def open_sequence(
    name_or_path: str, data_root: Path | None, fps: float = 25.0
) -> tuple[Source, RecordedSequence | None]:
    """Find what to run on.

    Parameters
    ----------
    name_or_path : str
        A video file, a folder of numbered images, a sequence folder, or the name of a sequence
        below ``data_root``.
    data_root : Path or None
    fps : float
        Frame rate of a plain folder of images.

    Returns
    -------
    source : Source
    sequence : Sequence or None
        What is recorded beside the frames; None for videos and plain folders.

    Raises
    ------
    InputError
        When there is no such thing; the message lists what there is.
    """
    path = Path(name_or_path)
    if path.suffix.lower() in VIDEO_SUFFIXES:
        return VideoFile(path), None
    if path.is_dir() and not (path / "seqinfo.ini").is_file() and path.name != name_or_path:
        return ImageFolder(path, path.resolve().name, fps), None
    if name_or_path == LAB:
        raise InputError(lab_is_missing(data_root))
    sequence = find_sequence(name_or_path, data_root)
    if sequence.image_dir is None:
        return _without_images(sequence), sequence
    folder = ImageFolder(
        sequence.image_dir, sequence.name, sequence.frame_rate, sequence.frame_count
    )
    return folder, sequence


def lab_is_missing(data_root: Path | None) -> str:
    """What to do about the paper's LAB sequence, which no public copy was found of."""
    place = "DATA_ROOT" if data_root is None else os.fspath(data_root)
    return (
        f"sequence 'LAB': expected {place}/LAB/sequence.toml with four cameras, their calibration, "
        "bounds, and ground_truth.csv (docs/sites.md has every key); without the recording, "
        "`mtmc simulate lab` makes a stand-in under another name"
    )


def find_model(name: str, data_root: Path | None) -> Path:
    """Path of a model file: as given, or by its name in ``DATA_ROOT/models``.

    Raises
    ------
    InputError
        When it is in neither place.
    """
    places = model_places(name, data_root)
    for place in places:
        if place.is_file():
            return place
    raise InputError(f"{name}: no such model file (looked at {', '.join(map(str, places))})")


def load_appearance(name: str, config: RunConfig, data_root: Path | None = None) -> Embedder:
    """Load an appearance model by name or path; ``"histogram"`` needs no file."""
    options = config.run
    return load(
        HISTOGRAM if name == HISTOGRAM else find_weights(name, data_root),
        spec=config.reid_input,
        device=options.device,
        threads=options.threads,
        batch_size=options.batch,
    )


def prepare(
    name_or_path: str,
    config: RunConfig,
    data_root: Path | None = None,
    map_scores: bool = True,
) -> CameraRun:
    """Open everything that a run needs, so that what is wrong shows before the first frame.

    Without ``map_scores`` detections keep the scores of their detector, for files that others read.

    Raises
    ------
    InputError, OSError
        When a file is missing or unusable.
    """
    options = config.run
    if options.pictures:
        raise InputError("run.pictures: only for multi-camera sequences")
    source, sequence = open_sequence(name_or_path, data_root, options.fps)
    if options.scorer is not None and not hasattr(config.tracker_config, "use_scorer"):
        raise InputError(f"run.scorer: tracker {config.tracker} scores no boxes of its own")
    if options.scorer is not None and not source.has_images:
        raise InputError(f"{source.name}: a scorer needs images, and there are none")
    if options.threads is not None:
        cv2.setNumThreads(options.threads)
    cv2.setRNGSeed(options.seed)
    choice = _choose_detector(source, sequence, config, data_root)
    detector = None if choice is None else DetectorScorer(choice.open(config))
    mapping = (config.scores or default_mapping(sequence, options, choice)) if map_scores else None
    find = _finder(detector, source, sequence, config, mapping)
    scorer = _open_scorer(detector, config, data_root)
    appearance = None
    if options.reid is not None and options.reid != HISTOGRAM:
        find_weights(options.reid, data_root)  # a wrong name is an error also where nobody looks
    if options.reid is not None and TRACKERS[config.tracker].uses_appearance:
        appearance = load_appearance(options.reid, config, data_root)
    elif not (detector or scorer or _watches_camera(config) or sequence is None):
        source = _without_images(sequence)  # nobody looks: decoding would be for nothing
    keep = BoxFilter(
        options.min_score,
        options.min_height,
        options.roi,
        read_mask(Path(options.mask)) if options.mask else None,
    )
    settings = _tracker_config(config, appearance)
    tracker = trackers.build(config.tracker, settings)
    frames = FrameRange.parse(options.frames, options.every)
    embed_first = not getattr(settings, "use_embedder", False)
    return CameraRun(source, find, tracker, appearance, keep, frames, scorer, embed_first, choice)


def _watches_camera(config: RunConfig) -> bool:
    """Whether the tracker asks its look how the camera moved."""
    return bool(getattr(config.tracker_config, "camera_motion", False))


def run_sequence(
    name_or_path: str,
    out: Path,
    config: RunConfig | None = None,
    data_root: Path | None = None,
    on_frame: Callable[[View], None] | None = None,
    on_video_frame: Callable[[int], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
    clock: StageClock | None = None,
) -> RunOutcome:
    """Run one camera and write ``OUT/NAME.txt`` and what else the options ask for.

    The same call twice writes the same bytes. ``OUT/NAME.run.json`` holds the settings and how the
    run ended.

    Raises
    ------
    InputError, OSError
        When something is missing or unusable, before anything is written.
    """
    config = config or RunConfig()
    run = prepare(name_or_path, config, data_root)
    name = run.source.name
    files = {"results": out / f"{name}.txt", "summary": out / f"{name}.run.json"}
    sinks: list[Sink] = [MotTextSink(files["results"], name)]
    if config.run.jsonl:
        files["jsonl"] = out / f"{name}.jsonl"
        sinks.append(JsonLinesSink(files["jsonl"]))
    clock = clock or StageClock()
    summary = run_camera(run, sinks, clock, on_frame, stop)
    with atomic_writer(files["summary"]) as stream:
        record = {"detector": run.detector.record()} if run.detector is not None else {}
        tables = {"config": config.to_tables()}
        json.dump(asdict(summary) | record | tables, stream, indent=2)
        stream.write("\n")
    if config.run.video and summary.frames:
        files["video"] = out / f"{name}.webm"
        shown, _ = open_sequence(name_or_path, data_root, config.run.fps)
        frames = replace(run.frames, last=summary.last_frame)
        render_video(
            shown, read_results(files["results"]), files["video"], frames, on_frame=on_video_frame
        )
    return RunOutcome(summary, files, clock)


def _without_images(sequence: RecordedSequence) -> NoImages:
    return NoImages(sequence.name, sequence.frame_rate, sequence.frame_count, sequence.image_size)


def _tracker_config(config: RunConfig, appearance: Embedder | None) -> Any:
    """Settings of the tracker, with what follows from the scorer and the appearance model.

    A tracker that can ask its look does so where the run has what answers; a false-match rate sets
    the appearance gate.
    """
    settings, rate = config.tracker_config, config.run.false_match_rate
    if config.run.scorer is not None:
        settings = replace(settings, use_scorer=True)
    if appearance is not None and hasattr(settings, "use_embedder"):
        settings = replace(settings, use_embedder=True)
    if rate is None:
        return settings
    if appearance is None or not hasattr(settings, "max_cosine_distance"):
        raise InputError(f"run.false_match_rate: tracker {config.tracker} has no appearance gate")
    return replace(settings, max_cosine_distance=appearance.threshold(rate))


def _choose_detector(
    source: Source,
    sequence: RecordedSequence | None,
    config: RunConfig,
    data_root: Path | None,
) -> DetectorChoice | None:
    """The detector of the run, which may serve as scorer, too: one pass per image for both."""
    options = config.run
    recorded = sequence is not None and sequence.detections_path is not None
    if options.detector is not None and not source.has_images:
        raise InputError(f"{source.name}: a detector needs images, and there are none")
    return choose_detector(
        options.detector,
        source.has_images,
        bool(recorded or options.detections or options.embeddings),
        lambda name: find_model(name, data_root),
    )


def _open_scorer(
    detector: DetectorScorer | None, config: RunConfig, data_root: Path | None
) -> Scorer | None:
    name, options = config.run.scorer, config.run
    if name == "detector" and detector is None:
        raise InputError("run.scorer: expected a detector for its score map; give detector, too")
    if name is None or name == "detector":
        return detector if name else None
    path = SHIPPED_WEIGHTS if name == "patch" else find_model(name, data_root)
    return PatchScorer(path, options.device, options.threads)


def _finder(
    detector: DetectorScorer | None,
    source: Source,
    sequence: RecordedSequence | None,
    config: RunConfig,
    mapping: ScoreMapping | None,
) -> Finder:
    if detector is not None:
        detect = find_with(detector)
        return detect if mapping is None else lambda frame: mapping.detections(detect(frame))
    people = read_people(source.name, sequence, config.run)
    if mapping is not None:
        people = {index: mapping.detections(found) for index, found in people.items()}
    return find_in(people)


def default_mapping(
    sequence: RecordedSequence | None, options: RunOptions, detector: DetectorChoice | None
) -> ScoreMapping:
    """How scores become 0-1 where nobody says it.

    A benchmark's public detections have the scale of their detector, and so have files of
    embeddings, which usually hold these very detections. Detectors, and the files of detections
    that ``mtmc detect`` writes, are on 0-1 already.
    """
    if sequence is None or detector is not None or options.detections:
        return ScoreMapping()
    benchmark = sequence.benchmark.lower()
    variant = f"{benchmark}-{sequence.name.rpartition('-')[2].lower()}"
    return SCORE_MAPPINGS.get(variant) or SCORE_MAPPINGS.get(benchmark) or ScoreMapping()


def read_people(
    name: str, sequence: RecordedSequence | None, options: RunOptions
) -> dict[int, Detections]:
    """Detections by frame from the files that the options name, or that belong to the sequence.

    Scores are those of the file, on the detector's own scale.
    """
    embedded = None
    if options.embeddings is not None:
        embedded = detections_by_frame(read_feature_file(Path(options.embeddings)))
    if options.detections is not None:
        path = Path(options.detections)
    elif embedded is not None:
        return embedded
    elif sequence is not None and sequence.detections_path is not None:
        path = sequence.detections_path
    else:
        raise InputError(f"{name}: neither detections nor images here; give --detections")
    found = detections_by_frame(read_detections(path))
    if embedded is None:
        return found
    frames = FrameRange.parse(options.frames, options.every)
    visited = {index: people for index, people in found.items() if frames.contains(index)}
    return join_embeddings(visited, embedded)


def check_unique_names(sources: Sequence[str]) -> None:
    """Results are named after the sequence: two of the same name would overwrite each other."""
    names = [Path(source).stem if Path(source).suffix else Path(source).name for source in sources]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"--sequence: {name} is given twice; their results would collide")
