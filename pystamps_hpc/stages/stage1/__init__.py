"""Stage 1, initial load: the candidates of a patch in a local frame and in chronological order."""

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ...dataset.candidates.model import Candidates, GridGeometry
from ...dataset.rows import BoolArray, ComputedRows, IntArray, Rows
from ...parallel.context import Context
from ..base import Keeps, StageSpec
from ..shared.ifgs import Ifgs
from ..shared.projection import (
    centre_of,
    continuous,
    local_coordinates,
    order_and_round,
    rotate_if_smaller,
)
from .candidate_geometry import candidate_geometry
from .measured import measured


@dataclass(frozen=True)
class Params:
    """StaMPS parameters that stage 1 reads."""

    heading: float
    lambda_: float
    insar_processor: str


@dataclass(frozen=True)
class Inputs:
    """What the processor left in the patch directory."""

    candidates: Annotated[Candidates, "candidates.*"]  # in the order of the files


@dataclass(frozen=True)
class Outputs:
    """Candidates ordered by northing of the local frame; interferograms by day."""

    ij: Annotated[NDArray[np.float64], "ps1.ij"]  # (n_ps, 3) id from 1, azimuth, range from 0
    lonlat: Annotated[NDArray[np.float64], "ps1.lonlat"]  # (n_ps, 2) [deg]
    xy: Annotated[NDArray[np.float32], "ps1.xy"]  # (n_ps, 2) float32 [m]
    ifgs: Annotated[Ifgs, "ps1"]  # the network
    n_ps: Annotated[int, "ps1.n_ps"]  # points
    sort_ix: Annotated[IntArray, "ps1.sort_ix"]  # (n_cand,) row in the candidate files
    origin: Annotated[NDArray[np.float64], "ps1.ll0"]  # (2,) origin of the local frame [deg]
    calibration: Annotated[NDArray[np.float64] | None, "ps1.calconst"]  # (n_ifg,)
    day_order: Annotated[IntArray | None, "ps1.day_ix"]  # (n_ifg,) order of the day file
    mean_incidence: Annotated[float | None, "ps1.mean_incidence"]  # [rad]
    mean_range: Annotated[float | None, "ps1.mean_range"]  # [m]
    phase: Annotated[Rows, "ph1.ph"]  # (n_ps, n_ifg) phasors
    bperp_mat: Annotated[Rows, "bp1.bperp_mat"]  # (n_ps, n_ifg) [m]
    look_angle: Annotated[NDArray[np.float64] | None, "la1.la"]  # (n_ps,) [rad]
    incidence: Annotated[NDArray[np.float64] | None, "inc1.inc"]  # (n_ps,) [rad]
    dispersion: Annotated[NDArray[np.float64] | None, "da1.D_A"]  # (n_ps,) amplitude dispersion
    height: Annotated[NDArray[np.float64] | None, "hgt1.hgt"]  # (n_ps,) [m]


def ordered_phasors(
    phase: NDArray[np.complex64],
    points: IntArray,
    day_order: IntArray,
    calibration: NDArray[np.float64] | None,
) -> ComputedRows:
    """Return the phasors of the ordered candidates, read from disk one interferogram at a time.

    Parameters
    ----------
    phase : (n_ifg, n_cand) complex64
        As in the candidate files.
    points : (n_ps,) int64
        Candidate of each row.
    day_order : (n_ifg,) int64
        Interferogram of each column.
    calibration : (n_ifg,) float64 or None
        Amplitude that each column is divided by.
    """

    def phasors(rows: Any, ifgs: Any) -> NDArray[np.complex64]:
        candidates = points[rows]
        columns = np.arange(len(day_order))[ifgs]
        by_ifg = np.empty((len(columns), len(candidates)), np.complex64)
        for column, k in zip(by_ifg, columns, strict=True):
            column[...] = phase[day_order[k]][candidates]
            if calibration is not None:
                # real and imaginary part one by one, as MATLAB divides by a real number
                column.view(np.float32)[...] /= np.float32(calibration[k])
        return by_ifg.T

    return ComputedRows((len(points), len(day_order)), np.dtype(np.complex64), phasors)


