"""Stage 7 of small baselines: look-angle error of the pairs, and of the images (``ps_calc_scla``).

Three passes: slopes are fitted to the pairs and clamped to those of the neighbours, which is what
the next stage 6 takes off; then slopes and the master phase are fitted to the phase of the images
that stage 6 has inverted, as with a single master.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from ...dataset.rows import FloatArray, IntArray, Rows
from ...parallel.context import Context
from ..base import Keeps, StageSpec
from ..shared.ifgs import Ifgs, one_based
from ..shared.least_squares import n_left_out
from ..shared.ramps import Ramps
from ..shared.reference_area import reference_phase, referencing_ps
from ..stage7.designs import pairs_design, steps_design
from ..stage7.fits import Observed, fit_pairs, fit_steps, offset_operator, smoothed
from ..stage7.inputs import CommonInputs
from ..stage7.inputs import Params as CommonParams
from ..stage7.lists import lists_of
from ..stage7.phase import (
    baselines_of,
    fitted_ramps,
    stored_ramps,
    without_ramps,
    without_troposphere,
)
from .baselines import image_baselines
from .lists import IMAGE_LISTS, PAIR_LISTS, accepts, fitted_images, fitted_pairs


@dataclass(frozen=True)
class Params(CommonParams):
    """StaMPS parameters of stage 7; ``scla_drop_index`` counts images, the other lists pairs."""

    sb_scla_drop_index: tuple[int, ...]


@dataclass(frozen=True)
class Inputs(CommonInputs):
    """Merged arrays that stage 7 reads; rows are PS, the columns of `unwrapped` images."""

    images: Annotated[IntArray | None, "phuw2.unwrap_ifg_index_sm"]  # (k,) 0-based; None: all
    unwrapped_pairs: Annotated[Rows, "phuw_sb2.ph_uw"]  # (n_ps, n_ifg) float32 [rad]
    pair_covariance: Annotated[FloatArray, "phuw_sb_res2.sb_cov"]  # (n_ifg, n_ifg) [rad^2]
    image_covariance: Annotated[FloatArray, "phuw_sb_res2.sm_cov"]  # (n_image, n_image) [rad^2]


@dataclass(frozen=True)
class Outputs:
    """Look-angle error of the pairs, as fitted and clamped, and of the images with master phase."""

    pair_slope: Annotated[Rows, "scla_sb2.K_ps_uw"]  # (n_ps,) float64 [rad/m]
    pair_offset: Annotated[FloatArray, "scla_sb2.C_ps_uw"]  # (n_ps,) float64 zeros
    pair_phase: Annotated[Rows, "scla_sb2.ph_scla"]  # (n_ps, n_ifg) float32 [rad]
    pair_ramp: Annotated[Rows | None, "scla_sb2.ph_ramp"]  # (n_ps, n_ifg) float64 [rad]
    pair_covariance: Annotated[FloatArray, "scla_sb2.ifg_vcm"]  # (n_ifg, n_ifg) float64 [rad^2]
    smooth_slope: Annotated[FloatArray, "scla_smooth_sb2.K_ps_uw"]  # (n_ps,) float64 [rad/m]
    smooth_offset: Annotated[FloatArray, "scla_smooth_sb2.C_ps_uw"]  # (n_ps,) float64 zeros
    smooth_phase: Annotated[Rows, "scla_smooth_sb2.ph_scla"]  # (n_ps, n_ifg) float32 [rad]
    smooth_ramp: Annotated[Rows | None, "scla_smooth_sb2.ph_ramp"]  # (n_ps, n_ifg) float64 [rad]
    slope: Annotated[Rows, "scla2.K_ps_uw"]  # (n_ps,) float64 [rad/m]
    offset: Annotated[Rows, "scla2.C_ps_uw"]  # (n_ps,) float32 [rad]
    scla_phase: Annotated[Rows, "scla2.ph_scla"]  # (n_ps, n_image) float32 [rad]
    ramp: Annotated[Rows | None, "scla2.ph_ramp"]  # (n_ps, n_image) float64 [rad]
    covariance: Annotated[FloatArray, "scla2.ifg_vcm"]  # (n_image, n_image) float64 [rad^2]


@dataclass(frozen=True)
class Fit:
    """What is fitted, with what, and to which columns.

    Parameters
    ----------
    ifgs : Ifgs
        The network: the pairs, or the images against the master.
    baselines : Rows, (n_ps, n_col) float32
        Baselines of its columns [m].
    columns : (n_fit,) int64
        Those of the fit.
    design : (n_obs, 2 or 3) float64
        Constant, baseline, time.
    """

    ifgs: Ifgs
    baselines: Rows
    columns: IntArray
    design: FloatArray


def solve(inputs: Inputs, params: Params, ctx: Context) -> Outputs:
    """Estimate look-angle error and master phase of small baselines.

    Raises
    ------
    StageError
        Unusable index lists, an empty reference area, too few interferograms, images that are cut
        off from the master, baselines that are all equal.

    Notes
    -----
    docs/science/scla.md, Small baselines.
    """
    of_pairs, of_images = _pairs(inputs, params, ctx), _images(inputs, params, ctx)
    area = referencing_ps(params, inputs, ctx)
    n_ps = len(inputs.xy)
    no_offset = np.zeros(n_ps)

    unwrapped = without_troposphere(inputs.unwrapped_pairs, inputs, params, True, ctx)
    ramps = fitted_ramps(unwrapped, inputs, params, ctx)
    observed = _observed(unwrapped, "phuw_sb2", ramps, of_pairs, area, params, ctx)
    noise = _of(inputs.pair_covariance, of_pairs.columns)
    pairs = fit_pairs(observed, of_pairs.design, of_pairs.columns, noise, ctx)
    pair_ramp = stored_ramps(ramps, n_ps, ctx)
    smooth_slope, _, smooth_phase = smoothed(
        ctx.share(pairs.slope), no_offset.astype(np.float32), of_pairs.baselines, inputs.xy, ctx
    )

    unwrapped = without_troposphere(inputs.unwrapped, inputs, params, False, ctx)
    ramps = fitted_ramps(unwrapped, inputs, params, ctx)
    observed = _observed(unwrapped, "phuw2", ramps, of_images, area, params, ctx)
    images = of_images.columns
    covariance = _of(inputs.image_covariance, images)
    to_offset = ctx.on_root(lambda: offset_operator(inputs.ifgs.elapsed[images], covariance))
    scla = fit_steps(observed, of_images.design, images, images, to_offset, ctx)
    return Outputs(
        pair_slope=pairs.slope,
        pair_offset=no_offset,
        pair_phase=pairs.phase,
        pair_ramp=pair_ramp,
        pair_covariance=inputs.pair_covariance,
        smooth_slope=smooth_slope,
        smooth_offset=no_offset,
        smooth_phase=smooth_phase,
        smooth_ramp=pair_ramp,
        slope=scla.slope,
        offset=scla.offset,
        scla_phase=scla.phase,
        ramp=stored_ramps(ramps, n_ps, ctx),
        covariance=inputs.image_covariance,
    )


def _pairs(inputs: Inputs, params: Params, ctx: Context) -> Fit:
    """Choose the pairs of the fit."""
    ifgs = inputs.ifgs
    columns = fitted_pairs(ifgs, params)
    baselines = baselines_of(inputs)
    design = pairs_design(ifgs, baselines, columns, params, lists_of(params, PAIR_LISTS), ctx)
    _tell_singular(_of(inputs.pair_covariance, columns), len(inputs.xy), ctx)
    ctx.note(f"look-angle error of pairs from interferograms {one_based(columns)}")
    return Fit(ifgs, baselines, columns, design)


def _images(inputs: Inputs, params: Params, ctx: Context) -> Fit:
    """Choose the images of the fit; the master is no step of the sequence here."""
    ifgs = inputs.ifgs
    columns, lists = fitted_images(ifgs, inputs.images, params), lists_of(params, IMAGE_LISTS)
    if params.scla_drop_index:
        ctx.warn(
            f"look-angle error: the baselines of the images of {lists} are taken as zero, which "
            "changes those of the others, as in StaMPS"
        )
    baselines = image_baselines(ifgs, columns, baselines_of(inputs), ctx)
    design = steps_design(ifgs.day, ctx.share(baselines), columns, params, lists, ctx)
    ctx.note(f"look-angle error of images {one_based(columns)}")
    return Fit(ifgs.series, baselines, columns, design)


def _observed(
    unwrapped: Rows,
    artifact: str,
    ramps: Ramps | None,
    fit: Fit,
    area: IntArray | None,
    params: Params,
    ctx: Context,
) -> Observed:
    """Take ramps and reference off the phase."""
    phase = without_ramps(unwrapped, ramps)
    source = f"{artifact}.ph_uw"
    reference = reference_phase(phase, area, fit.columns, fit.ifgs.name_of, source, ctx)
    return Observed(phase, fit.baselines, reference, params.scla_method)


def _of(covariance: FloatArray, columns: IntArray) -> FloatArray:
    """Return the covariance of some columns."""
    return covariance[np.ix_(columns, columns)]


def _tell_singular(covariance: FloatArray, n_ps: int, ctx: Context) -> None:
    """Warn of a covariance of pairs that is not positive definite."""
    without = ctx.on_root(lambda: n_left_out(covariance))
    if without:
        ctx.warn(
            f"phuw_sb_res2.sb_cov is not positive definite, {n_ps} PS for {len(covariance)} "
            f"interferograms: {without} of its eigenvalues are not positive and left out, as in "
            "StaMPS, so that what they belong to does not weigh in slopes and velocities of the "
            "pairs; more PS or fewer interferograms make it better"
        )


SPEC = StageSpec(
    number=7,
    name="Calculate SCLA",
    scope="merged",
    marker="scla2",
    inputs=Inputs,
    params=Params,
    outputs=Outputs,
    solve=solve,
    accepts=accepts,
    kernels=(
        "stage7_scla",
        "stage7_scla_of_slope",
        "stage7_scla_of_pairs",
        "stage7_image_baselines",
        "stage7_lad_fit",
        "stage7_scla_smooth",
        "stage7_sequential_mean",
    ),
    modes=("sb",),
    keeps=Keeps(value=20, point=500),
    config=("compat.arithmetic", "runtime.triangulator"),
    tools=("triangulator",),
    foreign=("scla_smooth2",),
)
