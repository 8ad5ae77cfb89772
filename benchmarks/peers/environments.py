"""An environment of its own for every peer, below ``.venvs/``; they pin packages differently."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".venvs"
REQUIREMENTS = Path(__file__).resolve().parent
STAMP = "requirements.sha256"
WITHOUT_MTMC = ("deep-sort",)  # needs NumPy below 1.24; it reads a file that we write elsewhere


def torch_constraint() -> str:
    """The line of ``constraints.txt`` that pins torch; peers choose everything else themselves."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return next(line for line in lines if line.startswith("torch=="))


def make_environment(name: str) -> Path:
    """Python of a peer's environment, made or brought up to date where needed.

    mtmc is installed into it in editable mode together with the peer, so that the environment is
    also the proof that both can live side by side.
    """
    requirements = REQUIREMENTS / f"{name}.txt"
    digest = hashlib.sha256(requirements.read_bytes() + torch_constraint().encode()).hexdigest()
    folder = FOLDER / name
    python, stamp = folder / "bin" / "python", folder / STAMP
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == digest:
        return python
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    constraint = folder / "constraints.txt"
    constraint.write_text(torch_constraint() + "\n", encoding="utf-8")
    command = [str(python), "-m", "pip", "install", "--quiet", "-c", str(constraint)]
    command += ["-r", str(requirements)]
    if name not in WITHOUT_MTMC:
        command += ["--editable", f"{ROOT}[onnx]"]
    subprocess.run(command, check=True)
    stamp.write_text(digest, encoding="utf-8")
    return python
