"""Small trees to compare: the set that the package ships, and trees of a few arrays."""

from pathlib import Path

import numpy as np

import pystamps_hpc
from pystamps_hpc.dataset.mat import write_mat

MINI = Path(pystamps_hpc.__file__).parent / "data" / "golden-mini" / "expected"


def mini_files():
    """Every artifact of the shipped set, below its root."""
    files = (path for path in MINI.rglob("*.mat") if path.stem != "parms")
    return sorted(str(path.relative_to(MINI)) for path in files)


def write_tree(root, files, **options):
    """Write ``{"PATCH_1/pm1": {key: value}}`` as a tree."""
    root.mkdir(parents=True, exist_ok=True)
    for name, values in files.items():
        path = root / f"{name}.mat"
        path.parent.mkdir(exist_ok=True)
        write_mat(path, values, fsync=False, **options)
    return root


def column(*values, dtype=np.float64):
    return np.array(values, dtype)[:, None]
