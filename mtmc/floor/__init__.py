"""Pictures of a site's floor: coverage, floor plans, trajectories, heat maps."""
