"""The phase series of a finished dataset: displacements, and how well a line fits them."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pystamps_kernels.dispatch import table

from ...config import RunConfig
from ...dataset import parameters
from ...dataset.mat import MatFile
from ...dataset.rows import FloatArray, IntArray, Rows
from ...errors import DatasetError
from ...parallel.context import Context
from ...stages.shared.corrected_phase import corrected
from ...stages.shared.ifgs import Ifgs, inverted_images
from ...stages.shared.least_squares import operator, pseudo_inverse
from ...stages.shared.ramps import degree_or_default
from ...stages.shared.reference_area import mean_over_ps
from ...stages.shared.velocity import (
    DAYS_PER_YEAR,
    PhaseSeries,
    corrections,
    ifg_covariance,
    velocity_design,
)
from .files import read_artifact

ROWS = 1 << 13


def read_series(root: str | os.PathLike[str], reference: IntArray | None) -> PhaseSeries:
    """Read the unwrapped phase of a dataset and its corrections; stacks stay on disk.

    Parameters
    ----------
    root : path
        Dataset processed through stage 6.
    reference : (n_ref,) int64 or None
        Rows of the reference area.

    Raises
    ------
    DatasetError, MatError, StageError
        An artifact is missing or does not fit the others.
    """
    folder = Path(root)
    points = read_artifact(folder, "ps2", "xy", "n_ps", *Ifgs.KEYS)
    network = Ifgs.of_keys(points)
    ifgs = network.series
    n_ps, n_columns = points["n_ps"], ifgs.n_columns
    scla_phase, master_phase = None, None
    fitted = _fitted(folder)
    choose, weigh = _OF_PAIRS if network.master is None else _OF_SINGLE_MASTER
    if fitted is None:
        fitted = choose(folder, ifgs)
    scla = folder / "scla2.mat"
    if scla.exists():
        scla_phase = _stack(scla, "ph_scla", n_ps, n_columns)
        master_phase = read_artifact(folder, "scla2", "C_ps_uw")["C_ps_uw"]
    degree = folder / "deramp_degree.mat"
    return PhaseSeries(
        phase=_stack(folder / "phuw2.mat", "ph_uw", n_ps, n_columns),
        scla_phase=scla_phase,
        master_phase=master_phase,
        xy=points["xy"],
        ifgs=ifgs,
        fitted=fitted,
        covariance=weigh(folder, ifgs, fitted),
        ref_ps=reference,
        deramp_degree=degree_or_default(
            float(MatFile(degree).read("degree").item()) if degree.exists() else None
        ),
    )


def used_interferograms(root: str | os.PathLike[str]) -> IntArray:
    """Return the interferograms that the velocities come from, (n,) columns from 0."""
    folder = Path(root)
    network = Ifgs.of_keys(read_artifact(folder, "ps2", *Ifgs.KEYS))
    fitted = _fitted(folder) if network.master is not None else None
    return _used(folder, network) if fitted is None else fitted


def _fitted(folder: Path) -> IntArray | None:
    """Return the columns of the velocity fit, where that says them."""
    if not (folder / "mean_v.mat").exists():
        return None
    return read_artifact(folder, "mean_v", "unwrap_ifg_index").get("unwrap_ifg_index")


def _used(folder: Path, ifgs: Ifgs) -> IntArray:
    """Return the interferograms that ``drop_ifg_index`` leaves."""
    used = ifgs.used_columns(parameters.load(folder).value("drop_ifg_index") or ())
    fitted: IntArray = used[np.isin(used, ifgs.columns)]
    return fitted


def _noise(folder: Path, ifgs: Ifgs, fitted: IntArray) -> FloatArray:
    """Return the covariance of interferograms, from their noise."""
    ifg_std = None
    if (folder / "ifgstd2.mat").exists():
        ifg_std = read_artifact(folder, "ifgstd2", "ifg_std")["ifg_std"]
    return ifg_covariance(ifgs, ifg_std, fitted)


def _inverted(folder: Path, ifgs: Ifgs) -> IntArray:
    """Return the images to which small baselines were inverted."""
    listed = read_artifact(folder, "phuw2", "unwrap_ifg_index_sm").get("unwrap_ifg_index_sm")
    return inverted_images(ifgs, listed)


def _inversion(folder: Path, ifgs: Ifgs, fitted: IntArray) -> FloatArray:
    """Return the covariance of images, from their inversion."""
    covariance: FloatArray = read_artifact(folder, "phuw_sb_res2", "sm_cov")["sm_cov"]
    return covariance[np.ix_(fitted, fitted)]


_OF_SINGLE_MASTER = _used, _noise
_OF_PAIRS = _inverted, _inversion


def _stack(path: Path, name: str, n_ps: int, n_columns: int) -> Rows:
    with MatFile(path) as file:
        rows = file.rows(name)
    if tuple(rows.shape) != (n_ps, n_columns):
        found = " x ".join(map(str, rows.shape))
        raise DatasetError(
            f"{path}: '{name}' is {found}, expected {n_ps} x {n_columns} as in ps2; run stage 6 "
            "again"
        )
    return rows


def plain_context() -> Context:
    """Return the context of one process with the reference kernels."""
    return Context(table("python", "double"), RunConfig())


def displacements(
    value_type: str, series: PhaseSeries, wavelength: float
) -> Iterator[tuple[slice, FloatArray]]:
    """Yield blocks of rows and their displacement [mm], (n, n_fitted), towards the satellite."""
    ctx = plain_context()
    off = corrections(value_type, series, ctx)
    if series.master_phase is not None:
        off = replace(off, master_phase=series.master_phase)
    phase = corrected(series.phase, series.fitted, off)
    reference = np.zeros(len(series.fitted), np.float32)
    if series.ref_ps is not None:
        reference = mean_over_ps(phase, ctx, series.ref_ps)
    scale = -wavelength * 1000 / (4 * np.pi)
    n_ps = phase.shape[0]
    for first in range(0, n_ps, ROWS):
        rows = slice(first, min(first + ROWS, n_ps))
        yield rows, (phase[rows] - reference) * scale


@dataclass(frozen=True)
class Line:
    """The straight line of the velocity fit, and the standard deviation of its slope.

    Parameters
    ----------
    design : (n_fitted, 2) float64
        Ones, and days since the master.
    covariance : (n_fitted, n_fitted) float64
        Covariance of the columns, up to a factor.
    """

    design: FloatArray
    covariance: FloatArray

    @classmethod
    def of(cls, series: PhaseSeries) -> "Line":
        """Return the line that stage 8 fits to a series."""
        return cls(velocity_design(series.ifgs, series.fitted), series.covariance)

    def deviation(self, displacement: FloatArray) -> FloatArray:
        """Return the standard deviation of the velocity of each point.

        Parameters
        ----------
        displacement : (n, n_fitted) float
            Displacement [mm].

        Returns
        -------
        (n,) float64
            Deviation [mm/yr]; NaN where two interferograms or fewer leave nothing to estimate it
            from.

        Notes
        -----
        With the design G, weights W and residuals r of a point, sqrt(rᵀWr / (n - 2) [(GᵀWG)⁻¹]₂₂):
        the weights say how the interferograms compare, the point's own residuals how noisy it is.
        """
        n_fitted = len(self.covariance)
        if n_fitted <= 2:
            return np.full(len(displacement), np.nan)
        gain, weights = operator(self.design, self.covariance), pseudo_inverse(self.covariance)
        residual = displacement - (displacement @ gain.T) @ self.design.T
        variance = ((residual @ weights) * residual).sum(axis=1) / (n_fitted - 2)
        normal = np.linalg.inv(self.design.T @ weights @ self.design)
        deviation: FloatArray = np.sqrt(variance * normal[1, 1]) * DAYS_PER_YEAR
        return deviation
