"""Stage 5 of the dataset: the patches become one set of points, with the noise of each ifg."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from ..dataset.rows import AnyArray, FloatArray, IntArray, Rows
from ..errors import StageError
from ..parallel.context import Context
from ..parallel.team import UNIT, units
from .base import EACH_PATCH, StageSpec
from .gathered import Gathered
from .merging import PatchPS, check, without_overlap
from .projection import centre_of, local_coordinates, order_and_round, rotate_if_smaller
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
class Outputs:
    """The merged points in the order of their local coordinates, and the noise of each ifg."""

    record: Annotated[dict[str, Any], "ps2.*"]  # everything else, of the last patch
    ij: Annotated[FloatArray, "ps2.ij"]  # (n_ps, 3) id, azimuth line, range sample
    xy: Annotated[FloatArray, "ps2.xy"]  # (n_ps, 3) float32
    lonlat: Annotated[FloatArray, "ps2.lonlat"]  # (n_ps, 2) [deg]
    n_ps: Annotated[int, "ps2.n_ps"]  # points
    n_ifg: Annotated[int, "ps2.n_ifg"]  # interferograms, the master column included
    day: Annotated[FloatArray, "ps2.day"]  # (n_ifg,) MATLAB day numbers
    master_ix: Annotated[int, "ps2.master_ix"]  # column from 0
    phase: Annotated[Rows, "ph2.ph"]  # (n_ps, n_ifg) complex64
    patch_phase: Annotated[Rows, "pm2.ph_patch"]  # (n_ps, m) complex64
    residual: Annotated[Rows | None, "pm2.ph_res"]  # (n_ps, m) float32 [rad]
    slope: Annotated[FloatArray, "pm2.K_ps"]  # (n_ps,) [rad/m]
    offset: Annotated[FloatArray, "pm2.C_ps"]  # (n_ps,) [rad]
    coherence: Annotated[FloatArray, "pm2.coh_ps"]  # (n_ps,)
    bperp_mat: Annotated[Rows, "bp2.bperp_mat"]  # (n_ps, m) float32 or float64 [m]
    corrected: Annotated[Rows, "rc2.ph_rc"]  # of unit modulus
    patch_phase_reref: Annotated[Rows | None, "rc2.ph_reref"]  # (n_ps, n_ifg) complex64
    height: Annotated[FloatArray | None, "hgt2.hgt"]  # (n_ps,) [m], 0 x 0 if a patch lacks it
    look_angle: Annotated[FloatArray | None, "la2.la"]  # (n_ps,) [rad]
    incidence: Annotated[FloatArray | None, "inc2.inc"]  # (n_ps,) [rad]
    ifg_std: Annotated[FloatArray, "ifgstd2.ifg_std"]  # (n_ifg,) float32 [deg]


@dataclass(frozen=True)
class UnitPhase:
    """Rows of phasors divided by their modulus, computed when they are asked for."""

    phasors: Rows
    kernels: "KernelTable"

    @property
    def shape(self) -> tuple[int, ...]:
        """Numbers of rows and columns."""
        return self.phasors.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""
        return np.result_type(self.phasors.dtype, np.complex64)

    def __getitem__(self, key: Any, /) -> AnyArray:
        """Read rows, ``a[rows]``, or columns, ``a[:, ifgs]``."""
        phasors = as_phasors(self.phasors[key])
        unit: AnyArray = self.kernels.stage5_unit_phase(phasors.reshape(len(phasors), -1))
        return unit.reshape(phasors.shape)


def solve(inputs: Inputs, params: Params, ctx: Context) -> Outputs:
    """Choose the rows that stay, lay a new local frame, and read everything in its order.

    Raises
    ------
    StageError
        No patch, patches of different stacks, or several patches without their core.

    Notes
    -----
    StaMPS ``ps_merge_patches`` and ``ps_calc_ifg_std``; specification of stage 5, 6 and 7.
    """
    check(inputs.patches)
    patches: Sequence[PatchPS] = inputs.patches
    if params.merge_resample_size > 0:
        patches = ctx.map_tasks(
            lambda patch: resampled(
                patch, params.merge_resample_size, params.merge_standard_dev, ctx
            ),
            patches,
            [patch.n_ps for patch in patches],
            "resample patches",
        )
        row = np.arange(sum(patch.n_ps for patch in patches))
        ctx.note(
            f"{sum(patch.n_ps for patch in inputs.patches)} PS resampled to {len(row)} cells of "
            f"{params.merge_resample_size:g} m"
        )
    else:
        row = np.flatnonzero(without_overlap(patches))
    if not len(row):
        raise StageError("no cell is left by merge_standard_dev; take a larger one")
    if math.isnan(params.heading):
        ctx.warn("heading is not set: the local coordinates are not turned along the track")
    where, xy, details = ctx.on_root(lambda: place(patches, row, params.heading, ctx))
    ends = np.cumsum([patch.n_ps for patch in patches])
    counts = np.bincount(np.searchsorted(ends, where, side="right"), minlength=len(patches))
    names = [patch.name for patch in patches]
    ctx.fact("merged_per_patch", dict(zip(names, counts.tolist(), strict=True)))
    ctx.note(details)

    def gather(variables: Sequence[Rows]) -> Gathered:
        return Gathered(tuple(variables), where)

    def gather_if_all(variables: Sequence[Rows | None]) -> Gathered | None:
        present = [variable for variable in variables if variable is not None]
        return gather(present) if len(present) == len(patches) else None

    def join(variables: Sequence[FloatArray]) -> FloatArray:
        return np.concatenate(variables)[where]

    def join_if_all(variables: Sequence[FloatArray | None]) -> FloatArray:
        present = [variable for variable in variables if variable is not None]
        return join(present) if len(present) == len(patches) else np.zeros((0, 0))

    number = np.arange(1, len(where) + 1)
    base = patches[-1]
    phase, patch_phase = (
        gather([p.phase for p in patches]),
        gather([p.patch_phase for p in patches]),
    )
    bperp_mat = gather([p.bperp_mat for p in patches])
    slope, offset = join([p.slope for p in patches]), join([p.offset for p in patches])

    def noise(rows: slice) -> FloatArray:
        deviation: FloatArray = ctx.kernels.stage5_ifg_noise(
            as_phasors(phase[rows]), as_phasors(patch_phase[rows]),
            slope[rows], offset[rows], bperp_mat[rows], base.master_ix,
        )  # fmt: skip
        return deviation

    return Outputs(
        record={key: value for key, value in base.record.items() if key != "n_ps"},
        ij=np.column_stack((number, join([p.ij for p in patches])[:, 1:])),
        xy=np.column_stack((number.astype(np.float32), xy)),
        lonlat=join([p.lonlat for p in patches]),
        n_ps=len(where),
        n_ifg=base.n_ifg,
        day=base.day,
        master_ix=base.master_ix,
        phase=phase,
        patch_phase=patch_phase,
        residual=gather_if_all([p.residual for p in patches]),
        slope=slope,
        offset=offset,
        coherence=join([p.coherence for p in patches]),
        bperp_mat=bperp_mat,
        corrected=UnitPhase(gather([p.corrected for p in patches]), ctx.kernels),
        patch_phase_reref=gather_if_all([p.patch_phase_reref for p in patches]),
        height=join_if_all([p.height for p in patches]),
        look_angle=join_if_all([p.look_angle for p in patches]),
        incidence=join_if_all([p.incidence for p in patches]),
        ifg_std=noise_of_ifgs(noise, len(where), ctx),
    )


def as_phasors(values: AnyArray) -> AnyArray:
    """Return complex values of the same precision; a file holds zeros as real numbers."""
    return values.astype(np.result_type(values.dtype, np.complex64), order="C", copy=False)


def place(
    patches: Sequence[PatchPS], row: IntArray, heading: float, ctx: Context
) -> tuple[IntArray, FloatArray, str]:
    """Drop duplicates and put the rows into the order of a new local frame.

    Parameters
    ----------
    patches : sequence of PatchPS
        What is merged.
    row : (n,) int64
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
        What was dropped, for the report.
    """
    lonlat = np.concatenate([patch.lonlat for patch in patches])
    coherence = np.concatenate([patch.coherence for patch in patches])
    where = row[ctx.kernels.stage4_duplicate_keep(lonlat[row], coherence[row])]
    projected = local_coordinates(lonlat[where], centre_of(lonlat[where]))
    turned = rotate_if_smaller(projected, heading)
    order, xy = order_and_round(turned)
    details = (
        f"{len(where)} PS of {len(patches)} patches; dropped: {len(lonlat) - len(row)} in "
        f"overlaps, {len(row) - len(where)} at the position of another; local frame "
        f"{'as it is' if turned is projected else 'turned along the track'}"
    )
    return where[order], xy, details


def noise_of_ifgs(noise: Callable[[slice], FloatArray], n_ps: int, ctx: Context) -> FloatArray:
    """Return the root mean square of the noise of each interferogram.

    Parameters
    ----------
    noise : callable
        Gives the noise of some rows, (k, n_ifg) float32 [rad].
    n_ps : int
        Number of rows.
    ctx : Context
        Context of the task.

    Returns
    -------
    (n_ifg,) float32
        About zero [deg]. In single arithmetic the squares are added in single down the rows, as
        the reference does.

    Notes
    -----
    StaMPS ``ps_calc_ifg_std``; specification of stage 5, 7.
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
)
