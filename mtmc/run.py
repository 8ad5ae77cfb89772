"""A run of one camera, from settings to files: what ``mtmc run`` does, callable from Python."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2

from mtmc.reid.spec import InputSpec
from mtmc.trackers import TRACKERS

from . import trackers
from .atomic import atomic_writer
from .config import from_dict, to_plain
from .datasets import Sequence as RecordedSequence
from .datasets import find_sequence
from .detectors import OnnxDetector, OnnxDetectorConfig
from .errors import InputError
from .mot_files import detections_by_frame, read_detections, read_feature_file, read_results
from .people import BoxFilter, Finder, find_in, find_with, join_embeddings, read_mask
from .pipeline import CameraRun, RunSummary, run_camera
from .progress import StageClock
from .scores import SCORE_MAPPINGS, ScoreMapping, score_mapping
from .sinks import JsonLinesSink, MotTextSink
from .sources import VIDEO_SUFFIXES, FrameRange, ImageFolder, NoImages, Source, VideoFile
from .types import AppearanceModel, Detections, Sink, View
from .video import render_video


@dataclass(frozen=True)
class RunOptions:
    """What a run reads, what it visits and what it writes: the table ``[run]``.

    Attributes
    ----------
    detector : str or None
        ONNX file of a person detector; None takes the detections that belong to the sequence.
    detections : str or None
        Detection file in MOT format instead.
    embeddings : str or None
        Detections with appearance vectors, ``.npy`` as deep_sort and ``mtmc embed`` write it.
    reid : str or None
        Appearance model: an ONNX file, a checkpoint, or ``"histogram"``.
    frames : str
        ``"A:B"``, counted from 1, both included; either end may be left out.
    every : int
        Visit every n-th frame.
    min_score : float or None
        Drop detections with a lower score, after the mapping to 0-1.
    min_height : float
        Drop detections lower than this, pixels.
    roi : list of four numbers or None
        Left, top, right, bottom in pixels; people whose feet are outside are dropped.
    mask : str or None
        Image whose white part is the region of interest.
    fps : float
        Frame rate of plain image folders, which do not tell it, frames per second.
    device : str
        ``"cpu"`` or ``"cuda"``, for detector and appearance.
    threads : int or None
        Threads for detector, appearance and OpenCV; None leaves the choice to the libraries.
    batch : int
        Crops per call of the appearance model.
    seed : int
        Seed of what is random (only the estimate of camera motion is).
    video : bool
        Write ``NAME.webm``, drawn after the run.
    jsonl : bool
        Write ``NAME.jsonl``.
    """

    detector: str | None = None
    detections: str | None = None
    embeddings: str | None = None
    reid: str | None = None
    frames: str = ":"
    every: int = 1
    min_score: float | None = None
    min_height: float = 0.0
    roi: tuple[float, float, float, float] | None = None
    mask: str | None = None
    fps: float = 25.0
    device: str = "cpu"
    threads: int | None = None
    batch: int = 32
    seed: int = 0
    video: bool = False
    jsonl: bool = False

    def __post_init__(self) -> None:
        if self.detector is not None and (self.detections or self.embeddings):
            raise ValueError("detector: expected either a detector or files of detections")
        if self.reid is not None and self.embeddings is not None:
            raise ValueError("reid: expected either a model or a file of embeddings")
        if self.batch < 1:
            raise ValueError(f"batch: expected a number from 1, got {self.batch}")
        if self.threads is not None and self.threads < 1:
            raise ValueError(f"threads: expected a number from 1, got {self.threads}")
        if self.min_height < 0:
            raise ValueError(f"min_height: expected 0 or more, got {self.min_height}")
        if not self.fps > 0:
            raise ValueError(f"fps: expected a value above 0, got {self.fps}")
        if self.device != "cpu" and not self.device.startswith("cuda"):
            raise ValueError(f"device: expected 'cpu' or 'cuda', got {self.device!r}")
        if self.roi is not None and (self.roi[2] <= self.roi[0] or self.roi[3] <= self.roi[1]):
            raise ValueError(f"roi: expected left < right and top < bottom, got {self.roi}")
        FrameRange.parse(self.frames, self.every)


@dataclass(frozen=True)
class RunConfig:
    """All settings of a run, one table each in TOML.

    Attributes
    ----------
    run : RunOptions
    tracker : str
        Name in ``TRACKERS``; in TOML the key ``name`` of the table ``[tracker]``.
    tracker_config : object
        The tracker's own settings; the rest of that table.
    detector : OnnxDetectorConfig
    scores : ScoreMapping or None
        How scores become 0-1; None takes the default of the benchmark the sequence belongs to.
    reid_input : InputSpec or None
        What an ONNX appearance model expects, where no file says it.
    """

    run: RunOptions = field(default_factory=RunOptions)
    tracker: str = "bytetrack"
    tracker_config: Any = None
    detector: OnnxDetectorConfig = field(default_factory=OnnxDetectorConfig)
    scores: ScoreMapping | None = None
    reid_input: InputSpec | None = None

    def __post_init__(self) -> None:
        if self.tracker not in TRACKERS:
            raise InputError(
                f"tracker.name: expected one of {', '.join(TRACKERS)}, got {self.tracker!r}"
            )
        if self.tracker_config is None:
            object.__setattr__(self, "tracker_config", TRACKERS[self.tracker].config())

    @classmethod
    def from_tables(cls, tables: Mapping[str, Any]) -> RunConfig:
        """Build from the tables ``run``, ``tracker``, ``detector``, ``scores`` and ``reid_input``.

        Raises
        ------
        InputError
            Names the dotted key of whatever is unknown or does not fit.
        """
        known = ("run", "tracker", "detector", "scores", "reid_input")
        for key, table in tables.items():
            if key not in known:
                raise InputError(f"{key}: unknown table (known: {', '.join(known)})")
            if not isinstance(table, Mapping):
                raise InputError(f"{key}: expected a table, got {table!r}")
        tracker = dict(tables.get("tracker", {}))
        name = tracker.pop("name", "bytetrack")
        if name not in TRACKERS:
            raise InputError(f"tracker.name: expected one of {', '.join(TRACKERS)}, got {name!r}")
        scores, spec = tables.get("scores"), tables.get("reid_input")
        return cls(
            run=from_dict(RunOptions, tables.get("run", {}), "run"),
            tracker=name,
            tracker_config=from_dict(TRACKERS[name].config, tracker, "tracker"),
            detector=from_dict(OnnxDetectorConfig, tables.get("detector", {}), "detector"),
            scores=None if scores is None else _scores_from(scores),
            reid_input=None if spec is None else InputSpec.from_dict(spec, "reid_input"),
        )

    def to_tables(self) -> dict[str, Any]:
        """Inverse of :meth:`from_tables`; values that are None are left out."""
        tables = {
            "run": to_plain(self.run),
            "tracker": {"name": self.tracker, **to_plain(self.tracker_config)},
            "detector": to_plain(self.detector),
            "scores": to_plain(self.scores) if self.scores is not None else {},
            "reid_input": self.reid_input.to_dict() if self.reid_input is not None else {},
        }
        cleaned = {
            name: {key: value for key, value in table.items() if value is not None}
            for name, table in tables.items()
        }
        return {name: table for name, table in cleaned.items() if table}


@dataclass(frozen=True)
class RunOutcome:
    """What a run left behind: its summary, its files by kind, and the time per stage."""

    summary: RunSummary
    files: dict[str, Path]
    clock: StageClock


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
    sequence = find_sequence(name_or_path, data_root)
    if sequence.image_dir is None:
        return _without_images(sequence), sequence
    folder = ImageFolder(
        sequence.image_dir, sequence.name, sequence.frame_rate, sequence.frame_count
    )
    return folder, sequence


def find_model(name: str, data_root: Path | None) -> Path:
    """Path of a model file: as given, or by its name in ``DATA_ROOT/models``.

    Raises
    ------
    InputError
        When it is in neither place.
    """
    path = Path(name)
    if path.is_file():
        return path
    places = [path]
    if data_root is not None and path.name == name:
        places.append(data_root / "models" / name)
        if places[-1].is_file():
            return places[-1]
    raise InputError(f"{name}: no such model file (looked at {', '.join(map(str, places))})")


def load_appearance(
    name: str,
    data_root: Path | None,
    spec: InputSpec | None,
    device: str = "cpu",
    threads: int | None = None,
    batch: int = 32,
) -> AppearanceModel:
    """Load an appearance model by name or path; ``"histogram"`` needs no file."""
    from mtmc.reid.embedder import HISTOGRAM, load

    path: str | Path = HISTOGRAM if name == HISTOGRAM else find_model(name, data_root)
    return load(path, spec=spec, device=device, threads=threads, batch_size=batch)


def prepare(name_or_path: str, config: RunConfig, data_root: Path | None = None) -> CameraRun:
    """Open everything that a run needs, so that what is wrong shows before the first frame.

    Raises
    ------
    InputError, OSError
        When a file is missing or unusable.
    """
    options = config.run
    source, sequence = open_sequence(name_or_path, data_root, options.fps)
    if options.threads is not None:
        cv2.setNumThreads(options.threads)
    cv2.setRNGSeed(options.seed)
    find = _finder(source, sequence, config, data_root)
    appearance = None
    if options.reid is not None:
        appearance = load_appearance(
            options.reid,
            data_root,
            config.reid_input,
            options.device,
            options.threads,
            options.batch,
        )
    elif options.detector is None and sequence is not None:
        source = _without_images(sequence)  # nobody looks: decoding would be for nothing
    keep = BoxFilter(
        options.min_score,
        options.min_height,
        options.roi,
        read_mask(Path(options.mask)) if options.mask else None,
    )
    tracker = trackers.build(config.tracker, config.tracker_config)
    frames = FrameRange.parse(options.frames, options.every)
    return CameraRun(source, find, tracker, appearance, keep, frames)


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
        json.dump({**asdict(summary), "config": config.to_tables()}, stream, indent=2)
        stream.write("\n")
    if config.run.video and summary.frames:
        files["video"] = out / f"{name}.webm"
        shown, _ = open_sequence(name_or_path, data_root, config.run.fps)
        frames = replace(run.frames, last=summary.last_frame)
        render_video(
            shown, read_results(files["results"]), files["video"], frames, on_frame=on_video_frame
        )
    return RunOutcome(summary, files, clock)


def _scores_from(table: Mapping[str, Any]) -> ScoreMapping:
    """The table ``[scores]``: the name of a preset, or a mapping of one's own."""
    if "preset" not in table:
        return from_dict(ScoreMapping, table, "scores")
    if len(table) > 1 or not isinstance(table["preset"], str):
        raise InputError('scores: expected either preset = "NAME" or kind, center and scale')
    return score_mapping(table["preset"])


def _without_images(sequence: RecordedSequence) -> NoImages:
    return NoImages(sequence.name, sequence.frame_rate, sequence.frame_count, sequence.image_size)


def _finder(
    source: Source, sequence: RecordedSequence | None, config: RunConfig, data_root: Path | None
) -> Finder:
    options = config.run
    if options.detector is not None:
        if not source.has_images:
            raise InputError(f"{source.name}: a detector needs images, and there are none")
        path = find_model(options.detector, data_root)
        mapping = config.scores or ScoreMapping()
        detect = find_with(OnnxDetector(path, config.detector, options.device, options.threads))
        return lambda frame: mapping.detections(detect(frame))
    mapping = config.scores or default_mapping(sequence, options)
    people = read_people(source.name, sequence, options)
    return find_in({index: mapping.detections(found) for index, found in people.items()})


def default_mapping(sequence: RecordedSequence | None, options: RunOptions) -> ScoreMapping:
    """How scores become 0-1 where nobody says it.

    A benchmark's public detections have the scale of their detector; files that the user gives are
    taken to be on 0-1 already, as ``mtmc detect`` writes them.
    """
    if sequence is None or options.detections or options.embeddings:
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
        raise InputError(f"{name}: no detections here; give --detector or --detections")
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
