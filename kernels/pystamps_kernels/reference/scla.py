"""Spatially correlated look-angle error and master atmosphere of every PS."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..numerics import ordered_product

Single = NDArray[np.float32]
Double = NDArray[np.float64]
Index = NDArray[np.int64]
Values = TypeVar("Values", Single, Double)


def scla(
    phase: Single,
    bperp: Single,
    reference: Single,
    sequence: Index,
    slope_operator: Double,
    fitted: Index,
    offset_operator: Double,
) -> tuple[Double, Single, Single]:
    """Fit look-angle error slope and master phase of every PS.

    Parameters
    ----------
    phase : (n_ps, n_ifg) float32
        Unwrapped phase [rad].
    bperp : (n_ps, n_ifg) float32
        Perpendicular baseline [m], zero at the master.
    reference : (n_ifg,) float32
        Phase of the reference area [rad], taken off every PS.
    sequence : (n_seq,) int64
        Interferograms whose successive differences are fitted, 0-based, ascending.
    slope_operator : (n_seq - 1,) float64
        Weights that turn phase differences into the slope [1/m].
    fitted : (n_fit,) int64
        Interferograms of the fit of the master phase, 0-based.
    offset_operator : (n_fit,) float64
        Weights that turn the remaining phase into the master phase.

    Returns
    -------
    K_ps_uw : (n_ps,) float64
        Slope [rad/m].
    C_ps_uw : (n_ps,) float32
        Master atmosphere and orbit error [rad].
    ph_scla : (n_ps, n_ifg) float32
        Slope times baseline [rad].

    Notes
    -----
    StaMPS ``ps_calc_scla``; docs/science/scla.md, Slope. Differences are taken in single, sums
    in double and in ascending order.

    Examples
    --------
    >>> bperp = np.array([[0, 100, -50]], np.float32)
    >>> phase, steps = np.float32(0.02) * bperp + np.float32(0.3), np.array([0.01, 0.0])
    >>> every, mean = np.arange(3), np.full(3, 1 / 3)
    >>> slope, offset, _ = scla(phase, bperp, np.zeros(3, np.float32), every, steps, every, mean)
    >>> slope.round(6), offset.round(6)
    (array([0.02]), array([0.3], dtype=float32))
    """
    if len(slope_operator) != len(sequence) - 1:
        raise ValueError("stage7_scla: argument 'slope_operator' needs n_seq - 1 weights")
    steps = np.diff((phase - reference)[:, sequence], axis=1)
    slope = ordered_product(steps, slope_operator[:, None])[:, 0]
    offset, look_angle = scla_of_slope(phase, bperp, reference, slope, fitted, offset_operator)
    return slope, offset, look_angle


def scla_of_slope(
    phase: Single,
    bperp: Single,
    reference: Single,
    slope: Double,
    fitted: Index,
    offset_operator: Double,
) -> tuple[Single, Single]:
    """Return master phase and look-angle error phase for known slopes; see :func:`scla`."""
    look_angle = slope.astype(np.float32)[:, None] * bperp
    rest = ((phase - reference) - look_angle)[:, fitted]
    offset = ordered_product(rest, offset_operator[:, None])[:, 0]
    return offset.astype(np.float32), look_angle


def scla_of_pairs(
    phase: Single, bperp: Single, reference: Single, pairs: Index, slope_operator: Double
) -> tuple[Double, Single]:
    """Fit the look-angle error slope of every PS to pairs as they are, not to their differences.

    Parameters
    ----------
    phase : (n_ps, n_ifg) float32
        Unwrapped phase [rad].
    bperp : (n_ps, n_ifg) float32
        Perpendicular baseline [m].
    reference : (n_ifg,) float32
        Phase of the reference area [rad], taken off every PS.
    pairs : (n_fit,) int64
        Interferograms of the fit, 0-based.
    slope_operator : (n_fit,) float64
        Weights that turn phase into the slope [1/m].

    Returns
    -------
    K_ps_uw : (n_ps,) float64
        Slope [rad/m].
    ph_scla : (n_ps, n_ifg) float32
        Slope times baseline [rad].

    Notes
    -----
    StaMPS ``ps_calc_scla`` with small baselines; docs/science/scla.md, Small baselines. Sums in
    double and in ascending order.

    Examples
    --------
    >>> bperp = np.array([[100, -50]], np.float32)
    >>> weights = np.linalg.pinv(bperp)[:, 0].astype(np.float64)
    >>> none = np.zeros(2, np.float32)
    >>> scla_of_pairs(np.float32(0.02) * bperp, bperp, none, np.arange(2), weights)[0].round(6)
    array([0.02])
    """
    if len(slope_operator) != len(pairs):
        raise ValueError("stage7_scla_of_pairs: argument 'slope_operator' needs n_fit weights")
    slope = ordered_product((phase - reference)[:, pairs], slope_operator[:, None])[:, 0]
    return slope, slope.astype(np.float32)[:, None] * bperp


def image_baselines(operator: Double, bperp: Single) -> Single:
    """Turn baselines of pairs into baselines of images.

    Parameters
    ----------
    operator : (n_fit, n_ifg) float64
        Least-squares operator from pairs to images.
    bperp : (n_ps, n_ifg) float32
        Perpendicular baseline of each pair [m].

    Returns
    -------
    (n_ps, n_fit) float32
        Perpendicular baseline of each image [m].

    Notes
    -----
    StaMPS ``ps_calc_scla``; docs/science/scla.md, Small baselines. Sums in double and in ascending
    order.

    Examples
    --------
    >>> operator = np.linalg.pinv(np.array([[1.0, 0.0], [-1.0, 1.0]]))
    >>> image_baselines(operator, np.array([[30, 20]], np.float32)).round(3)
    array([[30., 50.]], dtype=float32)
    """
    return ordered_product(bperp, operator.T).astype(np.float32)


def scla_smooth(slope: Double, offset: Single, edges: Index) -> tuple[Double, Single]:
    """Clamp slope and offset of every PS to the range of its neighbours.

    Parameters
    ----------
    slope : (n_ps,) float64
        Look-angle error slope [rad/m].
    offset : (n_ps,) float32
        Master atmosphere and orbit error [rad].
    edges : (n_edge, 2) int64
        Neighbours, 0-based.

    Returns
    -------
    slope : (n_ps,) float64
        A clamped value is that of a neighbour in single.
    offset : (n_ps,) float32
        Likewise.

    Notes
    -----
    StaMPS ``ps_smooth_scla``; docs/science/scla.md, Smoothing. All PS at once, not iterated;
    NaN neighbours are ignored, a PS without valid neighbours keeps its value.

    Examples
    --------
    >>> slope, offset = np.array([0.0, 1.0, 9.0]), np.array([0, 1, 9], np.float32)
    >>> scla_smooth(slope, offset, np.array([[0, 1], [1, 2], [0, 2]]))[0].tolist()
    [1.0, 1.0, 1.0]
    """
    return _clamp(slope, edges), _clamp(offset, edges)


def _clamp(values: Values, edges: Index) -> Values:
    single = values.astype(np.float32)
    lowest = np.full(len(values), np.inf, np.float32)
    highest = np.full(len(values), -np.inf, np.float32)
    for own, other in (edges.T, edges.T[::-1]):
        np.fmin.at(lowest, own, single[other])
        np.fmax.at(highest, own, single[other])
    bounded = lowest <= highest
    clamped = values.copy()
    np.copyto(clamped, highest, where=bounded & (values > highest))
    np.copyto(clamped, lowest, where=bounded & (values < lowest))
    return clamped
