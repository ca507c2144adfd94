"""Index lists of interferograms: 1-based as in StaMPS outside, 0-based inside."""

from collections.abc import Sequence
from datetime import date

import numpy as np

from ..dataset.rows import FloatArray, IntArray
from ..errors import StageError


def from_parameter(numbers: Sequence[int], n_ifg: int, parameter: str) -> IntArray:
    """Convert a list of a parameter to sorted 0-based positions.

    Parameters
    ----------
    numbers : sequence of int
        1-based numbers.
    n_ifg : int
        Number of interferograms, the master column included.
    parameter : str
        Name of the parameter, for the message.

    Returns
    -------
    (k,) int64
        Ascending, each once.

    Raises
    ------
    StageError
        A number outside 1 to `n_ifg`.
    """
    listed = np.unique(np.asarray(numbers, np.int64))
    outside = listed[(listed < 1) | (listed > n_ifg)]
    if len(outside):
        bad = ", ".join(map(str, outside))
        raise StageError(f"parameter {parameter}: {bad} is outside 1 to {n_ifg}; correct the list")
    return listed - 1


def used_ifgs(
    drop_ifg_index: Sequence[int], n_ifg: int, fewest: int = 0, without: int | None = None
) -> IntArray:
    """Return the positions of the interferograms that ``drop_ifg_index`` leaves.

    Parameters
    ----------
    drop_ifg_index : sequence of int
        1-based numbers.
    n_ifg : int
        Number of interferograms, the master column included.
    fewest : int
        How many must be left.
    without : int, optional
        Position of the master, where its column is no interferogram.

    Returns
    -------
    (k,) int64
        Ascending.

    Raises
    ------
    StageError
        A number outside 1 to `n_ifg`, or fewer than `fewest` are left.
    """
    candidates = np.delete(np.arange(n_ifg), [] if without is None else without)
    used = np.setdiff1d(candidates, from_parameter(drop_ifg_index, n_ifg, "drop_ifg_index"))
    if len(used) < fewest:
        raise StageError(
            f"parameter drop_ifg_index: leaves {len(used)} of {len(candidates)} interferograms, "
            f"at least {fewest} are needed; shorten the list"
        )
    return used


def check_master(master_ix: int, day: FloatArray, master_day: float, remedy: str) -> None:
    """Refuse a master that is not where its day says.

    Raises
    ------
    StageError
        ``master_ix`` is not the number of days before ``master_day``.
    """
    before = int(np.count_nonzero(day < master_day))
    if before != master_ix:
        raise StageError(
            f"master_ix is {master_ix + 1}, but {before} days come before master_day; {remedy}"
        )


def one_based(positions: IntArray) -> str:
    """Write 0-based positions as StaMPS would number them, for messages: ``1-3, 7``."""
    runs = np.split(positions, np.flatnonzero(np.diff(positions) != 1) + 1)
    words = (f"{run[0] + 1}-{run[-1] + 1}" if len(run) > 1 else f"{run[0] + 1}" for run in runs
             if len(run))  # fmt: skip
    return ", ".join(words) or "none"


def date_of(day: float) -> str:
    """Write a MATLAB day number as a date."""
    return date.fromordinal(int(day) - 366).isoformat()
