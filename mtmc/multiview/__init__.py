"""One identity across overlapping cameras: tracking people on the ground plane."""
