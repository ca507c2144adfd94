"""The candidates of a patch as stage 1 sees them, whatever program made them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..rows import AnyArray, IntArray
from .network import Network


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
    baseline, baseline_rate : (n_ifg, 2) float64
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
    day_ix : (n_image - 1,) int64
        Line of the day file of each image, without the master.
    bperp : (n_image,) float64
        Perpendicular baseline of each image against the master [m].
    baselines : tuple of Grid or None, or None
        The same over the scene, one per image, None at the master; None: constant.
    look_angle : Grid or None
        Look angle [deg].
    incidence : (length, width) array or None
        Incidence angle of every pixel [deg]; read at the candidates only.
    calibration : (n_ifg,) float64 or None
        Amplitude that the phasors of each interferogram are divided by; None: each by its own.
    """

    width: int
    length: int
    day_ix: IntArray
    bperp: NDArray[np.float64]
    baselines: tuple[Grid | None, ...] | None
    look_angle: Grid | None
    incidence: AnyArray | None
    calibration: NDArray[np.float64] | None


@dataclass(frozen=True)
class Scene:
    """What the processor left for all patches of a scene: interferograms, baselines, angles.

    Parameters
    ----------
    network : Network
        Images and interferograms.
    n_file : int
        Interferograms in the phase files, with that of the master with itself.
    geometry : OrbitGeometry or GridGeometry
        Where baselines and angles come from.
    baseline_files : tuple of Path
        Where the baselines stand, one file per interferogram or one for all.
    warnings : tuple of str
        What the user should know about the files.
    """

    network: Network
    n_file: int
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
    phase : (n_file, n_cand) complex64
        Phasors, one interferogram of the file per row; memory-mapped, either byte order.
    amplitude_dispersion : (n_cand,) float64 or None
        Amplitude dispersion.
    height : (n_cand,) float64 or None
        Height [m].
    network : Network
        Images and interferograms.
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
    network: Network
    geometry: OrbitGeometry | GridGeometry
    warnings: tuple[str, ...] = ()
