"""MSMT17 (Wei et al., CVPR 2018), versions 1 and 2 (faces masked): lists of files per part."""

from __future__ import annotations

from pathlib import Path

from .types import RESEARCH_ONLY, Counts, PersonDataset, Samples, check_counts, find_root

TRAIN = Counts(32621, 1041)
QUERY = Counts(11659, 3060)
GALLERY = Counts(82161, 3060)

_FOLDERS = (("train", "test"), ("mask_train_v2", "mask_test_v2"))


def read_msmt17(data_root: Path, *, check: bool = True) -> PersonDataset:
    """MSMT17: 32,621 training, 11,659 query and 82,161 gallery images of 15 cameras.

    The training part joins ``list_train.txt`` and ``list_val.txt``, as is usual. Identities are
    counted from 0 in the lists and from 1 here; training and test people are different ones.

    Parameters
    ----------
    data_root : Path
        The folder with ``list_train.txt``, or one that holds ``MSMT17_V1`` or ``MSMT17_V2``.
    check : bool
        Compare the number of images and people with the published ones.

    Raises
    ------
    FileNotFoundError, ValueError
        When a list or folder is missing, a row is malformed, or a count is off.
    """
    root = find_root(data_root, "list_train.txt", ("MSMT17_V1", "MSMT17_V2", "msmt17/MSMT17_V1"))
    train_folder, test_folder = _image_folders(root)
    train = _read_lists(root, train_folder, ("list_train.txt", "list_val.txt"))
    query = _read_lists(root, test_folder, ("list_query.txt",))
    gallery = _read_lists(root, test_folder, ("list_gallery.txt",))
    if check:
        check_counts(str(root / "list_train.txt"), "training", train, TRAIN)
        check_counts(str(root / "list_query.txt"), "query", query, QUERY)
        check_counts(str(root / "list_gallery.txt"), "gallery", gallery, GALLERY)
    return PersonDataset("msmt17", RESEARCH_ONLY, train, query, gallery)


def _image_folders(root: Path) -> tuple[Path, Path]:
    for train, test in _FOLDERS:
        if (root / train).is_dir() and (root / test).is_dir():
            return root / train, root / test
    raise FileNotFoundError(f"{root}: expected folders train and test, or mask_*_v2")


def _read_lists(root: Path, folder: Path, lists: tuple[str, ...]) -> Samples:
    paths, identities, cameras = [], [], []
    for name in lists:
        text = (root / name).read_text(encoding="utf-8")
        for number, line in enumerate(text.splitlines(), start=1):
            if not line.strip():
                continue
            # e.g. "0000/0000_000_01_0303morning_0008_0.jpg 0": identity, image, camera, …
            relative, _, identity = line.strip().rpartition(" ")
            parts = relative.rpartition("/")[2].split("_")
            if not identity.isdigit() or len(parts) < 4 or not parts[2].isdigit():
                raise ValueError(
                    f"{root / name}, line {number}: expected "
                    f"'0000/0000_000_01_….jpg 0', got {line.strip()!r}"
                )
            paths.append(folder / relative)
            identities.append(int(identity) + 1)
            cameras.append(int(parts[2]))
    return Samples.from_files(root, paths, identities, cameras)
