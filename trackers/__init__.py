"""Single-camera trackers: motion, association and the life of a track."""
