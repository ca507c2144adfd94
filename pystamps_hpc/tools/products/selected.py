"""Which candidates of a patch stages 3 and 4 have kept."""

from pathlib import Path

import numpy as np

from ...dataset.rows import IntArray
from ...errors import DatasetError
from .files import read_artifact


def rows_selected(patch: Path) -> IntArray:
    """Return the candidates that stage 3 kept, (n,) rows of ``ps1``."""
    found = read_artifact(patch, "select1", "ix", "keep_ix")
    return np.asarray(found["ix"][found["keep_ix"]])


def rows_kept(patch: Path) -> IntArray:
    """Return the candidates that stages 3 and, if it has run, 4 kept, (n,) rows of ``ps1``.

    Raises
    ------
    DatasetError
        ``weed1`` is of another selection.
    """
    return np.asarray(read_artifact(patch, "select1", "ix")["ix"][kept_of_selected(patch)])


def kept_of_selected(patch: Path) -> IntArray:
    """Return which rows of ``select1`` stages 3 and, if it has run, 4 have kept, from 0.

    Raises
    ------
    DatasetError
        ``weed1`` is of another selection.
    """
    chosen = np.flatnonzero(read_artifact(patch, "select1", "keep_ix")["keep_ix"])
    if not (patch / "weed1.mat").exists():
        return chosen
    unweeded = read_artifact(patch, "weed1", "ix_weed")["ix_weed"]
    if len(unweeded) != len(chosen):
        raise DatasetError(
            f"{patch / 'weed1.mat'}: 'ix_weed' has {len(unweeded)} values for {len(chosen)} "
            "selected candidates; run stage 4 again"
        )
    return np.asarray(chosen[unweeded])
