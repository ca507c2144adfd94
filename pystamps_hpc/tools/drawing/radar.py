"""Pictures in radar geometry: grey levels of amplitudes, points that cover them."""

import numpy as np

from ...dataset.rows import AnyArray, FloatArray, IntArray

CANDIDATE, OUTLINE = "#e8590c", "#1971c2"
BRIGHTEST, DARKEST = 0.995, 0.02  # shares of the amplitudes at the ends of the scale


def page_of(length: int, width: int) -> tuple[float, float]:
    """Return the size of the page of a scene [inch]; a very long or wide one is compressed."""
    shape = float(np.clip(length / width, 0.4, 1.6))
    return (9.0, 9.0 * shape) if shape <= 1 else (9.0 / shape, 9.0)


def levels(amplitude: AnyArray) -> FloatArray:
    """Return amplitudes as grey levels, logarithmic between a dark and a bright one."""
    known = amplitude[np.isfinite(amplitude) & (amplitude > 0)]
    if not known.size:
        return np.zeros(amplitude.shape)
    low, high = np.quantile(known, (DARKEST, BRIGHTEST))
    with np.errstate(divide="ignore", invalid="ignore"):
        level = np.log(amplitude / low) / max(np.log(high / low), 1e-6)
    return np.asarray(np.clip(np.nan_to_num(level), 0, 1))


def overlay(density: IntArray, full: float) -> FloatArray:
    """Return points as a colour that covers the more, the more there are.

    Parameters
    ----------
    density : (n_rows, n_columns) int64
        Points of each cell.
    full : float
        Points that a cell can hold; half of them cover it.

    Returns
    -------
    (n_rows, n_columns, 4) float64
        Red, green, blue, cover.
    """
    from matplotlib.colors import to_rgb

    colour = np.broadcast_to(to_rgb(CANDIDATE), (*density.shape, 3))
    return np.dstack([colour, _cover(density, full)])


def covered(level: FloatArray, density: IntArray, full: float) -> AnyArray:
    """Return grey levels under the colour of :func:`overlay`, (n_rows, n_columns, 3) uint8."""
    from matplotlib.colors import to_rgb

    cover = _cover(density, full)
    parts = [level + cover * (part - level) for part in to_rgb(CANDIDATE)]
    return np.round(255 * np.dstack(parts)).astype(np.uint8)


def _cover(density: IntArray, full: float) -> FloatArray:
    return np.where(density > 0, 0.3 + 0.65 * np.minimum(2 * density / full, 1), 0)
