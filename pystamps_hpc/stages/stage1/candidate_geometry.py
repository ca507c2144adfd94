"""Baselines and angles of the candidates: from orbits, or interpolated on grids of the scene."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...dataset.candidates.model import Candidates, Grid, GridGeometry, OrbitGeometry
from ...dataset.rows import FloatArray
from ...errors import StageError
from ...parallel.context import Context
from ..shared.ifgs import date_of


@dataclass(frozen=True)
class Geometry:
    """Baselines and angles of all candidates, in file order."""

    bperp: FloatArray  # (n_ifg,) [m]
    bperp_mat: FloatArray  # (n_cand, n_ifg) [m]
    look_angle: NDArray[np.float64] | None = None  # (n_cand,) [rad]
    incidence: NDArray[np.float64] | None = None  # (n_cand,) [rad]
    mean_incidence: float | None = None  # [rad]
    mean_range: float | None = None  # [m]


def candidate_geometry(candidates: Candidates, ctx: Context) -> Geometry:
    """Compute baselines and angles of all candidates.

    Parameters
    ----------
    candidates : Candidates
        Pixels, heights, and the geometry that the processor left.
    ctx : Context
        Kernels.

    Returns
    -------
    Geometry
        Candidates in file order.

    Raises
    ------
    StageError
        The orbit parameters give no geometry for a candidate.
    """
    if isinstance(candidates.geometry, OrbitGeometry):
        return _from_orbit(candidates, candidates.geometry, ctx)
    return _from_grids(candidates, candidates.geometry, ctx)


def _from_orbit(candidates: Candidates, orbit: OrbitGeometry, ctx: Context) -> Geometry:
    """SNAP and GAMMA: angles from the slant range, baselines from vectors."""
    look, incidence = ctx.kernels.stage1_look_angles(
        candidates.range_sample.astype(np.float64),
        orbit.near_range,
        orbit.range_spacing,
        orbit.sar_to_earth_center,
        orbit.earth_radius,
    )
    impossible = np.flatnonzero(np.isnan(look) | np.isnan(incidence))
    if len(impossible):
        p = impossible[0]
        slant = orbit.near_range + candidates.range_sample[p] * orbit.range_spacing
        raise StageError(
            f"candidate {p + 1}: slant range {slant:.1f} m closes no triangle with "
            f"sar_to_earth_center {orbit.sar_to_earth_center:.1f} m and earth_radius_below_sensor "
            f"{orbit.earth_radius:.1f} m; check the master's parameter file"
        )
    angle, kind = look, "f8"
    if candidates.network.master is not None:
        # stage 2 of StaMPS finds the incidence angle where other processors leave the look angle
        angle, kind = incidence, "f4"
    bperp_mat = ctx.kernels.stage1_perpendicular_baselines(
        candidates.azimuth - (orbit.azimuth_lines / 2 - 0.5),
        look,
        orbit.baseline,
        orbit.baseline_rate,
        orbit.prf,
    ).astype(kind, copy=False)
    if len(look):
        means = ctx.kernels.stage1_column_means(bperp_mat).astype(kind)
        mean_incidence = float(np.mean(incidence))
    else:
        means, mean_incidence = np.zeros(len(orbit.baseline), kind), float("nan")
    return Geometry(
        bperp=means,
        bperp_mat=bperp_mat,
        look_angle=angle,
        mean_incidence=mean_incidence,
        mean_range=orbit.center_range,
    )


def _from_grids(candidates: Candidates, scene: GridGeometry, ctx: Context) -> Geometry:
    """DORIS and ISCE: angles and baselines interpolated on grids over the scene."""
    first, second = candidates.network.pairs.T
    bperp = scene.bperp[second] - scene.bperp[first]
    n = len(candidates.azimuth)
    if scene.baselines is None:
        bperp_mat = np.tile(bperp.astype(np.float32), (n, 1))
    else:
        of_image = _baselines(scene.baselines, candidates, scene, ctx)
        bperp_mat = np.empty((n, len(bperp)), np.float32)
        for k in range(len(bperp)):
            bperp_mat[:, k] = of_image[second[k]] - of_image[first[k]]
    look = scene.look_angle
    incidence = scene.incidence
    return Geometry(
        bperp=bperp,
        bperp_mat=bperp_mat,
        look_angle=None
        if look is None
        else np.radians(_at_candidates(look, candidates, scene, ctx)),
        incidence=None if incidence is None else np.radians(_at_pixels(incidence, candidates)),
    )


def _baselines(
    grids: tuple[Grid | None, ...], candidates: Candidates, scene: GridGeometry, ctx: Context
) -> list[NDArray[np.float64]]:
    """Baseline of each image against the master at each candidate, (n_cand,) each."""
    of_image = []
    for grid, day in zip(grids, candidates.network.day, strict=True):
        values = (
            np.zeros(len(candidates.azimuth))
            if grid is None
            else _at_candidates(grid, candidates, scene, ctx)
        )
        rows = np.flatnonzero(~np.isfinite(values))
        if len(rows):
            raise StageError(
                f"baseline grid of {date_of(day)}: no number at candidate {rows[0] + 1}; make the "
                "grid again"
            )
        of_image.append(values)
    return of_image


def _at_pixels(raster: FloatArray, candidates: Candidates) -> NDArray[np.float64]:
    values = raster[candidates.azimuth, candidates.range_sample]
    return np.asarray(values, np.float64)


def _at_candidates(
    grid: Grid, candidates: Candidates, scene: GridGeometry, ctx: Context
) -> NDArray[np.float64]:
    """Value of a grid at each candidate and its height, (n_cand,)."""
    n_row, n_col = grid.at_zero.shape
    if (n_row, n_col) == (scene.length, scene.width):
        return _at_pixels(grid.at_zero, candidates)
    row = candidates.azimuth * ((n_row - 1) / scene.length)
    column = candidates.range_sample * ((n_col - 1) / scene.width)
    values = ctx.kernels.stage1_bilinear(_nodes(grid.at_zero), row, column)
    if grid.at_1000 is None or candidates.height is None:
        return values
    high = ctx.kernels.stage1_bilinear(_nodes(grid.at_1000), row, column)
    # an unknown height must not void baseline and angle
    height = np.where(np.isfinite(candidates.height), candidates.height, 0)
    values += (high - values) * height / 1000
    return values


def _nodes(values: FloatArray) -> NDArray[np.float64]:
    nodes: NDArray[np.float64] = np.ascontiguousarray(values, np.float64)
    return nodes
