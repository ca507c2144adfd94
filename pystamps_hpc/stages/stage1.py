"""Stage 1, initial load: the candidates of a patch in a local frame and in chronological order."""

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ..dataset.candidates.model import Candidates, GridGeometry
from ..dataset.rows import BoolArray, FloatArray, IntArray, Rows
from ..parallel.context import Context
from .base import Keeps, StageSpec
from .candidate_geometry import candidate_geometry
from .measured import measured
from .projection import (
    centre_of,
    continuous,
    local_coordinates,
    order_and_round,
    rotate_if_smaller,
)


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
    """Candidates ordered by northing of the local frame; interferograms by day, master included."""

    ij: Annotated[NDArray[np.float64], "ps1.ij"]  # (n_ps, 3) id from 1, azimuth, range from 0
    lonlat: Annotated[NDArray[np.float64], "ps1.lonlat"]  # (n_ps, 2) [deg]
    xy: Annotated[NDArray[np.float32], "ps1.xy"]  # (n_ps, 3) id from 1, x, y [m]
    bperp: Annotated[FloatArray, "ps1.bperp"]  # (n_ifg,) [m], 0 at the master
    day: Annotated[NDArray[np.float64], "ps1.day"]  # (n_ifg,) MATLAB day numbers
    master_day: Annotated[float, "ps1.master_day"]  # MATLAB day number
    master_ix: Annotated[int, "ps1.master_ix"]  # column from 0
    n_ifg: Annotated[int, "ps1.n_ifg"]  # interferograms, the master column included
    n_image: Annotated[int, "ps1.n_image"]  # images
    n_ps: Annotated[int, "ps1.n_ps"]  # points
    sort_ix: Annotated[IntArray, "ps1.sort_ix"]  # (n_cand,) row in the candidate files
    origin: Annotated[NDArray[np.float64], "ps1.ll0"]  # (2,) origin of the local frame [deg]
    calibration: Annotated[NDArray[np.float64] | None, "ps1.calconst"]  # (n_slave,)
    day_order: Annotated[IntArray | None, "ps1.day_ix"]  # (n_slave,) order of the day file
    mean_incidence: Annotated[float | None, "ps1.mean_incidence"]  # [rad]
    mean_range: Annotated[float | None, "ps1.mean_range"]  # [m]
    phase: Annotated[Rows, "ph1.ph"]  # (n_ps, n_ifg) phasors, ones at the master
    bperp_mat: Annotated[Rows, "bp1.bperp_mat"]  # (n_ps, n_ifg - 1) [m]
    look_angle: Annotated[NDArray[np.float64] | None, "la1.la"]  # (n_ps,) [rad]
    incidence: Annotated[NDArray[np.float64] | None, "inc1.inc"]  # (n_ps,) [rad]
    dispersion: Annotated[NDArray[np.float64] | None, "da1.D_A"]  # (n_ps,) amplitude dispersion
    height: Annotated[NDArray[np.float64] | None, "hgt1.hgt"]  # (n_ps,) [m]


@dataclass(frozen=True)
class Phasors:
    """Phasors of the ordered candidates with the master's ones, read from disk when asked for.

    Parameters
    ----------
    phase : (n_slave, n_cand) complex64
        As in the candidate files.
    points : (n_ps,) int64
        Candidate of each row.
    day_order : (n_slave,) int64
        Interferogram of each column but the master's.
    master_ix : int
        Column of the master.
    calibration : (n_slave,) float64 or None
        Amplitude that each column but the master's is divided by.
    """

    phase: NDArray[np.complex64]
    points: IntArray
    day_order: IntArray
    master_ix: int
    calibration: NDArray[np.float64] | None

    @property
    def dtype(self) -> np.dtype[np.complex64]:
        """Complex single."""
        return np.dtype(np.complex64)

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of points and of images."""
        return len(self.points), len(self.day_order) + 1

    def __getitem__(self, key: Any, /) -> NDArray[np.complex64]:
        """Read ``[rows]``, ``[rows, ifgs]``; one interferogram at a time."""
        rows, ifgs = key if isinstance(key, tuple) else (key, slice(None))
        points = self.points[rows]
        columns = np.arange(self.shape[1])[ifgs]
        by_ifg = np.ones((columns.size, *points.shape), np.complex64)
        for phasors, column in zip(by_ifg, columns.reshape(-1), strict=True):
            if column != self.master_ix:
                k = column - (column > self.master_ix)
                phasors[...] = self.phase[self.day_order[k]][points]
                if self.calibration is not None:
                    # real and imaginary part one by one, as MATLAB divides by a real number
                    phasors.view(np.float32)[...] /= np.float32(self.calibration[k])
        return by_ifg.T if columns.ndim else by_ifg[0]


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
    master_ix = int(np.searchsorted(slave_day, candidates.master_day))

    lonlat = np.where(np.isfinite(candidates.lonlat), candidates.lonlat, np.nan)
    lonlat[:, 0] = continuous(lonlat[:, 0])
    origin, xy = _local_frame(lonlat, params.heading)
    order, rounded = order_and_round(xy)
    geometry = candidate_geometry(candidates, day_order, ctx)

    known = _known(candidates, lonlat, day_order, ctx)
    kept = order[known[order]]
    n_ps, n_ifg = len(kept), len(slave_day) + 1
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
        xy=np.column_stack((ids.astype(np.float32), rounded[known[order]])),
        bperp=np.insert(geometry.bperp, master_ix, 0),
        day=np.insert(slave_day, master_ix, candidates.master_day).astype(np.float64),
        master_day=float(candidates.master_day),
        master_ix=master_ix,
        n_ifg=n_ifg,
        n_image=n_ifg,
        n_ps=n_ps,
        sort_ix=order,
        origin=origin,
        calibration=calibration,
        day_order=None if grids is None else day_order,
        mean_incidence=geometry.mean_incidence,
        mean_range=geometry.mean_range,
        phase=Phasors(candidates.phase, kept, day_order, master_ix, calibration),
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
    candidates: Candidates, lonlat: NDArray[np.float64], day_order: IntArray, ctx: Context
) -> BoolArray:
    """Whether position and every phasor of a candidate are finite, (n_cand,) bool."""
    placed = ~np.isnan(lonlat).any(axis=1)
    with_phase, infinite = measured(candidates, day_order, ctx)
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
    begins=True,
    psver=1,
)
