"""Tuning of a tracker's settings, with scores on sequences that the search has not seen."""

from .evaluate import Job, SequenceData, load_sequence
from .journal import Journal
from .samplers import SAMPLERS
from .search import METRICS, Fold, Outcome, SearchConfig, Subject, search
from .space import RANGES, Dimension, default_space, parse_space
from .workers import OneProcess, Processes, RayCluster

__all__ = [
    "METRICS",
    "RANGES",
    "SAMPLERS",
    "Dimension",
    "Fold",
    "Job",
    "Journal",
    "OneProcess",
    "Outcome",
    "Processes",
    "RayCluster",
    "SearchConfig",
    "SequenceData",
    "Subject",
    "default_space",
    "load_sequence",
    "parse_space",
    "search",
]
