"""Which candidates have a phase, and which interferograms lack one where: the data of stage 1."""

import numpy as np

from ...dataset.candidates.model import Candidates
from ...dataset.rows import BoolArray
from ...parallel.context import Context
from ..shared.ifgs import Ifgs

NOTABLE = 0.1
"""Share of the candidates without phase from which an interferogram is worth a warning."""

_WITHOUT_IT = "leave the image out and extract the candidates again"


def measured(candidates: Candidates, ifgs: Ifgs, ctx: Context) -> tuple[BoolArray, BoolArray]:
    """Tell which candidates have a finite phase in every interferogram.

    Parameters
    ----------
    candidates : Candidates
        Candidates in file order.
    ifgs : Ifgs
        The network.
    ctx : Context
        Is warned of interferograms with many gaps, or with the same phase everywhere.

    Returns
    -------
    known : (n_cand,) bool
        A phase of zero is none either, but it is for stage 2 to leave it out.
    infinite : (n_cand,) bool
        Where infinity is the reason.
    """
    n = len(candidates.azimuth)
    known, infinite = np.ones(n, np.bool_), np.zeros(n, np.bool_)
    for ifg, number in zip(candidates.network.columns, ifgs.columns, strict=True):
        column = candidates.phase[ifg]
        finite = np.isfinite(column)
        known &= finite
        infinite |= np.isinf(column)
        lost, zero = n - int(np.count_nonzero(finite)), n - int(np.count_nonzero(column))
        if lost == n and n:
            ctx.note(f"{ifgs.name_of(number)} has no phase at all, {_WITHOUT_IT}")
        elif lost + zero > NOTABLE * n:
            ctx.warn(
                f"{ifgs.name_of(number)}: {lost + zero:,} of {n:,} candidates have no phase "
                f"({lost:,} NaN, {zero:,} zero) and are lost; where it does not cover the patch, "
                f"{_WITHOUT_IT}"
            )
        elif n > 1 and column[0] == column[-1] and (column == column[0]).all():
            ctx.warn(
                f"{ifgs.name_of(number)}: all phases are equal, as of the master with itself; "
                f"{_WITHOUT_IT}"
            )
    return known, infinite
