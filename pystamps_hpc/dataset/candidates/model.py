"""The candidates of a patch as stage 1 sees them, whatever program made them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..rows import AnyArray, IntArray


@dataclass(frozen=True)
class OrbitGeometry:
    """Geometry from orbit and baseline files (SNAP, GAMMA).

    Parameters
    ----------
    near_range, range_spacing, center_range : float
        Slant range of the first sample, its step, and that of the middle of the scene [m].
    sar_to_earth_center, earth_radius : float
        Distances of satellite and ground from the centre of the Earth [m].
    azimuth_lines : float
        Lines of the scene; baselines hold at the middle one.
    prf : float
        Lines per second [Hz].
    baseline, baseline_rate : (n_slave, 2) float64
        Cross-track and normal component [m] and its change [m/s] of each interferogram.
    """

    near_range: float
    range_spacing: float
    center_range: float
    sar_to_earth_center: float
    earth_radius: float
    azimuth_lines: float
    prf: float
    baseline: NDArray[np.float64]
    baseline_rate: NDArray[np.float64]


@dataclass(frozen=True)
class Grid:
    """Values on a regular grid that spans the scene, linear in height.

    Parameters
    ----------
    at_zero : (n_azimuth, n_range) float64
        Values at 0 m.
    at_1000 : (n_azimuth, n_range) float64 or None
        Values at 1000 m; None where height plays no part.
    """

    at_zero: NDArray[np.float64]
    at_1000: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class GridGeometry:
    """Geometry sampled on grids over the scene (DORIS, ISCE).

    Parameters
    ----------
    width, length : int
        Range samples and azimuth lines of the scene.
    bperp : (n_slave,) float64
        Perpendicular baseline of each interferogram [m].
    baselines : tuple of Grid, or None
        Perpendicular baseline over the scene [m], one per interferogram; None: constant.
    look_angle : Grid or None
        Look angle [deg].
    incidence : (length, width) array or None
        Incidence angle of every pixel [deg]; read at the candidates only.
    calibration : (n_slave,) float64
        Amplitude of each image that its phasors are divided by.
    """

    width: int
    length: int
    bperp: NDArray[np.float64]
    baselines: tuple[Grid, ...] | None
    look_angle: Grid | None
    incidence: AnyArray | None
    calibration: NDArray[np.float64]


@dataclass(frozen=True)
class Scene:
    """What the processor left for all patches of a scene: interferograms, baselines, angles.

    Parameters
    ----------
    master_day : int
        Master, MATLAB day number.
    slave_day : (n_slave,) int64
        Day number of the other image of each interferogram, in file order, all different and none
        the master's.
    n_file : int
        Interferograms in the phase files, with that of the master with itself.
    columns : (n_slave,) int64
        Which of them these are.
    geometry : OrbitGeometry or GridGeometry
        Where baselines and angles come from.
    baseline_files : tuple of Path
        Where the baselines stand, one file per interferogram or one for all.
    warnings : tuple of str
        What the user should know about the files.
    """

    master_day: int
    slave_day: IntArray
    n_file: int
    columns: IntArray
    geometry: OrbitGeometry | GridGeometry
    baseline_files: tuple[Path, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Candidates:
    """Candidates of one patch, in file order, and what is known of the interferograms.

    Parameters
    ----------
    azimuth, range_sample : (n_cand,) int64
        Pixel in the full scene, from 0.
    lonlat : (n_cand, 2) float64
        Longitude, latitude [deg]; unknown is NaN.
    phase : (n_slave, n_cand) complex64
        Phasors, one interferogram per row, in file order; memory-mapped, either byte order.
    amplitude_dispersion : (n_cand,) float64 or None
        Amplitude dispersion.
    height : (n_cand,) float64 or None
        Height [m].
    master_day : int
        Master, MATLAB day number.
    slave_day : (n_slave,) int64
        Day number of the other image of each interferogram, in file order, all different and none
        the master's.
    geometry : OrbitGeometry or GridGeometry
        Where baselines and angles come from.
    warnings : tuple of str
        What the user should know about the files.
    """

    azimuth: IntArray
    range_sample: IntArray
    lonlat: NDArray[np.float64]
    phase: NDArray[np.complex64]
    amplitude_dispersion: NDArray[np.float64] | None
    height: NDArray[np.float64] | None
    master_day: int
    slave_day: IntArray
    geometry: OrbitGeometry | GridGeometry
    warnings: tuple[str, ...] = ()
