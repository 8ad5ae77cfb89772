"""Cameras, the ground plane, calibration files, and solving for calibration."""
