"""Stage 6 of small baselines, last step: the phase of the images from that of the pairs."""

from dataclasses import dataclass

import numpy as np

from ...dataset.rows import FloatArray, IntArray, Rows, block
from ...parallel.context import Context
from ..shared.covariance import column_covariance
from ..shared.ifgs import Ifgs
from ..shared.least_squares import operator

LEAST_CONDITION = 0.001
"""Smallest reciprocal condition number of a covariance that weights the pairs."""

ADDED_VARIANCE = 0.01
"""What is added to the variances, as often as needed [rad^2]."""


@dataclass(frozen=True)
class Inverted:
    """The series of the images.

    Parameters
    ----------
    series : Rows
        (n_ps, n_image) float32 phase relative to the master, 0 at images without pairs [rad].
    predicted : Rows
        (n_ps, n_ifg) float32 phase of all pairs as the series gives it [rad].
    covariance : (n_image, n_image) float64
        Of the images; 0 at those without a phase of their own [rad^2].
    images : (n_use,) int64
        Images with a phase, the master among them.
    """

    series: Rows
    predicted: Rows
    covariance: FloatArray
    images: IntArray


@dataclass(frozen=True)
class _Phases:
    series: FloatArray
    predicted: FloatArray


def pair_covariance(corrected: Rows, patch_phase: Rows | None, ctx: Context) -> FloatArray:
    """Return the covariance over PS of what the filter of stage 2 leaves of the pairs.

    Parameters
    ----------
    corrected : Rows
        (n_ps, n_ifg) phasors, ``rc2.ph_rc``.
    patch_phase : Rows or None
        (n_ps, n_ifg) filtered phasors, ``pm2.ph_patch``; without them variances are 1.
    ctx : Context
        PS are cut into pieces.

    Returns
    -------
    (n_ifg, n_ifg) float64
        Covariance, divisor n_ps - 1 [rad^2].
    """
    n_ps, n_ifg = corrected.shape
    if patch_phase is None:
        return np.eye(n_ifg)

    def noise(rows: slice) -> FloatArray:
        rest: FloatArray = np.angle(corrected[rows] * np.conj(patch_phase[rows]))
        return rest.astype(np.float64)

    return column_covariance(noise, n_ps, "covariance of the pairs", ctx)


def weighting(covariance: FloatArray) -> FloatArray:
    """Return a covariance that can be inverted: variances grow until it is well conditioned.

    Notes
    -----
    The condition is the estimate of LAPACK, as in MATLAB's ``rcond``.
    """
    while reciprocal_condition(covariance) < LEAST_CONDITION:
        covariance = covariance + ADDED_VARIANCE * np.eye(len(covariance))
    return covariance


def reciprocal_condition(matrix: FloatArray) -> float:
    """Return LAPACK's estimate of the reciprocal condition number in the 1-norm."""
    from scipy.linalg import lapack

    factors, _, singular = lapack.dgetrf(matrix)
    if singular:
        return 0.0
    estimate, _ = lapack.dgecon(factors, np.abs(matrix).sum(axis=0).max())
    return float(estimate)


def invert(
    unwrapped: Rows,
    reference: FloatArray,
    ifgs: Ifgs,
    used: IntArray,
    covariance: FloatArray,
    ctx: Context,
) -> Inverted:
    """Invert the network by weighted least squares.

    Parameters
    ----------
    unwrapped : Rows
        (n_ps, n_ifg) float32 unwrapped phase of the pairs [rad].
    reference : (n_u,) float32
        Phase of the reference area in the used pairs [rad].
    ifgs : Ifgs
        All pairs.
    used : (n_u,) int64
        Pairs that count; they connect all their images with the master.
    covariance : (n_ifg, n_ifg) float64
        Of all pairs [rad^2].
    ctx : Context
        PS are cut into pieces.

    Notes
    -----
    StaMPS ``sb_invert_uw``; docs/science/unwrapping.md, Inversion of the network.
    """
    images = np.unique(ifgs.pairs[used])
    counted = images[np.isin(images, ifgs.series.columns)]
    design = ifgs.design[np.ix_(used, counted)]

    def solved() -> tuple[FloatArray, FloatArray]:
        weights = weighting(covariance[np.ix_(used, used)])
        of_images = np.linalg.inv(design.T @ np.linalg.solve(weights, design))
        return operator(design, weights), of_images

    to_images, of_images = ctx.on_root(solved)
    n_image = len(ifgs.day)
    first, second = ifgs.pairs.T

    def phases(rows: slice) -> _Phases:
        pairs = np.ascontiguousarray(block(unwrapped, rows, used))
        series = np.zeros((len(pairs), n_image), np.float32)
        series[:, counted] = ctx.kernels.stage6_network_inversion(pairs, reference, to_images)
        return _Phases(series, series[:, second] - series[:, first])

    found = ctx.map_rows(phases, unwrapped.shape[0], "inversion")
    image_covariance = np.zeros((n_image, n_image))
    image_covariance[np.ix_(counted, counted)] = of_images
    return Inverted(found.series, found.predicted, image_covariance, images)
