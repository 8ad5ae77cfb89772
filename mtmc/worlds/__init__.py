"""Worlds that nobody lives in: simulated rooms with known truth, drawn or dressed in real crops."""
