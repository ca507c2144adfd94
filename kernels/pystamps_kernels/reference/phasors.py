"""Arithmetic on phasors, sample by sample.

Complex products are written out in separately rounded terms, which every machine evaluates alike; a
vector unit may fuse those of ``a * b``.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Phasors = NDArray[np.complexfloating]
Reals = NDArray[np.floating]


def join(real: Reals, imag: Reals) -> Phasors:
    """Put real and imaginary parts together."""
    whole = np.empty(real.shape, np.result_type(real, np.complex64))
    whole.real, whole.imag = real, imag
    return whole


def product(a: Phasors, real: Reals, imag: Reals) -> Phasors:
    """Multiply by the number with these parts; four products and two sums, each rounded."""
    return join(a.real * real - a.imag * imag, a.real * imag + a.imag * real)


def length(real: Reals, imag: Reals) -> Reals:
    """Magnitude of a number with these parts, computed in double and rounded once to single."""
    power = np.square(real, dtype=np.float64) + np.square(imag, dtype=np.float64)
    return np.asarray(np.sqrt(power), np.float32)


def unit_phasors(phasors: Phasors) -> Phasors:
    """Divide phasors (n, m) complex64 by their magnitude in single; zeros stay zero.

    Examples
    --------
    >>> unit_phasors(np.array([[3 + 4j, 0]], np.complex64)).round(4)
    array([[0.6+0.8j, 0. +0.j ]], dtype=complex64)
    """
    size = length(phasors.real, phasors.imag)
    size[size == 0] = 1
    return join(phasors.real / size, phasors.imag / size)


def unit(phasors: Phasors, zero: float) -> Phasors:
    """Divide as :func:`unit_phasors` does; `zero` is the answer for 0."""
    result = unit_phasors(phasors)
    result[phasors == 0] = zero
    return result


def unit_phase(ph: Phasors) -> Phasors:
    """Divide phasors by their modulus as the C library's ``hypot`` gives it.

    Parameters
    ----------
    ph : (n_ps, n_ifg) complex64 or complex128
        Phasors.

    Returns
    -------
    (n_ps, n_ifg) of the type of `ph`
        Unit phasors; zero where the modulus is zero.

    Notes
    -----
    ``hypot`` of their own class; :func:`unit_phasors` rounds a square root in double. The last bits
    differ.
    """
    modulus = np.hypot(ph.real, ph.imag)
    modulus[modulus == 0] = 1
    return join(ph.real / modulus, ph.imag / modulus)


def deviation(phasors: Phasors, model: Phasors) -> Phasors:
    """Multiply phasors (n, m) complex64 by the conjugate of `model`, each product in single.

    Examples
    --------
    >>> deviation(np.array([[2j]], np.complex64), np.array([[1j]], np.complex64)).tolist()
    [[(2+0j)]]
    """
    return product(phasors, model.real, -model.imag)


def subtract_phase(phasors: Phasors, phase: Reals) -> Phasors:
    """Turn phasors (n, m) back by a phase [rad]; docs/science/unwrapping.md, Wrapped phase.

    Examples
    --------
    >>> turned = subtract_phase(np.array([[1j]], np.complex64), np.array([[0.5]], np.float32))
    >>> np.angle(turned).round(4)
    array([[1.0708]], dtype=float32)
    """
    return product(phasors, np.cos(phase), -np.sin(phase))


def angle(phasors: Phasors) -> Array:
    """Return the phase [rad] of phasors (n, m) complex64 in single.

    Examples
    --------
    >>> angle(np.array([[1, 1j]], np.complex64)).round(4)
    array([[0.    , 1.5708]], dtype=float32)
    """
    return np.asarray(np.arctan2(phasors.imag, phasors.real))


def phasors_of_cycles(cycles: Array) -> Phasors:
    """Return unit phasors (n, m) complex128 of phases (m, n) that are given in cycles.

    Examples
    --------
    >>> phasors_of_cycles(np.array([[0.0, 0.25]])).round(6).tolist()
    [[(1+0j)], [1j]]
    """
    phase = 2 * np.pi * cycles.T
    return join(np.cos(phase), np.sin(phase))
