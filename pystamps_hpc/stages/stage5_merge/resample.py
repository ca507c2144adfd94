"""Resampling of a patch for the merge: one point per occupied cell of a coarse grid.

Everything is computed in single, in both arithmetics: the last bits of the new positions decide
the order of the merged points, which the reference's arithmetic alone reproduces.
"""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pystamps_kernels.numerics import round_half_away

from ...dataset.rows import AnyArray, FloatArray, IntArray, Rows
from ...errors import StageError
from ...parallel.context import Context
from .merging import PatchPS, in_core

Singles = NDArray[np.float32]

LEAST_NOISE = math.radians(10)  # [rad], of a point
LARGEST_COHERENCE = {"octave": 0.98399362331182649, "matlab": math.exp(-(LEAST_NOISE**2) / 2)}
"""Coherence of that noise: the mean of 1000 random phasors where it is known, or its expectation"""


def resampled(patch: PatchPS, size: float, largest_noise: float, ctx: Context) -> PatchPS:
    """Average the points of each cell of a grid over the patch's core.

    Parameters
    ----------
    patch : PatchPS
        A patch, with residual phase.
    size : float
        Posting of the grid (``merge_resample_size``) [m].
    largest_noise : float
        Cells of larger noise (``merge_standard_dev``) are dropped [rad].
    ctx : Context
        Context of the task.

    Returns
    -------
    PatchPS
        One point per cell, in the order of y, then x. Phasors are weighted sums, everything else
        is a weighted mean; values of single, held in double.

    Raises
    ------
    StageError
        The patch has no residual phase, or a variable is not a number.

    Notes
    -----
    StaMPS ``ps_merge_patches`` with ``merge_resample_size``; docs/science/merging.md, Resampling.
    """
    if patch.residual is None:
        raise StageError(f"{patch.name}/pm2.mat: ph_res is empty; the resampling merge needs it")
    core = np.flatnonzero(in_core(patch))
    order, start = cells(patch.xy[core], size)
    point = core[order]
    weight, snr = weights(patch, point, ctx)

    total = ctx.kernels.stage5_cell_sums(np.ones((len(point), 1), np.float32), weight, start)
    least = np.float32(1 / largest_noise**2 if largest_noise else math.inf)
    kept = ~(total[:, 0] < least)
    stay = np.repeat(kept, np.diff(start))
    point, weight, snr, total = point[stay], weight[stay], snr[stay], total[kept]
    start = np.concatenate(([0], np.cumsum(np.diff(start)[kept])))

    def sums(name: str, values: AnyArray, by: Singles) -> AnyArray:
        dtype = np.complex64 if np.iscomplexobj(values) else np.float32
        columns = np.ascontiguousarray(values[:, None] if values.ndim == 1 else values, dtype)
        added = ctx.kernels.stage5_cell_sums(columns, by, start)
        if np.isnan(added).any():
            cell = np.flatnonzero(np.isnan(added).any(axis=1))[0]
            raise StageError(f"{patch.name}: {name} is not a number in cell {cell + 1} of the grid")
        return added

    def mean(name: str, values: Rows) -> FloatArray:
        average: FloatArray = (sums(name, values[point], weight) / total).astype(np.float64)
        return average

    def mean_if_present(name: str, values: FloatArray | None) -> FloatArray | None:
        return None if values is None else mean(name, values)[:, 0]

    pixel = round_half_away(sums("ij", patch.ij[point, 1:3], weight) / total)
    strength = np.sqrt(sums("coh_ps", snr * snr, np.ones_like(snr))[:, 0])
    one = np.float32(1)
    reref = patch.patch_phase_reref
    return replace(
        patch,
        ij=np.column_stack((np.arange(1.0, len(pixel) + 1), pixel)),
        xy=mean("xy", patch.xy),
        lonlat=mean("lonlat", patch.lonlat),
        phase=sums("ph", patch.phase[point] + 0j, snr).astype(np.complex128),
        patch_phase=sums("ph_patch", patch.patch_phase[point] + 0j, snr).astype(np.complex128),
        residual=sums("ph_res", patch.residual[point], snr).astype(np.float64),
        slope=mean("K_ps", patch.slope)[:, 0],
        offset=mean("C_ps", patch.offset)[:, 0],
        coherence=np.sqrt(one / (one + one / strength)).astype(np.float64),
        bperp_mat=mean("bperp_mat", patch.bperp_mat).astype(np.float32),
        corrected=sums("ph_rc", patch.corrected[point] + 0j, snr).astype(np.complex128),
        patch_phase_reref=None
        if reref is None
        else sums("ph_reref", reref[point] + 0j, snr).astype(np.complex128),
        height=mean_if_present("hgt", patch.height),
        look_angle=mean_if_present("la", patch.look_angle),
        incidence=mean_if_present("inc", patch.incidence),
    )


def cells(xy: FloatArray, size: float) -> tuple[IntArray, IntArray]:
    """Sort the points of a patch by the cells of a grid.

    Parameters
    ----------
    xy : (n, 2) float32
        Points of the core, in the frame of the patch [m].
    size : float
        Posting [m].

    Returns
    -------
    order : (n,) int64
        Points cell after cell, cells ascending by y, then x; of a cell in the order they came.
    start : (n_cell + 1,) int64
        First of each cell in `order`, and the number of points.

    Notes
    -----
    The reference means the grid to begin at the least coordinates, but a slip compares the first
    values with 1 m: of three and more points the grid begins at 1 m, of two at x = 1 m and at a y
    that is the first x or 1 m.
    """
    origin = np.ones(2, np.float32)
    if len(xy) == 1:
        origin = np.minimum(xy[0], origin)
    elif len(xy) == 2:
        origin[1] = min(xy[0, 0], origin[1])
    cell = np.ceil((xy - origin + np.float32(1e-9)) / np.float32(size))
    order = np.lexsort((cell[:, 0], cell[:, 1])).astype(np.int64)
    begins = (np.diff(cell[order], axis=0) != 0).any(axis=1)
    start = np.flatnonzero(np.concatenate(([True] * bool(len(xy)), begins)))
    return order, np.append(start, len(xy)).astype(np.int64)


def weights(patch: PatchPS, point: IntArray, ctx: Context) -> tuple[Singles, Singles]:
    """Return the inverse noise variance and the signal-to-noise ratio of some points.

    The noise of a point is its residual phase over the interferograms; a single-master stack has
    the noise of its master besides.
    """
    assert patch.residual is not None
    offset = patch.offset[point].astype(np.float32)
    residual = np.ascontiguousarray(patch.residual[point], np.float32)
    noise = ctx.kernels.stage5_wrapped_residual(residual, offset)
    if patch.ifgs.master is not None:
        noise = np.column_stack((noise, offset))
    variance, coherence = ctx.kernels.stage5_point_noise(noise)
    largest = LARGEST_COHERENCE[ctx.config.compat.random_generator]
    variance = np.maximum(variance, np.float32(LEAST_NOISE**2))
    coherence = np.minimum(coherence, np.float32(largest))
    one = np.float32(1)
    return one / variance, one / (one / (coherence * coherence) - one)
