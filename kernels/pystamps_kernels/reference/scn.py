"""Filters in time and in space that find spatially correlated noise."""

import numpy as np
from numpy.typing import NDArray

from ..numerics import ordered_product

Single = NDArray[np.float32]
Double = NDArray[np.float64]
Index = NDArray[np.int64]

_BLOCK = 4_000_000


def temporal_highpass(phase: Single, weights: Double, origin: Double) -> Double:
    """Take the low-passed phase off every PS.

    Parameters
    ----------
    phase : (n_ps, n_use) float32
        Phase [rad].
    weights : (n_use, n_use) float64
        Column k holds the weights of the low-pass at image k; columns sum to one.
    origin : (n_use,) float64
        High-passed phase of the origin [rad], taken off as well.

    Returns
    -------
    (n_ps, n_use) float64
        High-passed phase [rad].

    Notes
    -----
    StaMPS ``ps_scn_filt``; docs/science/scn.md, High-pass in time: the filtered arc phases
    are a gradient, so that no adjustment is needed. Sums in ascending image order.

    Examples
    --------
    >>> phase, weights = np.array([[1, 2, 6]], np.float32), np.full((3, 3), 1 / 3)
    >>> temporal_highpass(phase, weights, np.zeros(3)).round(6).tolist()
    [[-2.0, -1.0, 3.0]]
    """
    return phase - ordered_product(phase, weights) - origin


def spatial_lowpass(
    phase: Single,
    xy: Single,
    order: Index,
    cells: Index,
    starts: Index,
    width: int,
    sigma: float,
    first: int,
    stop: int,
) -> Double:
    """Average the phase around every PS with Gaussian weights.

    Parameters
    ----------
    phase : (n_ps, n_use) float32
        High-passed phase of all PS [rad].
    xy : (n_ps, 2) float32
        Positions of all PS [m].
    order : (n_ps,) int64
        PS sorted by cell, ascending inside a cell. Cells are at least four sigma wide.
    cells : (n_cell,) int64
        Ascending numbers, ``row * width + column``, of the occupied cells.
    starts : (n_cell + 1,) int64
        First place of each cell in `order`, and the end.
    width : int
        Cells per row of the grid, with an empty column on either side.
    sigma : float
        Standard deviation [m].
    first, stop : int
        The PS that are filtered.

    Returns
    -------
    (stop - first, n_use) float64
        Low-passed phase [rad].

    Notes
    -----
    StaMPS ``ps_scn_filt``; docs/science/scn.md, Low-pass in space. Members are closer than
    four sigma, decided in single; weights and sums are double, members in ascending order.

    Examples
    --------
    Two PS in one cell of 400 m, a tenth of a metre apart, and sigma 100 m: their mean.

    >>> phase, xy = np.array([[0], [1]], np.float32), np.array([[0, 0], [0.1, 0]], np.float32)
    >>> grid = np.arange(2), np.array([4]), np.array([0, 2]), 3
    >>> spatial_lowpass(phase, xy, *grid, 100.0, 0, 2).round(3).tolist()
    [[0.5], [0.5]]
    """
    low_pass = np.empty((stop - first, phase.shape[1]))
    radius = np.float32((4 * sigma) ** 2)
    for cell, begin, end in zip(cells, starts[:-1], starts[1:], strict=True):
        targets = order[begin:end]
        targets = targets[(targets >= first) & (targets < stop)]
        if not len(targets):
            continue
        spans = [
            np.searchsorted(cells, (cell + row * width - 1, cell + row * width + 2))
            for row in (-1, 0, 1)
        ]
        near = np.sort(np.concatenate([order[starts[a] : starts[b]] for a, b in spans]))
        step = max(_BLOCK // (len(near) * phase.shape[1]), 1)
        for start in range(0, len(targets), step):
            some = targets[start : start + step]
            square = ((xy[some, None] - xy[near]) ** 2).sum(axis=2)
            weight = np.where(square < radius, np.exp(-square.astype(float) / (2 * sigma**2)), 0)
            total = (weight[:, :, None] * phase[near]).sum(axis=1)
            low_pass[some - first] = total / np.cumsum(weight, axis=1)[:, -1:]
    return low_pass
