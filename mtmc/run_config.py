"""Settings of a run: a table each for the run, tracker, detector, scores and appearance input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mtmc.reid.spec import InputSpec
from mtmc.trackers import TRACKERS

from .config import from_dict, to_plain
from .detectors import BackgroundConfig, OnnxDetectorConfig
from .errors import InputError
from .scores import ScoreMapping, score_mapping
from .sources import FrameRange

DEFAULT = "evidence"
"""The tracker where none is named."""


@dataclass(frozen=True)
class RunOptions:
    """What a run reads, what it visits and what it writes: the table ``[run]``.

    Attributes
    ----------
    detector : str or None
        ONNX file of a person detector, or ``"people"``, the one that ships; None takes the
        detections that belong to the sequence, and ``"people"`` where there are none.
    detections : str or None
        Detection file in MOT format instead.
    embeddings : str or None
        Detections with appearance vectors, ``.npy`` as deep_sort and ``mtmc embed`` write it.
    reid : str or None
        Appearance model: an ONNX file, a checkpoint, or ``"histogram"``.
    false_match_rate : float or None
        Sets the tracker's ``max_cosine_distance`` to the distance below which this share of
        different people would match, by the statistics that the appearance model carries.
    scorer : str or None
        What judges boxes for a tracker that scores its own (motdt): ``"detector"``, the score map
        of the run's detector; ``"patch"``, the classifier that ships; or the ONNX file of another
        patch classifier. None: the tracker goes by detections alone.
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
        Write a video, drawn after the run.
    jsonl : bool
        Write JSON lines.
    site_tracker : "ground", "separate" or None
        How a multi-camera sequence is tracked: on a ground plane that all cameras share, or camera
        by camera, joined afterwards. None does as the sequence says.
    pictures : bool
        Write pictures of where people walked and stood; for multi-camera sequences.
    """

    detector: str | None = None
    detections: str | None = None
    embeddings: str | None = None
    reid: str | None = None
    false_match_rate: float | None = None
    scorer: str | None = None
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
    pictures: bool = False
    site_tracker: Literal["ground", "separate"] | None = None

    def __post_init__(self) -> None:
        if self.detector is not None and (self.detections or self.embeddings):
            raise ValueError("detector: expected either a detector or files of detections")
        if self.reid is not None and self.embeddings is not None:
            raise ValueError("reid: expected either a model or a file of embeddings")
        if self.false_match_rate is not None and not 0 < self.false_match_rate < 1:
            raise ValueError(f"false_match_rate: expected 0 to 1, got {self.false_match_rate}")
        if self.false_match_rate is not None and self.reid is None:
            raise ValueError("false_match_rate: needs an appearance model, reid")
        if self.scorer == "detector" and (self.detections or self.embeddings):
            raise ValueError("scorer: expected a detector for its score map, not detections")
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
    background : BackgroundConfig
        How the detector that ships learns what a fixed camera sees without people.
    scores : ScoreMapping or None
        How scores become 0-1; None takes the default of the benchmark the sequence belongs to.
    reid_input : InputSpec or None
        What an ONNX appearance model expects, where no file says it.
    """

    run: RunOptions = field(default_factory=RunOptions)
    tracker: str = DEFAULT
    tracker_config: Any = None
    detector: OnnxDetectorConfig = field(default_factory=OnnxDetectorConfig)
    background: BackgroundConfig = field(default_factory=BackgroundConfig)
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
        """Build from the tables that :meth:`to_tables` writes; any may be left out.

        Raises
        ------
        InputError
            Names the dotted key of whatever is unknown or does not fit.
        """
        known = ("run", "tracker", "detector", "background", "scores", "reid_input")
        for key, table in tables.items():
            if key not in known:
                raise InputError(f"{key}: unknown table (known: {', '.join(known)})")
            if not isinstance(table, Mapping):
                raise InputError(f"{key}: expected a table, got {table!r}")
        tracker = dict(tables.get("tracker", {}))
        run = from_dict(RunOptions, tables.get("run", {}), "run")
        name = tracker.pop("name", DEFAULT)
        if name not in TRACKERS:
            raise InputError(f"tracker.name: expected one of {', '.join(TRACKERS)}, got {name!r}")
        scores, spec = tables.get("scores"), tables.get("reid_input")
        return cls(
            run=run,
            tracker=name,
            tracker_config=from_dict(TRACKERS[name].config, tracker, "tracker"),
            detector=from_dict(OnnxDetectorConfig, tables.get("detector", {}), "detector"),
            background=from_dict(BackgroundConfig, tables.get("background", {}), "background"),
            scores=None if scores is None else _scores_from(scores),
            reid_input=None if spec is None else InputSpec.from_dict(spec, "reid_input"),
        )

    def to_tables(self) -> dict[str, Any]:
        """Inverse of :meth:`from_tables`; values that are None are left out."""
        tables = {
            "run": to_plain(self.run),
            "tracker": {"name": self.tracker, **to_plain(self.tracker_config)},
            "detector": to_plain(self.detector),
            "background": to_plain(self.background),
            "scores": to_plain(self.scores) if self.scores is not None else {},
            "reid_input": self.reid_input.to_dict() if self.reid_input is not None else {},
        }
        cleaned = {
            name: {key: value for key, value in table.items() if value is not None}
            for name, table in tables.items()
        }
        return {name: table for name, table in cleaned.items() if table}


def _scores_from(table: Mapping[str, Any]) -> ScoreMapping:
    """The table ``[scores]``: the name of a preset, or a mapping of one's own."""
    if "preset" not in table:
        return from_dict(ScoreMapping, table, "scores")
    if len(table) > 1 or not isinstance(table["preset"], str):
        raise InputError('scores: expected either preset = "NAME" or kind, center and scale')
    return score_mapping(table["preset"])
