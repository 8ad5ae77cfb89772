"""The demonstration: a drawn room, four cameras, people who come back, and a page that shows it."""

from .run import Demo, DemoConfig, run_demo

__all__ = ["Demo", "DemoConfig", "run_demo"]
