"""Stage 5, definition: corrected phase, unit phase, noise of interferograms; all in single."""

import numpy as np
from numpy.typing import NDArray

Phasors = NDArray[np.complex64]
Singles = NDArray[np.float32]
Floats = NDArray[np.float64]


def phase_correction(
    ph: Phasors, k_ps: Floats, c_ps: Floats, bperp: NDArray[np.floating], master: int
) -> Phasors:
    """Remove the look-angle error and the master's noise from the phase of each point.

    Parameters
    ----------
    ph : (n_ps, n_ifg) complex64
        Phasors, with the master column.
    k_ps : (n_ps,) float64
        Look-angle error slope [rad/m].
    c_ps : (n_ps,) float64
        Phase offset [rad].
    bperp : (n_ps, n_ifg - 1) float32 or float64
        Baseline of each point [m], without the master.
    master : int
        Column of the master, from 0.

    Returns
    -------
    (n_ps, n_ifg) complex64
        ``ph * exp(-i (k_ps bperp + c_ps))``, of the amplitude of `ph`.

    Notes
    -----
    StaMPS ``ps_correct_phase``; specification of stage 5, 5.2. Every operation is rounded to
    single.
    """
    return _product(ph, _correction(k_ps, c_ps, bperp, master))


def unit_phase(ph: Phasors) -> Phasors:
    """Divide phasors by their modulus.

    Parameters
    ----------
    ph : (n_ps, n_ifg) complex64
        Phasors.

    Returns
    -------
    (n_ps, n_ifg) complex64
        Unit phasors; zero where the modulus is zero.
    """
    modulus = np.hypot(ph.real, ph.imag)
    modulus[modulus == 0] = 1
    unit = np.empty_like(ph)
    unit.real, unit.imag = ph.real / modulus, ph.imag / modulus
    return unit


def ifg_noise(
    ph: Phasors,
    ph_patch: Phasors,
    k_ps: Floats,
    c_ps: Floats,
    bperp: NDArray[np.floating],
    master: int,
) -> Singles:
    """Return what the corrected phase deviates from the filtered phase.

    Parameters
    ----------
    ph : (n_ps, n_ifg) complex64
        Phasors, with the master column.
    ph_patch : (n_ps, n_ifg - 1) complex64
        Filtered phasors, without the master, whose filtered phase is zero.
    k_ps, c_ps, bperp, master
        See :func:`phase_correction`.

    Returns
    -------
    (n_ps, n_ifg) float32
        Angle of ``ph conj(ph_patch) exp(-i (k_ps bperp + c_ps))`` [rad].

    Notes
    -----
    StaMPS ``ps_calc_ifg_std``; specification of stage 5, 7.
    """
    filtered = np.insert(ph_patch, master, 1, axis=1).conj()
    left = _product(_product(ph, filtered), _correction(k_ps, c_ps, bperp, master))
    return np.arctan2(left.imag, left.real)


def _correction(k_ps: Floats, c_ps: Floats, bperp: NDArray[np.floating], master: int) -> Phasors:
    baseline = np.insert(bperp.astype(np.float32), master, 0, axis=1)
    angle = k_ps.astype(np.float32)[:, None] * baseline + c_ps.astype(np.float32)[:, None]
    phasor: Phasors = np.exp(-1j * angle)
    return phasor


def _product(left: Phasors, right: Phasors) -> Phasors:
    """Multiply with every product rounded; a vector unit may fuse those of ``left * right``."""
    product = np.empty_like(left)
    product.real = left.real * right.real - left.imag * right.imag
    product.imag = left.real * right.imag + left.imag * right.real
    return product
