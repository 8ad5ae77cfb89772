"""Arguments that several commands share, and how they become settings."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mtmc.config import apply_overrides, load_toml
from mtmc.datasets import DATA_ROOT_VARIABLE, resolve_data_root
from mtmc.errors import InputError
from mtmc.reid.shipped import shipped_weights
from mtmc.run_config import RunConfig
from mtmc.scorers import SCORERS
from mtmc.scores import SCORE_MAPPINGS
from mtmc.site_config import SITE_TABLES


def add_sequence(parser: argparse.ArgumentParser, several: bool) -> None:
    """``--sequence`` and ``--data-root``."""
    parser.add_argument(
        "--sequence",
        required=True,
        nargs="+" if several else None,
        metavar="NAME",
        help="name of a sequence below the data root (see `mtmc data list`), or the path of a "
        "sequence folder, a video file, or a folder of numbered images",
    )
    add_data_root(parser)


def add_data_root(parser: argparse.ArgumentParser) -> None:
    """``--data-root``."""
    parser.add_argument(
        "--data-root",
        metavar="DIR",
        help=f"folder that holds MOT15/, MOT16/, ... (default: environment variable "
        f"{DATA_ROOT_VARIABLE})",
    )


def add_frames(parser: argparse.ArgumentParser) -> None:
    """Which frames to visit."""
    group = parser.add_argument_group("frames")
    group.add_argument(
        "--frames", metavar="A:B", help="first and last frame, counted from 1, both included"
    )
    group.add_argument("--every", type=int, metavar="N", help="visit every N-th frame")
    group.add_argument(
        "--fps", type=float, help="frame rate of a plain folder of images (default 25)"
    )


def add_detector(parser: argparse.ArgumentParser, default: str) -> None:
    """Which detector; ``default`` says what happens without."""
    group = parser.add_argument_group("detector")
    group.add_argument(
        "--detector",
        metavar="NAME",
        help="'people', the detector that ships, or an ONNX file: YOLOX, YOLOv8, YOLO11 or "
        f"RT-DETR; by path, or by name in DATA_ROOT/models (default: {default})",
    )
    group.add_argument(
        "--detector-family",
        choices=("auto", "yolox", "yolov8", "rtdetr"),
        help="how a file encodes its boxes (default auto: told from the shapes of its outputs)",
    )
    group.add_argument(
        "--score-threshold",
        type=float,
        metavar="S",
        help="drop boxes below this score, 0-1 (default 0.1: trackers use uncertain boxes)",
    )


def add_appearance(parser: argparse.ArgumentParser, required: bool) -> None:
    """Which appearance model."""
    group = parser.add_argument_group("appearance")
    group.add_argument(
        "--reid",
        required=required,
        metavar="FILE",
        help="appearance model: a checkpoint or an exported file, by path or by name: shipped are "
        f"{', '.join(shipped_weights())}, others are looked up in DATA_ROOT/models; or "
        "'histogram', a baseline without weights",
    )
    group.add_argument(
        "--reid-input",
        metavar="JSON",
        help="input of an ONNX model that has no sidecar file: a JSON object or the path of one, "
        'e.g. \'{"height": 256, "width": 128, "channel_order": "rgb"}\' (ImageNet mean and std '
        "unless given)",
    )
    if not required:
        group.add_argument(
            "--false-match-rate",
            type=float,
            metavar="P",
            help="set the tracker's appearance gate to where this share of different people would "
            "match, e.g. 0.001; the model must carry distance statistics (`mtmc reid calibrate`)",
        )
    group.add_argument("--batch", type=int, metavar="N", help="crops per call (default 32)")


def add_scorer(parser: argparse.ArgumentParser) -> None:
    """What judges boxes of the tracker's own making."""
    group = parser.add_argument_group("scorer")
    group.add_argument(
        "--scorer",
        metavar="NAME",
        help="what judges predicted boxes for --tracker motdt: "
        + "; ".join(f"'{name}': {what}" for name, what in SCORERS.items())
        + "; or the ONNX file of another patch classifier (default: none, detections alone)",
    )


def add_hardware(parser: argparse.ArgumentParser) -> None:
    """Where and with how many threads to compute."""
    group = parser.add_argument_group("hardware")
    group.add_argument("--device", metavar="cpu|cuda", help="for detector and appearance model")
    group.add_argument("--threads", type=int, metavar="N", help="threads (default: the libraries')")


def add_workers(parser: argparse.ArgumentParser) -> None:
    """``--workers`` of what draws; `mtmc.worlds.workers.check_workers` checks it."""
    parser.add_argument("--workers", type=int, default=2, help="processes that draw (default 2)")


