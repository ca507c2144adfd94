"""How far the phase of interferograms is from what it should be."""

import numpy as np

from ...dataset.rows import FloatArray, Rows
from .closure import PIECE


def noise_of_pairs(corrected: Rows, patch_phase: Rows) -> FloatArray:
    """Return the noise of pairs as the merge has it, (n_ifg,) [deg].

    Parameters
    ----------
    corrected : Rows
        (n_ps, n_ifg) phasors, ``rc2.ph_rc``.
    patch_phase : Rows
        (n_ps, n_ifg) filtered phasors, ``pm2.ph_patch``.

    Notes
    -----
    For datasets without ``ifgstd2``, as StaMPS combines them; docs/science/merging.md, Noise of
    the interferograms.
    """
    square = np.zeros(corrected.shape[1])
    for first in range(0, corrected.shape[0], PIECE):
        rows = slice(first, min(first + PIECE, corrected.shape[0]))
        square += (np.angle(corrected[rows] * np.conj(patch_phase[rows])) ** 2).sum(axis=0)
    return np.degrees(np.sqrt(square / corrected.shape[0]))


def rms_residual(phase: Rows, predicted: Rows) -> FloatArray:
    """Return how far interferograms are from what the series of the images says, (n_ifg,) [rad].

    The mean over the points, which the reference area takes away, does not count.
    """
    number, total, square = np.zeros((3, phase.shape[1]))
    for first in range(0, phase.shape[0], PIECE):
        rows = slice(first, min(first + PIECE, phase.shape[0]))
        off = phase[rows].astype(np.float64) - predicted[rows]
        number += np.isfinite(off).sum(axis=0)
        total += np.nansum(off, axis=0)
        square += np.nansum(off**2, axis=0)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.sqrt(np.maximum(square / number - (total / number) ** 2, 0)))
