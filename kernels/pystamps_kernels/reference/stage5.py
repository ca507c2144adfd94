"""Stage 5, definition: corrected phase, unit phase, noise; cells of the resampling merge.

Every operation is rounded to single, as the reference's. NumPy's complex exponential and logarithm
are those of the C library, its single sine, cosine and arctangent are not on every CPU.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Phasors = NDArray[np.complexfloating]
Singles = NDArray[np.floating]  # all of them float32
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
    StaMPS ``ps_correct_phase``; docs/science/merging.md, Phase correction. Every operation is
    rounded to single.
    """
    return _product(ph, _correction(k_ps, c_ps, bperp, master))


def unit_phase(ph: Phasors) -> Phasors:
    """Divide phasors by their modulus.

    Parameters
    ----------
    ph : (n_ps, n_ifg) complex64 or complex128
        Phasors.

    Returns
    -------
    (n_ps, n_ifg) of the type of `ph`
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
    ph : (n_ps, n_ifg) complex64 or complex128
        Phasors, with the master column.
    ph_patch : (n_ps, n_ifg - 1) of the type of `ph`
        Filtered phasors, without the master, whose filtered phase is zero. The product with these
        is rounded to single.
    k_ps, c_ps, bperp, master
        See :func:`phase_correction`.

    Returns
    -------
    (n_ps, n_ifg) float32
        Angle of ``ph conj(ph_patch) exp(-i (k_ps bperp + c_ps))`` [rad].

    Notes
    -----
    StaMPS ``ps_calc_ifg_std``; docs/science/merging.md, Noise of the interferograms.
    """
    filtered = np.insert(ph_patch, master, 1, axis=1).conj()
    against = _product(ph, filtered).astype(np.complex64)
    left = _product(against, _correction(k_ps, c_ps, bperp, master))
    return _angle(left)


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
    """
    return _angle(np.exp(1j * (residual - offset[:, None])))


def point_noise(noise: Singles) -> tuple[Singles, Singles]:
    """Return variance and coherence of the noise of each point.

    Parameters
    ----------
    noise : (n_ps, n_col) float32
        Noise [rad].

    Returns
    -------
    variance : (n_ps,) float32
        About the mean, normalised by ``n_col - 1`` [rad^2].
    coherence : (n_ps,) float32
        Modulus of the mean of ``exp(i noise)``.

    Notes
    -----
    docs/science/merging.md, Resampling; every operation is rounded to single, sums run over
    ascending columns.
    """
    n_col = np.float32(noise.shape[1])
    deviation = noise - (_sum_of_columns(noise) / n_col)[:, None]
    variance = _sum_of_columns(deviation * deviation) / (n_col - np.float32(1))
    phasor: Phasors = np.exp(1j * noise)
    coherence = np.hypot(_sum_of_columns(phasor.real), _sum_of_columns(phasor.imag)) / n_col
    return variance, coherence


def cell_sums(values: NDArray[Any], weight: Singles, start: NDArray[np.int64]) -> NDArray[Any]:
    """Add up weighted values of the points of each cell.

    Parameters
    ----------
    values : (n_ps, n_col) float32 or complex64
        Values of the points, cell after cell.
    weight : (n_ps,) float32
        Weight of each point.
    start : (n_cell + 1,) int64
        First row of each cell, and the number of rows.

    Returns
    -------
    (n_cell, n_col) of the type of `values`
        Sums of ``weight * value``, in single in the order of the rows.
    """
    sums = np.zeros((len(start) - 1, values.shape[1]), values.dtype)
    cell = np.repeat(np.arange(len(start) - 1), np.diff(start))
    np.add.at(sums, cell, weight[:, None] * values)
    return sums


def _angle(phasor: Phasors) -> Singles:
    """Return the C library's angle; NumPy's own of single numbers is one unit off on some CPUs."""
    with np.errstate(divide="ignore"):
        angle: Singles = np.log(phasor).imag.copy()
    return angle


def _sum_of_columns(values: Singles) -> Singles:
    total: Singles = np.add.accumulate(values, axis=1)[:, -1]
    return total


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
