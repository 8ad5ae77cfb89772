"""Sequences in the layout of MOTChallenge (MOT15, MOT16, MOT17, MOT20).

::

    DATA_ROOT/MOT16/train/MOT16-02/seqinfo.ini
                                   img1/000001.jpg ...     (may be absent)
                                   det/det.txt             (may be absent)
                                   gt/gt.txt               (train only)
    DATA_ROOT/MOT17/features*/MOT17-05-FRCNN.npy           (detections with appearance vectors)

``seqinfo.ini`` is authoritative: a sequence has ``seqLength`` frames even where more or fewer
images lie in its folder.
"""

from __future__ import annotations

import configparser
import math
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from .sequence import UNKNOWN_BENCHMARK, Sequence

BENCHMARKS = ("MOT15", "MOT16", "MOT17", "MOT20")
SPLITS = ("train", "test")
SECTION = "Sequence"


@dataclass(frozen=True)
class MotChallengeLayout:
    """One benchmark below a data root.

    Attributes
    ----------
    benchmark : str
        Name of the benchmark, which is also the name of its folder.
    """

    benchmark: str

    def names(self, data_root: Path) -> list[str]:
        """Names of the sequences that exist below ``data_root``, in alphabetical order."""
        return sorted(folder.name for folder in self._folders(data_root))

    def find(self, name: str, data_root: Path) -> Sequence | None:
        """Read the sequence of that name, or answer None where the benchmark has none.

        Raises
        ------
        InputError
            When its ``seqinfo.ini`` cannot be understood.
        """
        for folder in self._folders(data_root):
            if folder.name == name:
                return read_sequence(folder, self.benchmark)
        return None

    def _folders(self, data_root: Path) -> list[Path]:
        return [
            info.parent
            for split in SPLITS
            for info in (data_root / self.benchmark / split).glob("*/seqinfo.ini")
        ]


def read_sequence(folder: Path, benchmark: str | None = None) -> Sequence:
    """Read the sequence that lies in ``folder``.

    Without ``benchmark`` it is taken from the folders above (``MOT16/train/NAME``) or from the
    beginning of the name (``MOT16-02``), and is ``"custom"`` otherwise.

    Raises
    ------
    InputError
        When ``seqinfo.ini`` is missing or wrong; names the key, expected and got.
    """
    folder = folder.absolute()  # not resolve(): the name may be a link's
    benchmark = benchmark or _benchmark_of(folder)
    info = _SeqInfo(folder / "seqinfo.ini")
    image_dir = folder / info.text("imDir", default="img1")
    detections_path = folder / "det" / "det.txt"
    ground_truth_path = folder / "gt" / "gt.txt"
    return Sequence(
        name=folder.name,
        benchmark=benchmark,
        frame_rate=info.positive("frameRate"),
        frame_count=info.count("seqLength"),
        image_size=(info.count("imWidth"), info.count("imHeight")),
        image_dir=image_dir if image_dir.is_dir() else None,
        image_ext=info.text("imExt", default=".jpg"),
        detections_path=detections_path if detections_path.is_file() else None,
        ground_truth_path=ground_truth_path if ground_truth_path.is_file() else None,
        features_path=_features_path(folder),
        root=folder,
    )


class _SeqInfo:
    """The keys of one ``seqinfo.ini``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        parser = configparser.ConfigParser(interpolation=None)
        try:
            parser.read_string(path.read_text(encoding="utf-8-sig"))
        except FileNotFoundError:
            raise InputError(f"{path}: no such file") from None
        except UnicodeDecodeError:
            raise InputError(f"{path}: expected text, got bytes that are not UTF-8") from None
        except configparser.Error as error:
            reason = " ".join(str(error).split())
            raise InputError(f"{path}: expected an INI file: {reason}") from None
        if not parser.has_section(SECTION):
            raise InputError(f"{path}: expected a section [{SECTION}], got {parser.sections()}")
        self._values = dict(parser.items(SECTION))

    def text(self, key: str, default: str | None = None) -> str:
        value = self._values.get(key.lower(), default)
        if not value:
            raise InputError(f"{self._path}: expected the key {key} in [{SECTION}], got none")
        return value

    def positive(self, key: str) -> float:
        try:
            value = float(self.text(key))
        except ValueError as error:
            raise self._wrong(key, "a number above 0", error) from None
        if not (math.isfinite(value) and value > 0):
            raise self._wrong(key, "a number above 0")
        return value

    def count(self, key: str) -> int:
        try:
            value = int(self.text(key))
        except ValueError as error:
            raise self._wrong(key, "a whole number above 0", error) from None
        if value < 1:
            raise self._wrong(key, "a whole number above 0")
        return value

    def _wrong(self, key: str, expected: str, cause: ValueError | None = None) -> InputError:
        if isinstance(cause, InputError):  # the key is missing altogether
            return cause
        return InputError(f"{self._path}: {key}: expected {expected}, got {self.text(key)!r}")


def _benchmark_of(folder: Path) -> str:
    above = folder.parent.parent.name
    if above in BENCHMARKS:
        return above
    prefix = folder.name.partition("-")[0]
    return prefix if prefix in BENCHMARKS else UNKNOWN_BENCHMARK


def _features_path(folder: Path) -> Path | None:
    """``BENCHMARK/features*/NAME.npy``, where exactly one such file exists."""
    found = list(folder.parent.parent.glob(f"features*/{folder.name}.npy"))
    return found[0] if len(found) == 1 else None
