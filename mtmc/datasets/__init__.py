"""Sequences on disk, found by name."""
