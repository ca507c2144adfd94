"""How far a block of a run is from golden, and how far it may be, by the kind of quantity."""

import numpy as np
from numpy.typing import NDArray

from ....dataset.rows import AnyArray, FloatArray
from .policy import Rule
from .values import Value

SCALE_ELEMENTS = 1 << 20
LARGEST_CYCLE_ERROR = 2
"""Cycles by which an outlier of the scientific profile may be off."""

Distances = tuple[FloatArray, FloatArray | float]


def distances(run: AnyArray, golden: AnyArray, rule: Rule, scale: float) -> Distances:
    """Return the difference of every element and its limit.

    Parameters
    ----------
    run, golden : (n, m) arrays
        The same block of both.
    rule : Rule
        Kind and tolerances.
    scale : float
        Median modulus of the golden array; only phasors need it.

    Returns
    -------
    distance : (n, m) float64
        NaN against NaN and equal infinities are 0, finite against not finite is infinite.
    limit : (n, m) float64 or float
        Largest allowed difference.
    """
    if rule.kind in ("exact", "set"):
        return exact_distance(run, golden), 0.0
    r, g = _wide(run, golden)
    distance = wrapped_distance(r, g, rule.period) if rule.kind == "wrapped" else modulus(r, g)
    if not rule.rtol:
        return distance, rule.atol
    size = np.abs(g)
    if rule.kind == "phasor":
        size = np.maximum(size, scale)
    elif rule.kind == "row":
        size = np.broadcast_to(size.max(axis=-1, keepdims=True, initial=0.0), size.shape)
    return distance, rule.atol + rule.rtol * np.where(np.isfinite(size), size, 0.0)


def exact_distance(run: AnyArray, golden: AnyArray) -> FloatArray:
    """Return 0 where two blocks are equal, else their difference (never 0)."""
    same = (run == golden) | (_is_nan(run) & _is_nan(golden))
    if bool(np.all(same)):
        return np.zeros(run.shape)
    r, g = _wide(run, golden)
    return np.where(same, 0.0, np.maximum(modulus(r, g), np.finfo(float).tiny))


def modulus(r: AnyArray, g: AnyArray) -> FloatArray:
    """Return ``|r - g|``."""
    with np.errstate(invalid="ignore", over="ignore"):
        return _settled(np.abs(r - g), r, g)


def wrapped_distance(r: AnyArray, g: AnyArray, period: float) -> FloatArray:
    """Return the difference of phases modulo the period; of phasors the angle between them."""
    with np.errstate(invalid="ignore"):
        if r.dtype.kind == "c":
            distance = np.abs(np.angle(r * np.conj(g)))
            distance[(r == 0) != (g == 0)] = np.inf
        else:
            difference = r - g
            distance = np.abs(difference - period * np.rint(difference / period))
    return _settled(distance, r, g)


def cycles(run: AnyArray, golden: AnyArray) -> FloatArray:
    """Return by how many whole cycles of 2 pi two blocks differ; 0 where one is not finite."""
    r, g = _wide(run, golden)
    with np.errstate(invalid="ignore"):
        turns = np.rint((r - g) / (2 * np.pi))
    return np.where(np.isfinite(turns), turns, 0.0)


def median_modulus(golden: Value) -> float:
    """Return the median modulus of a value, of evenly spaced rows when it is large."""
    step = max(1, -(-golden.size // SCALE_ELEMENTS))
    parts = [np.abs(golden.read(rows)[::step]).ravel() for rows in golden.blocks()]
    sizes = np.concatenate(parts) if parts else np.empty(0)
    sizes = sizes[np.isfinite(sizes)]
    return float(np.median(sizes)) if sizes.size else 0.0


def _wide(run: AnyArray, golden: AnyArray) -> tuple[AnyArray, AnyArray]:
    wide = np.complex128 if "c" in (run.dtype.kind, golden.dtype.kind) else np.float64
    return run.astype(wide), golden.astype(wide)


def _settled(distance: FloatArray, r: AnyArray, g: AnyArray) -> FloatArray:
    same = (r == g) | (np.isnan(r) & np.isnan(g))
    return np.where(same, 0.0, np.where(np.isnan(distance), np.inf, distance))


def _is_nan(values: AnyArray) -> NDArray[np.bool_]:
    return np.isnan(values) if values.dtype.kind in "fc" else np.zeros(values.shape, bool)