def add_region(parser: argparse.ArgumentParser) -> None:
    """Which boxes take part."""
    group = parser.add_argument_group("which boxes take part")
    group.add_argument(
        "--min-height", type=float, metavar="PX", help="drop boxes lower than this, pixels"
    )
    group.add_argument(
        "--roi",
        metavar="L,T,R,B",
        help="region of interest in pixels; a person is inside when the feet are",
    )
    group.add_argument("--mask", metavar="IMAGE", help="the same as an image: white is inside")


def add_scores(parser: argparse.ArgumentParser) -> None:
    """What scores mean, and which are too low."""
    group = parser.add_argument_group("scores")
    group.add_argument(
        "--min-score", type=float, metavar="S", help="drop boxes below this score, 0-1"
    )
    group.add_argument(
        "--scores",
        choices=sorted(SCORE_MAPPINGS),
        metavar="PRESET",
        help="how scores of a detection file become 0-1: "
        + ", ".join(sorted(SCORE_MAPPINGS))
        + " (default: by the benchmark, also for --embeddings; identity for --detections)",
    )


def add_settings(parser: argparse.ArgumentParser) -> None:
    """``--config`` and ``--set``."""
    group = parser.add_argument_group("settings")
    group.add_argument(
        "--config", metavar="TOML", help="settings file; see --print-config for what it may hold"
    )
    group.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change one setting, e.g. --set tracker.min_hits=2; may be repeated",
    )


_RUN_KEYS = (
    "detector", "detections", "embeddings", "reid", "false_match_rate", "frames", "every",
    "scorer", "min_score", "min_height", "mask", "fps", "device", "threads", "batch", "seed",
    "video", "jsonl", "pictures",
)  # fmt: skip


def run_config(arguments: argparse.Namespace) -> RunConfig:
    """Settings of a run; the tables of multi-camera trackers are left to multi-camera runs."""
    tables = run_tables(arguments)
    for name in SITE_TABLES:
        tables.pop(name, None)
    return RunConfig.from_tables(tables)


def run_tables(arguments: argparse.Namespace) -> dict[str, Any]:
    """Settings from ``--config``, then flags, then ``--set``; later ones win."""
    config_file = getattr(arguments, "config", None)
    tables: dict[str, Any] = load_toml(config_file) if config_file else {}
    for key in ("run", "tracker", "detector"):
        tables.setdefault(key, {})
        if not isinstance(tables[key], dict):
            raise InputError(f"{config_file}: {key}: expected a table")
    for key in _RUN_KEYS:
        value = getattr(arguments, key, None)
        if value is not None and value is not False:
            tables["run"][key] = value
    if getattr(arguments, "roi", None):
        tables["run"]["roi"] = _numbers(arguments.roi, 4, "--roi")
    if getattr(arguments, "tracker", None):
        tables["tracker"]["name"] = arguments.tracker
    if getattr(arguments, "detector_family", None):
        tables["detector"]["family"] = arguments.detector_family
    if getattr(arguments, "score_threshold", None) is not None:
        tables["detector"]["score_threshold"] = arguments.score_threshold
    if getattr(arguments, "scores", None):
        tables["scores"] = {"preset": arguments.scores}
    if getattr(arguments, "reid_input", None):
        tables["reid_input"] = _json_object(arguments.reid_input)
    return apply_overrides(tables, getattr(arguments, "set", []))


def data_root(arguments: argparse.Namespace) -> Path | None:
    """The data root if one was given or set; a path to a sequence needs none."""
    try:
        return resolve_data_root(arguments.data_root)
    except InputError:
        if arguments.data_root:
            raise
        return None


def _numbers(text: str, count: int, where: str) -> list[float]:
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) != count:
        raise InputError(f"{where}: expected {count} numbers with commas, got {text!r}")
    return values


def _json_object(text: str) -> dict[str, Any]:
    path = Path(text)
    where = "--reid-input"
    if not text.lstrip().startswith("{"):
        if not path.is_file():
            raise InputError(f"{where}: expected a JSON object or a file, got {text!r}")
        where, text = str(path), path.read_text(encoding="utf-8")
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{where}: not JSON: {error}") from error
    if not isinstance(value, dict):
        raise InputError(f"{where}: expected a JSON object, got {value!r}")
    # a whole sidecar file is as good as its part on the input
    inner = value.get("input", value)
    if not isinstance(inner, dict):
        raise InputError(f"{where}: expected a JSON object under 'input'")
    return inner


def sequence_list(arguments: argparse.Namespace) -> Sequence[str]:
    """The sequences asked for, always as a list."""
    given = arguments.sequence
    return [given] if isinstance(given, str) else list(given)
