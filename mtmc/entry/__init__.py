"""Who enters: identities over visits, from appearance."""

from .config import EntryConfig
from .query import EntryQuery

__all__ = ["EntryConfig", "EntryQuery"]
