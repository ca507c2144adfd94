"""The look-angle error of points, taken off their phase and put back.

In the kernels of stage 5 every operation is rounded to single, as the reference's. They turn by
NumPy's complex exponential and take angles by its complex logarithm, which are those of the C
library; its single sine, cosine and arctangent, with which :func:`wrapped_phase` and
:func:`ph_weight_single` turn, are not on every CPU.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .phasors import join, product, unit

Array = NDArray[Any]
Phasors = NDArray[np.complexfloating]
Singles = NDArray[np.floating]  # all of them float32
Floats = NDArray[np.float64]


def ph_weight(ph: Array, bperp: Array, slope: Array, weight: Array) -> Array:
    """Take the look-angle error off phasors and weight them.

    Parameters
    ----------
    ph : (n, m) complex64
        Unit phasors.
    bperp : (n, m) float32 or float64
        Perpendicular baselines [m].
    slope, weight : (n,) float64
        Look-angle error slope [rad/m] and weight of each row.

    Returns
    -------
    (n, m) complex64
        ``ph exp(-i bperp slope) weight``; a NaN slope makes its row NaN.

    Notes
    -----
    StaMPS ``ps_est_gamma_quick``; docs/science/gamma.md, Grid.

    Examples
    --------
    >>> ph, bperp = np.array([[np.exp(0.5j)]], np.complex64), np.array([[50.0]])
    >>> ph_weight(ph, bperp, np.array([0.01]), np.array([4.0])).round(6).tolist()
    [[(4+0j)]]
    """
    turn = np.exp(-1j * (bperp * slope[:, np.newaxis]))
    return (ph * turn * weight[:, np.newaxis]).astype(np.complex64)


def ph_weight_single(ph: Array, bperp: Array, slope: Array, weight: Array) -> Array:
    """Weight as :func:`ph_weight` does, each operation rounded to single."""
    phase = bperp * slope.astype(bperp.dtype)[:, np.newaxis]
    cos, sin = np.cos(phase).astype(np.float32), -np.sin(phase).astype(np.float32)
    factor = weight.astype(np.float32)[:, np.newaxis]
    turned = product(ph, cos, sin)
    return join(turned.real * factor, turned.imag * factor)


def phase_correction(
    ph: Phasors, k_ps: Floats, c_ps: Floats, bperp: NDArray[np.floating]
) -> Phasors:
    """Remove the look-angle error and the master's noise from the phase of each point.

    Parameters
    ----------
    ph : (n_ps, n_ifg) complex64
        Phasors.
    k_ps : (n_ps,) float64
        Look-angle error slope [rad/m].
    c_ps : (n_ps,) float64
        Phase offset [rad].
    bperp : (n_ps, n_ifg) float32 or float64
        Baseline of each point [m], zero at the master.

    Returns
    -------
    (n_ps, n_ifg) complex64
        ``ph * exp(-i (k_ps bperp + c_ps))``, of the amplitude of `ph`.

    Notes
    -----
    StaMPS ``ps_correct_phase``; docs/science/merging.md, Phase correction. Every operation is
    rounded to single.

    Examples
    --------
    The middle interferogram is the master with itself: its baseline is zero.

    >>> ph, bperp = np.ones((1, 3), np.complex64), np.array([[-100.0, 0.0, 50.0]])
    >>> corrected = phase_correction(ph, np.array([0.01]), np.array([0.2]), bperp)
    >>> np.angle(corrected).round(4)
    array([[ 0.8, -0.2, -0.7]], dtype=float32)
    """
    turn = _correction(k_ps, c_ps, bperp)
    return product(ph, turn.real, turn.imag)


def ifg_noise(
    ph: Phasors,
    ph_patch: Phasors,
    k_ps: Floats,
    c_ps: Floats,
    bperp: NDArray[np.floating],
) -> Singles:
    """Return what the corrected phase deviates from the filtered phase.

    Parameters
    ----------
    ph : (n_ps, n_ifg) complex64 or complex128
        Phasors.
    ph_patch : (n_ps, n_ifg) of the type of `ph`
        Filtered phasors, one at the master, whose filtered phase is zero. The product with these is
        rounded to single.
    k_ps, c_ps, bperp
        See :func:`phase_correction`.

    Returns
    -------
    (n_ps, n_ifg) float32
        Angle of ``ph conj(ph_patch) exp(-i (k_ps bperp + c_ps))`` [rad].

    Notes
    -----
    StaMPS ``ps_calc_ifg_std``; docs/science/merging.md, Noise of the interferograms.

    Examples
    --------
    >>> ph = np.exp(1j * np.array([[0.3, 0.0]])).astype(np.complex64)
    >>> filtered = np.exp(1j * np.array([[0.25, 0.0]])).astype(np.complex64)
    >>> ifg_noise(ph, filtered, np.zeros(1), np.zeros(1), np.zeros((1, 2))).round(4)
    array([[0.05, 0.  ]], dtype=float32)
    """
    filtered = ph_patch.conj()
    against = product(ph, filtered.real, filtered.imag).astype(np.complex64)
    turn = _correction(k_ps, c_ps, bperp)
    return _angle(product(against, turn.real, turn.imag))


def wrapped_residual(residual: Singles, offset: Singles) -> Singles:
    """Take the offset off the residual phase of each point and wrap.

    Parameters
    ----------
    residual : (n_ps, n_pm) float32
        Residual phase [rad].
    offset : (n_ps,) float32
        Phase offset [rad].

    Returns
    -------
    (n_ps, n_pm) float32
        Wrapped difference [rad].

    Examples
    --------
    >>> wrapped_residual(np.array([[3.0]], np.float32), np.array([-1], np.float32)).round(4)
    array([[-2.2832]], dtype=float32)
    """
    return _angle(np.exp(1j * (residual - offset[:, None])))


def wrapped_phase(phase: Phasors, bperp: Singles, slope: Singles) -> Phasors:
    """Put the look-angle error of each point back and normalise.

    Parameters
    ----------
    phase : (n, m) complex64
        Phasors, points by interferograms.
    bperp : (n, m) float32
        Perpendicular baseline [m].
    slope : (n,) float32
        Look-angle error slope [rad/m].

    Returns
    -------
    (n, m) complex64
        Unit phasors; zero stays zero.

    Notes
    -----
    StaMPS ``ps_unwrap``; docs/science/unwrapping.md, Wrapped phase.

    Examples
    --------
    >>> phase, bperp = np.array([[3j, 0]], np.complex64), np.full((1, 2), 100, np.float32)
    >>> np.angle(wrapped_phase(phase, bperp, np.array([0.01], np.float32))).round(4)
    array([[2.5708, 0.    ]], dtype=float32)
    """
    angle = slope[:, None] * bperp
    return unit(product(phase, np.cos(angle), np.sin(angle)), zero=0.0)


def _angle(phasor: Phasors) -> Singles:
    """Return the C library's angle; NumPy's own of single numbers is one unit off on some CPUs."""
    with np.errstate(divide="ignore"):
        angle: Singles = np.log(phasor).imag.copy()
    return angle


def _correction(k_ps: Floats, c_ps: Floats, bperp: NDArray[np.floating]) -> Phasors:
    baseline = bperp.astype(np.float32)
    angle = k_ps.astype(np.float32)[:, None] * baseline + c_ps.astype(np.float32)[:, None]
    phasor: Phasors = np.exp(-1j * angle)
    return phasor
