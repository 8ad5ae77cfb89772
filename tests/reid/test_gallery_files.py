"""The gallery as a file."""

from __future__ import annotations

import numpy as np
import pytest

from mtmc.reid.gallery import Entrant, Gallery

DIM = 32  # of the vectors of `person`


def test_saving_and_loading_changes_nothing(tmp_path, person, filled):
    gallery = filled(7)
    gallery.refine(apart=[(1, 2), (3, 4)])
    gallery.save(tmp_path / "site.npz")
    again = Gallery.load(tmp_path / "site.npz")
    query = [person(4, 5, seed=3)]
    assert np.array_equal(again.distances(query), gallery.distances(query))
    assert again.scale.threshold(7) == gallery.scale.threshold(7)
    assert again.decide([Entrant(query[0], again.identities)]) == gallery.decide(
        [Entrant(query[0], gallery.identities)]
    )
    Gallery(DIM).save(tmp_path / "empty.npz")
    assert len(Gallery.load(tmp_path / "empty.npz")) == 0


@pytest.mark.parametrize("missing", ["header", "vectors", "time_s"])
def test_a_damaged_file_names_what_is_wrong(tmp_path, missing, filled):
    path = tmp_path / "g.npz"
    filled(1).save(path)
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored.files if name != missing}
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=rf"g\.npz: {missing}: missing"):
        Gallery.load(path)


def test_pickled_and_foreign_files_are_refused(tmp_path, filled):
    path = tmp_path / "g.npz"
    np.savez(path, header=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="not a gallery"):
        Gallery.load(path)
    path.write_bytes(b"PK nothing")
    with pytest.raises(ValueError, match="not a gallery"):
        Gallery.load(path)
    np.save(tmp_path / "g.npy", np.zeros(3))
    with pytest.raises(ValueError, match="not a gallery"):
        Gallery.load(tmp_path / "g.npy")
    filled(1).save(path)
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored.files}
    np.savez(path, **{**arrays, "camera": arrays["camera"].astype(np.float32)})
    with pytest.raises(ValueError, match="camera: expected int64 of 6 rows"):
        Gallery.load(path)
