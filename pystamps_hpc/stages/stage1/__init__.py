"""Stage 1, initial load: the candidates of a patch in a local frame and in chronological order."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ...dataset.candidates.model import Candidates, GridGeometry, OrbitGeometry
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
    """Candidates ordered by northing of the local frame; interferograms of a master by day."""

    ij: Annotated[NDArray[np.float64], "ps1.ij"]  # (n_ps, 3) id from 1, azimuth, range from 0
    lonlat: Annotated[NDArray[np.float64], "ps1.lonlat"]  # (n_ps, 2) [deg]
    xy: Annotated[NDArray[np.float32], "ps1.xy"]  # (n_ps, 2) float32 [m]
    ifgs: Annotated[Ifgs, "ps1"]  # the network
    n_ps: Annotated[int, "ps1.n_ps"]  # points
    sort_ix: Annotated[IntArray, "ps1.sort_ix"]  # (n_cand,) row in the candidate files
    origin: Annotated[NDArray[np.float64], "ps1.ll0"]  # (2,) origin of the local frame [deg]
    calibration: Annotated[NDArray[np.float64] | None, "ps1.calconst"]  # (n_ifg,)
    day_order: Annotated[IntArray | None, "ps1.day_ix"]  # (n_image - 1,) order of the day file
    mean_incidence: Annotated[float | None, "ps1.mean_incidence"]  # [rad]
    mean_range: Annotated[float | None, "ps1.mean_range"]  # [m]
    phase: Annotated[Rows, "ph1.ph"]  # (n_ps, n_ifg) phasors
    bperp_mat: Annotated[Rows, "bp1.bperp_mat"]  # (n_ps, n_ifg) [m]
    look_angle: Annotated[NDArray[np.float64] | None, "la1.la"]  # (n_ps,) [rad]
    incidence: Annotated[NDArray[np.float64] | None, "inc1.inc"]  # (n_ps,) [rad]
    dispersion: Annotated[NDArray[np.float64] | None, "da1.D_A"]  # (n_ps,) amplitude dispersion
    height: Annotated[NDArray[np.float64] | None, "hgt1.hgt"]  # (n_ps,) [m]


Scaling = Callable[[NDArray[np.complex64], int], None]
"""``scaling(column, ifg)`` divides the phasors of an interferogram by what they are to be."""


def ordered_phasors(
    phase: NDArray[np.complex64], points: IntArray, columns: IntArray, scale: Scaling
) -> ComputedRows:
    """Return the phasors of the ordered candidates, read from disk one interferogram at a time.

    Parameters
    ----------
    phase : (n_file, n_cand) complex64
        As in the candidate files.
    points : (n_ps,) int64
        Candidate of each row.
    columns : (n_ifg,) int64
        Row of the files of each column.
    scale : Scaling
        Scales a column in place.
    """

    def phasors(rows: Any, ifgs: Any) -> NDArray[np.complex64]:
        candidates = points[rows]
        chosen = np.arange(len(columns))[ifgs]
        by_ifg = np.empty((len(chosen), len(candidates)), np.complex64)
        for column, k in zip(by_ifg, chosen, strict=True):
            column[...] = phase[columns[k]][candidates]
            scale(column, k)
        return by_ifg.T

    return ComputedRows((len(points), len(columns)), np.dtype(np.complex64), phasors)


def scaling(geometry: OrbitGeometry | GridGeometry) -> Scaling:
    """Return how phasors are scaled; see docs/science/loading.md, Processors."""
    if isinstance(geometry, OrbitGeometry):
        return lambda column, ifg: None
    constants = geometry.calibration
    if constants is None:
        return lambda column, ifg: _divide(column, _modulus(column))
    return lambda column, ifg: _divide(column, np.float32(constants[ifg]))


def _modulus(column: NDArray[np.complex64]) -> NDArray[np.float32]:
    """Modulus, one where it is zero; abs of single is not the same on every processor."""
    squared = column.real.astype(np.float64) ** 2 + column.imag.astype(np.float64) ** 2
    return np.where(squared == 0, 1, np.sqrt(squared)).astype(np.float32)


def _divide(column: NDArray[np.complex64], by: Any) -> None:
    # real and imaginary part one by one, as MATLAB divides by real numbers
    column.view(np.float32).reshape(-1, 2).T[...] /= by


def solve(inputs: Inputs, params: Params, ctx: Context) -> Outputs:
    """Bring the candidates of a patch into StaMPS' form.

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
    StaMPS ``ps_load_initial_gamma``, ``ps_load_initial``, ``ps_load_initial_isce`` and
    ``sb_load_initial`` of each; docs/science/loading.md. Files of a single master in chronological
    order come out as there; others are sorted.
    """
    candidates = inputs.candidates
    for warning in candidates.warnings:
        ctx.warn(warning)
    lonlat = np.where(np.isfinite(candidates.lonlat), candidates.lonlat, np.nan)
    lonlat[:, 0] = continuous(lonlat[:, 0])
    origin, xy = _local_frame(lonlat, params.heading)
    order, rounded = order_and_round(xy)
    geometry = candidate_geometry(candidates, ctx)
    network = candidates.network
    ifgs = Ifgs(
        pairs=network.pairs,
        bperp=geometry.bperp,
        day=network.day.astype(np.float64),
        master_day=float(network.master_day),
        master=network.master,
    )

    known = _known(candidates, lonlat, ifgs, ctx)
    kept = order[known[order]]
    n_ps = len(kept)
    ctx.fact("candidates", n_ps)
    if not known.size:
        ctx.note(
            "no candidate in the patch: the preparation failed, or its dispersion threshold is low"
        )
    ids = np.arange(1, n_ps + 1)
    grids = candidates.geometry if isinstance(candidates.geometry, GridGeometry) else None
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
        calibration=None if grids is None else grids.calibration,
        day_order=None if grids is None else grids.day_ix,
        mean_incidence=geometry.mean_incidence,
        mean_range=geometry.mean_range,
        phase=ordered_phasors(
            candidates.phase, kept, network.columns, scaling(candidates.geometry)
        ),
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
    candidates: Candidates, lonlat: NDArray[np.float64], ifgs: Ifgs, ctx: Context
) -> BoolArray:
    """Whether position and every phasor of a candidate are finite, (n_cand,) bool."""
    placed = ~np.isnan(lonlat).any(axis=1)
    with_phase, infinite = measured(candidates, ifgs, ctx)
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
    modes=("ps", "sb"),
    keeps=Keeps(value=16, point=300),
    counts="candidates",
    counted_in={"candidates": "ps1.n_ps"},
    begins=True,
    psver=1,
)
