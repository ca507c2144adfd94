"""Stage 5 of the dataset: the patches become one set of points, with the noise of each ifg."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from ...dataset.rows import AnyArray, ComputedRows, FloatArray, IntArray, Rows, block
from ...errors import StageError
from ...parallel.context import Context
from ...parallel.team import UNIT, units
from ..base import EACH_PATCH, Keeps, StageSpec
from ..shared.projection import centre_of, local_coordinates, order_and_round, rotate_if_smaller
from ..shared.version2 import Version2
from .merging import Merged, PatchPS, check, side_by_side, without_overlap
from .resample import resampled

if TYPE_CHECKING:
    from pystamps_kernels.dispatch import KernelTable


@dataclass(frozen=True)
class Params:
    """StaMPS parameters that the merge reads (names as in parms.mat)."""

    heading: float
    merge_resample_size: float
    merge_standard_dev: float


@dataclass(frozen=True)
class Inputs:
    """The patches that still have PS, in the order of the patch list."""

    patches: Annotated[tuple[PatchPS, ...], EACH_PATCH]


@dataclass(frozen=True)
class Outputs(Version2):
    """The merged points in the order of their local coordinates, and the noise of each ifg."""

    n_ps: Annotated[int, "ps2.n_ps"]  # points
    ifg_std: Annotated[FloatArray, "ifgstd2.ifg_std"]  # (n_col,) float32 [deg]


def unit_phase(phasors: Rows, kernels: "KernelTable") -> ComputedRows:
    """Return phasors divided by their modulus, computed when they are asked for."""

    def unit(rows: Any, columns: Any) -> AnyArray:
        read = as_phasors(block(phasors, rows, columns))
        divided: AnyArray = kernels.stage5_unit_phase(read.reshape(len(read), -1))
        return divided.reshape(read.shape)

    return ComputedRows(phasors.shape, np.result_type(phasors.dtype, np.complex64), unit)


def solve(inputs: Inputs, params: Params, ctx: Context) -> Outputs:
    """Choose the rows that stay, lay a new local frame, and read everything in its order.

    Raises
    ------
    StageError
        No patch, patches of different stacks, or several patches without their core.

    Notes
    -----
    StaMPS ``ps_merge_patches`` and ``ps_calc_ifg_std``; docs/science/merging.md.
    """
    check(inputs.patches)
    patches = side_by_side(inputs.patches)
    if params.merge_resample_size > 0:
        patches = _resampled(patches, params, ctx)
        taken = np.arange(sum(patch.n_ps for patch in patches))
    else:
        taken = np.flatnonzero(without_overlap(patches))
    if not len(taken):
        raise StageError("no cell is left by merge_standard_dev; take a larger one")
    if math.isnan(params.heading):
        ctx.warn("heading is not set: x and y of ps2 run east and north, not along the track")
    where, xy, details, dropped = ctx.on_root(lambda: place(patches, taken, params.heading, ctx))
    merged = Merged(patches, where)
    ctx.fact("merged_per_patch", merged.per_patch)
    for reason, count in dropped.items():
        ctx.fact(reason, count)
    ctx.note(details)

    number = np.arange(1, len(where) + 1)
    base = patches[-1]
    phase, patch_phase = merged.rows("phase"), merged.rows("patch_phase")
    bperp_mat = merged.rows("bperp_mat")
    slope, offset = merged.values("slope"), merged.values("offset")

    filtered = base.ifgs.with_master(patch_phase, 1)
    baselines, master_noise = base.ifgs.with_master(bperp_mat, 0), base.ifgs.master_noise(offset)

    def noise(rows: slice) -> FloatArray:
        return ctx.kernels.stage5_ifg_noise(
            as_phasors(phase[rows]), as_phasors(filtered[rows]),
            slope[rows], master_noise[rows], baselines[rows],
        )  # fmt: skip

    ifg_std = noise_of_ifgs(noise, len(where), ctx)
    columns = base.ifgs.columns
    ctx.fact("ifg_numbers", columns + 1)
    ctx.fact("ifg_dates", [base.ifgs.date_of(column) for column in columns])
    ctx.fact("ifg_noise_deg", np.round(ifg_std[columns].astype(float), 2))
    return Outputs(
        record={key: value for key, value in base.record.items() if key != "n_ps"},
        ij=np.column_stack((number, merged.values("ij")[:, 1:])),
        xy=xy,
        lonlat=merged.values("lonlat"),
        n_ps=len(where),
        ifgs=base.ifgs,
        phase=phase,
        patch_phase=patch_phase,
        residual=merged.rows_if_all("residual"),
        slope=slope,
        offset=offset,
        coherence=merged.values("coherence"),
        bperp_mat=bperp_mat,
        corrected=unit_phase(merged.rows("corrected"), ctx.kernels),
        patch_phase_reref=merged.rows_if_all("patch_phase_reref"),
        height=merged.values_if_all("height"),
        look_angle=merged.values_if_all("look_angle"),
        incidence=merged.values_if_all("incidence"),
        ifg_std=ifg_std,
    )


def _resampled(patches: Sequence[PatchPS], params: Params, ctx: Context) -> Sequence[PatchPS]:
    """Resample every patch; docs/science/merging.md, Resampling."""
    size, largest_noise = params.merge_resample_size, params.merge_standard_dev
    cells = ctx.map_tasks(
        lambda patch: resampled(patch, size, largest_noise, ctx),
        patches,
        [patch.n_ps for patch in patches],
        "resample patches",
    )
    before, after = (sum(patch.n_ps for patch in some) for some in (patches, cells))
    ctx.note(f"{before} PS resampled to {after} cells of {size:g} m")
    ctx.fact("cell_m", size)
    return cells


def as_phasors(values: AnyArray) -> AnyArray:
    """Return complex values of the same precision; a file holds zeros as real numbers."""
    return values.astype(np.result_type(values.dtype, np.complex64), order="C", copy=False)


def place(
    patches: Sequence[PatchPS], taken: IntArray, heading: float, ctx: Context
) -> tuple[IntArray, FloatArray, str, dict[str, int]]:
    """Drop duplicates and put the rows into the order of a new local frame.

    Parameters
    ----------
    patches : sequence of PatchPS
        What is merged.
    taken : (n,) int64
        Rows that take part, the patches counted one after the other.
    heading : float
        Heading of the satellite [deg].
    ctx : Context
        Context of the task.

    Returns
    -------
    where : (n_ps,) int64
        Row of the patches that stands in each merged row.
    xy : (n_ps, 2) float32
        Local coordinates [m].
    details : str
        What was merged and dropped, for people.
    dropped : dict of str to int
        Points dropped by each reason.
    """
    lonlat = np.concatenate([patch.lonlat for patch in patches])
    coherence = np.concatenate([patch.coherence for patch in patches])
    where = taken[ctx.kernels.stage4_duplicate_keep(lonlat[taken], coherence[taken])]
    projected = local_coordinates(lonlat[where], centre_of(lonlat[where]))
    turned = rotate_if_smaller(projected, heading)
    order, xy = order_and_round(turned)
    dropped = {"in_overlaps": len(lonlat) - len(taken), "same_position": len(taken) - len(where)}
    along = "east and north" if turned is projected else "along and across the track"
    details = (
        f"{len(where)} PS of {len(patches)} patches; dropped: {dropped['in_overlaps']} in "
        f"overlaps, {dropped['same_position']} at the position of another; x and y of ps2 run "
        f"{along}"
    )
    return where[order], xy, details, dropped


def noise_of_ifgs(noise: Callable[[slice], FloatArray], n_ps: int, ctx: Context) -> FloatArray:
    """Return the root mean square of the noise of each interferogram.

    Parameters
    ----------
    noise : callable
        Gives the noise of some rows, (k, n_col) float32 [rad].
    n_ps : int
        Number of rows.
    ctx : Context
        Context of the task.

    Returns
    -------
    (n_col,) float32
        About zero [deg]. In single arithmetic the squares are added in single down the rows, as
        the reference does.

    Notes
    -----
    StaMPS ``ps_calc_ifg_std``; docs/science/merging.md, Noise of the interferograms.
    """

    def down_the_rows() -> FloatArray:
        total: Any = np.float32(0)
        for rows in units(0, n_ps, 16 * UNIT):
            squares = noise(rows) ** 2
            squares[0] += total
            total = np.add.accumulate(squares, axis=0)[-1]
        return np.asarray(total)

    if ctx.single:
        mean = ctx.on_root(down_the_rows) / np.float32(n_ps)
        degrees: FloatArray = np.sqrt(mean) * np.float32(180) / np.float32(np.pi)
        return degrees
    squares = ctx.sum_rows(
        lambda rows: (noise(rows).astype(np.float64) ** 2).sum(axis=0), n_ps, "noise of the ifgs"
    )
    return np.degrees(np.sqrt(squares / n_ps)).astype(np.float32)


SPEC = StageSpec(
    number=5,
    name="Correct phase and merge",
    scope="merged",
    marker="ifgstd2",
    inputs=Inputs,
    params=Params,
    outputs=Outputs,
    solve=solve,
    kernels=(
        "stage4_duplicate_keep",
        "stage5_unit_phase",
        "stage5_ifg_noise",
        "stage5_wrapped_residual",
        "stage5_point_noise",
        "stage5_cell_sums",
    ),
    config=("compat.arithmetic", "compat.random_generator"),
    modes=("ps", "sb"),
    keeps=Keeps(value=0, point=500),
    counted_in={"merged": "ps2.n_ps"},
    psver=2,
)
