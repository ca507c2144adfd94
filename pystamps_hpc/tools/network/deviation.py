"""How far the phase of interferograms is from what it should be."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ...dataset.mat import MatFile
from ...dataset.rows import AnyArray, ComputedRows, FloatArray, IntArray, Rows
from ...errors import DatasetError
from ...stages.shared.least_squares import pseudo_inverse
from ...stages.shared.value_types import value_type
from ..products.artifacts import MergedArtifacts
from ..products.files import read_artifact
from ..products.selected import kept_of_selected
from ..products.series import stack_of
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


def beside_line(root: Path, images: IntArray) -> FloatArray:
    """Return how far images of a single-master stack are from steady motion, (k,) [rad].

    Root mean square over the points of what a straight line in time leaves of the phase without
    look-angle error and atmosphere; the mean over the points does not count.

    Parameters
    ----------
    root : Path
        Dataset through stage 8.
    images : (k,) int64
        Columns, without that of the master.
    """
    found = MergedArtifacts(root)
    kind = value_type("u-dms", small_baselines=False)
    phase = stack_of(found, kind).corrected(kind.operations, images, found.ctx)
    design = np.column_stack((np.ones(len(images)), found.series.elapsed[images]))
    hat = design @ pseudo_inverse(design)

    def on_line(rows: Any, columns: Any) -> AnyArray:
        values: AnyArray = phase[rows].astype(np.float64) @ hat.T[:, columns]
        return values

    return rms_residual(phase, ComputedRows(phase.shape, np.dtype(np.float64), on_line))


def noise_of_selected(patches: Iterable[Path], n_ifg: int, of_pairs: bool) -> FloatArray:
    """Return the noise of interferograms before the merge, (n_ifg,) [deg].

    Parameters
    ----------
    patches : iterable of Path
        Patches that are through stage 3; of those through stage 4 the points that are left count.
    n_ifg : int
        Number of interferograms.
    of_pairs : bool
        Small baselines: the offset of the points is no noise of a master, and stays in.

    Returns
    -------
    (n_ifg,) float64
        Root mean square of the residual phase; NaN without any point.

    Raises
    ------
    DatasetError, MatError
        Artifacts of a patch are damaged or do not fit each other.
    """
    square, number = np.zeros(n_ifg), 0
    for patch in patches:
        path = patch / "select1.mat"
        chosen = kept_of_selected(patch)
        with MatFile(path) as file:
            residual = file.rows("ph_res2")
        if residual.shape[1] != n_ifg:
            raise DatasetError(
                f"{path}: 'ph_res2' has {residual.shape[1]} columns for {n_ifg} interferograms; "
                "run stage 3 again"
            )
        offset = read_artifact(patch, "select1", "C_ps2")["C_ps2"] * (not of_pairs)
        for first in range(0, len(chosen), PIECE):
            rows = chosen[first : first + PIECE]
            phase = residual[rows] - offset[rows, None]
            square += (np.angle(np.exp(1j * phase)) ** 2).sum(axis=0)
        number += len(chosen)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.degrees(np.sqrt(square / number)))


def noise_of_arcs(arc_noise: Rows) -> FloatArray:
    """Return the standard deviation of the noise that unwrapping left on arcs, (n_uw,) [deg]."""
    number = 0
    total, square = np.zeros((2, arc_noise.shape[1]))
    for first in range(0, arc_noise.shape[0], PIECE):
        noise = arc_noise[slice(first, min(first + PIECE, arc_noise.shape[0]))].astype(np.float64)
        noise = noise[np.isfinite(noise).all(axis=1)]
        number += len(noise)
        total += noise.sum(axis=0)
        square += (noise**2).sum(axis=0)
    with np.errstate(invalid="ignore"):
        variance = square / number - (total / number) ** 2
    return np.asarray(np.degrees(np.sqrt(np.maximum(variance, 0))))
