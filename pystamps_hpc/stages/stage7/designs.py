"""What the look-angle error is fitted with: a constant, mean baselines, and times."""

import numpy as np

from ...dataset.rows import FloatArray, IntArray, Rows, chosen_columns
from ...errors import StageError
from ...parallel.context import Context
from ..shared.corrected_phase import steps
from ..shared.ifgs import Ifgs
from ..shared.reference_area import mean_over_ps
from .inputs import Params

FEWEST_WITH_VELOCITY = 4


def steps_design(
    day: FloatArray, baselines: Rows, sequence: IntArray, params: Params, lists: str, ctx: Context
) -> FloatArray:
    """Return constant, mean baseline and time of every step between successive images.

    Parameters
    ----------
    day : (n_image,) float64
        Acquisition of each image, MATLAB day numbers.
    baselines : Rows, (n_ps, n_image) float32
        Baselines of the images [m], zero at the master.
    sequence : (n_seq,) int64
        Images, ascending.
    params : Params
        Method.
    lists : str
        Which parameters left images out, for messages.
    ctx : Context
        Means over PS.

    Returns
    -------
    (n_seq - 1, 2 or 3) float64
        Design; without time where the images are too few.

    Raises
    ------
    StageError
        Baselines that are all equal.
    """
    n_used, n_steps = len(sequence), len(sequence) - 1
    change = mean_over_ps(steps(baselines, sequence), ctx).astype(np.float64)
    if not change.any():
        mean = mean_over_ps(chosen_columns(baselines, sequence[:1]), ctx)[0]
        raise StageError(
            f"look-angle error not observable: the baselines of the {n_used} images are all equal "
            f"({mean:.1f} m); use images with other baselines"
        )
    design = _with_time(change, np.diff(day[sequence]), n_used, "images", lists, ctx)
    _require_independent(design, params, "images", ctx)
    if n_steps <= design.shape[1]:
        ctx.warn(
            f"look-angle error: the {n_steps} steps between images determine {design.shape[1]} "
            "unknowns; more images make it better"
        )
    return design


def pairs_design(
    ifgs: Ifgs, bperp: Rows, pairs: IntArray, params: Params, lists: str, ctx: Context
) -> FloatArray:
    """Return constant, mean baseline and time span of every pair.

    Parameters
    ----------
    ifgs : Ifgs
        Small baselines.
    bperp : Rows, (n_ps, n_ifg) float32
        Baselines of the pairs [m].
    pairs : (n_fit,) int64
        Pairs of the fit.
    params : Params
        Method.
    lists : str
        Which parameters left pairs out, for messages.
    ctx : Context
        Means over PS.

    Returns
    -------
    (n_fit, 2 or 3) float64
        Design; without time where the pairs are too few.

    Raises
    ------
    StageError
        Baselines that are all equal.
    """
    n_used = len(pairs)
    mean = mean_over_ps(chosen_columns(bperp, pairs), ctx).astype(np.float64)
    if not np.ptp(mean):
        raise StageError(
            f"look-angle error not observable: the baselines of the {n_used} interferograms are "
            f"all equal ({mean[0]:.1f} m); shorten {lists}"
        )
    span = ifgs.spans[pairs]
    design = _with_time(mean, span, n_used, "interferograms", lists, ctx)
    _require_independent(design, params, "interferograms", ctx)
    if n_used <= design.shape[1]:
        ctx.warn(
            f"look-angle error: {n_used} interferograms determine {design.shape[1]} unknowns; "
            "more interferograms make it better"
        )
    return design


def _with_time(
    bperp: FloatArray, time: FloatArray, n_used: int, what: str, lists: str, ctx: Context
) -> FloatArray:
    """Put the columns together; few observations do not determine a velocity as well."""
    columns = [np.ones(len(bperp)), bperp]
    if n_used < FEWEST_WITH_VELOCITY:
        ctx.warn(
            f"look-angle error: {n_used} {what} are too few to estimate velocity with it; {lists}"
        )
    else:
        columns.append(time)
    return np.column_stack(columns)


def _require_independent(design: FloatArray, params: Params, what: str, ctx: Context) -> None:
    """Warn of baselines that the other columns explain; least deviations have no answer then."""
    others = np.delete(design, 1, axis=1)
    rank, rank_of_others = ctx.on_root(
        lambda: [int(np.linalg.matrix_rank(columns)) for columns in (design, others)]
    )
    if rank > rank_of_others:
        return
    problem = "look-angle error not observable: the baselines change linearly with time"
    if params.scla_method == "L1":
        raise StageError(f"{problem}; set scla_method to 'L2' or use other {what}")
    ctx.warn(f"{problem}; the smallest slopes are taken")