def solve(inputs: Inputs, params: Params, ctx: Context) -> Outputs:
    """Bring the candidates of a single-master stack into StaMPS' form.

    Parameters
    ----------
    inputs : Inputs
        Candidates in file order.
    params : Params
        Parameters.
    ctx : Context
        Kernels and messages.

    Returns
    -------
    Outputs
        Without rows if there are no candidates, which is no error.

    Raises
    ------
    StageError
        The orbit parameters give no geometry for a candidate.

    Notes
    -----
    StaMPS ``ps_load_initial_gamma``, ``ps_load_initial``, ``ps_load_initial_isce``;
    docs/science/loading.md. Files in chronological order come out as there; others are sorted.
    """
    candidates = inputs.candidates
    for warning in candidates.warnings:
        ctx.warn(warning)
    day_order = np.argsort(candidates.slave_day, kind="stable")
    slave_day = candidates.slave_day[day_order]
    master = int(np.searchsorted(slave_day, candidates.master_day))
    day = np.insert(slave_day, master, candidates.master_day).astype(np.float64)

    lonlat = np.where(np.isfinite(candidates.lonlat), candidates.lonlat, np.nan)
    lonlat[:, 0] = continuous(lonlat[:, 0])
    origin, xy = _local_frame(lonlat, params.heading)
    order, rounded = order_and_round(xy)
    geometry = candidate_geometry(candidates, day_order, ctx)
    ifgs = Ifgs.of_master(master, geometry.bperp, day, float(candidates.master_day))

    known = _known(candidates, lonlat, day_order, ifgs, ctx)
    kept = order[known[order]]
    n_ps = len(kept)
    ctx.fact("candidates", n_ps)
    if not known.size:
        ctx.note(
            "no candidate in the patch: the preparation failed, or its dispersion threshold is low"
        )
    ids = np.arange(1, n_ps + 1)
    grids = candidates.geometry if isinstance(candidates.geometry, GridGeometry) else None
    calibration = None if grids is None else grids.calibration[day_order]
    return Outputs(
        ij=np.column_stack((ids, candidates.azimuth[kept], candidates.range_sample[kept])).astype(
            np.float64
        ),
        lonlat=lonlat[kept],
        xy=rounded[known[order]],
        ifgs=ifgs,
        n_ps=n_ps,
        sort_ix=order,
        origin=origin,
        calibration=calibration,
        day_order=None if grids is None else day_order,
        mean_incidence=geometry.mean_incidence,
        mean_range=geometry.mean_range,
        phase=ordered_phasors(candidates.phase, kept, day_order, calibration),
        bperp_mat=geometry.bperp_mat[kept],
        look_angle=_rows(geometry.look_angle, kept),
        incidence=_rows(geometry.incidence, kept),
        dispersion=_rows(candidates.amplitude_dispersion, kept),
        height=_rows(candidates.height, kept),
    )


def _rows(values: NDArray[np.float64] | None, rows: IntArray) -> NDArray[np.float64] | None:
    return None if values is None else values[rows]


def _local_frame(
    lonlat: NDArray[np.float64], heading: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return origin (2,) [deg] and local coordinates (n_cand, 2) [m]."""
    if np.isnan(lonlat).all(axis=0).any():
        return np.full(2, np.nan), np.full(lonlat.shape, np.nan)
    origin = centre_of(lonlat)
    return origin, rotate_if_smaller(local_coordinates(lonlat, origin), heading)


def _known(
    candidates: Candidates,
    lonlat: NDArray[np.float64],
    day_order: IntArray,
    ifgs: Ifgs,
    ctx: Context,
) -> BoolArray:
    """Whether position and every phasor of a candidate are finite, (n_cand,) bool."""
    placed = ~np.isnan(lonlat).any(axis=1)
    with_phase, infinite = measured(candidates, day_order, ifgs, ctx)
    infinite |= np.isinf(candidates.lonlat).any(axis=1)
    if infinite.any():
        ctx.warn(f"{int(infinite.sum()):,} candidates with infinite values removed")
    known: BoolArray = placed & with_phase
    if not known.all():
        ctx.fact("without_position", int((~placed).sum()))
        ctx.fact("without_phase", int((placed & ~with_phase).sum()))
        ctx.note(f"{int((~known).sum()):,} candidates without position or phase removed")
    return known


SPEC = StageSpec(
    number=1,
    name="Initial load",
    scope="patch",
    marker="ps1",
    inputs=Inputs,
    params=Params,
    outputs=Outputs,
    solve=solve,
    kernels=(
        "stage1_look_angles",
        "stage1_perpendicular_baselines",
        "stage1_column_means",
        "stage1_bilinear",
    ),
    keeps=Keeps(value=16, point=300),
    counts="candidates",
    counted_in={"candidates": "ps1.n_ps"},
    begins=True,
    psver=1,
)
