"""Geometry of the candidates: angles, baselines, interpolation on a regular grid."""

import numpy as np
from numpy.typing import NDArray


def look_angles(
    range_sample: NDArray[np.float64],
    near_range: float,
    range_spacing: float,
    sar_to_center: float,
    earth_radius: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Look and incidence angle of each candidate.

    Parameters
    ----------
    range_sample : (n_cand,) float64
        Range sample from 0.
    near_range, range_spacing : float
        Slant range of sample 0 and its step [m].
    sar_to_center, earth_radius : float
        Distances of satellite and ground from the centre of the Earth [m].

    Returns
    -------
    look, incidence : (n_cand,) float64
        Angles of the triangle satellite, ground, centre [rad]; NaN where the slant range closes
        no triangle.

    Notes
    -----
    StaMPS ``ps_load_initial_gamma``; docs/science/loading.md, Look angle and incidence.

    Examples
    --------
    >>> look, incidence = look_angles(np.array([0.0, 1e4]), 845e3, 7.8, 7070e3, 6368e3)
    >>> np.degrees([look, incidence]).round(2).tolist()
    [[31.87, 37.99], [35.88, 43.11]]
    """
    slant = near_range + range_sample * range_spacing
    satellite, ground, range2 = sar_to_center**2, earth_radius**2, slant * slant
    with np.errstate(invalid="ignore"):
        look = np.arccos((satellite + range2 - ground) / (2 * sar_to_center * slant))
        incidence = np.arccos((satellite - ground - range2) / (2 * earth_radius * slant))
    return look, incidence


def perpendicular_baselines(
    line_offset: NDArray[np.float64],
    look: NDArray[np.float64],
    baseline: NDArray[np.float64],
    baseline_rate: NDArray[np.float64],
    prf: float,
) -> NDArray[np.float64]:
    """Perpendicular baseline of each candidate in each interferogram.

    Parameters
    ----------
    line_offset : (n_cand,) float64
        Azimuth lines from the middle of the scene, where `baseline` holds.
    look : (n_cand,) float64
        Look angle [rad].
    baseline, baseline_rate : (n_ifg, 2) float64
        Cross-track and normal component [m] and their change [m/s].
    prf : float
        Lines per second [Hz].

    Returns
    -------
    (n_cand, n_ifg) float64
        Perpendicular baseline [m].

    Notes
    -----
    StaMPS ``ps_load_initial_gamma``; docs/science/loading.md, Perpendicular baselines.

    Examples
    --------
    >>> look = np.radians([0.0, 90.0])
    >>> baseline, rate = np.array([[100.0, 30.0]]), np.zeros((1, 2))
    >>> perpendicular_baselines(np.zeros(2), look, baseline, rate, 1600.0).round(9).tolist()
    [[100.0], [-30.0]]
    """
    offset = line_offset[:, np.newaxis]
    cross = baseline[:, 0] + baseline_rate[:, 0] * offset / prf
    normal = baseline[:, 1] + baseline_rate[:, 1] * offset / prf
    angle = look[:, np.newaxis]
    bperp: NDArray[np.float64] = cross * np.cos(angle) - normal * np.sin(angle)
    return bperp


def bilinear(
    grid: NDArray[np.float64], row: NDArray[np.float64], column: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Bilinear interpolation on a regular grid; a plane is reproduced.

    Parameters
    ----------
    grid : (n_row, n_col) float64
        Values at the nodes, at least 2 x 2.
    row, column : (n_cand,) float64
        Coordinates in nodes from 0, inside the grid.

    Returns
    -------
    (n_cand,) float64
        Interpolated values.

    Examples
    --------
    >>> grid = np.array([[0.0, 1.0], [2.0, 3.0]])
    >>> bilinear(grid, np.array([0.5]), np.array([0.25])).tolist()
    [1.25]
    """
    i = np.clip(np.floor(row).astype(np.int64), 0, grid.shape[0] - 2)
    j = np.clip(np.floor(column).astype(np.int64), 0, grid.shape[1] - 2)
    u, v = row - i, column - j
    upper = grid[i, j] * (1 - v) + grid[i, j + 1] * v
    lower = grid[i + 1, j] * (1 - v) + grid[i + 1, j + 1] * v
    return upper * (1 - u) + lower * u
