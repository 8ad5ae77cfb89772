"""Person re-identification: networks, losses, training, evaluation and embedding.

>>> from mtmc.reid import load
>>> reid = load("rendered_people.pt")  # doctest: +SKIP

Importing this package is cheap; torch and OpenCV are loaded by the modules that need them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .embedder import Embedder, load

__all__ = ["Embedder", "load"]


def __getattr__(name: str) -> Any:
    """Load what ``__all__`` names when it is first asked for (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import embedder

    return getattr(embedder, name)
