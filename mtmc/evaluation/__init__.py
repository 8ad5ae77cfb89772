"""Scores from files: predict to file, then score the file."""
