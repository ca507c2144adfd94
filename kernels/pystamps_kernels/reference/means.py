"""Means over all rows, in double and as StaMPS adds up in single, one row after the other."""

import numpy as np
from numpy.typing import NDArray

Baselines = NDArray[np.float32] | NDArray[np.float64]

BLOCK = 4096  # rows per block of the sums in single


def column_means(values: Baselines) -> NDArray[np.float64]:
    """Mean of each column, accumulated in double.

    Parameters
    ----------
    values : (n_cand, n_ifg) float32 or float64
        At least one row.

    Returns
    -------
    (n_ifg,) float64
        Column means.

    Examples
    --------
    >>> column_means(np.array([[100, 7], [101, 8]], np.float32)).tolist()
    [100.5, 7.5]
    """
    mean: NDArray[np.float64] = values.sum(axis=0, dtype=np.float64) / len(values)
    return mean


def column_means_single(values: Baselines) -> Baselines:
    """Mean of each column, accumulated row after row in its class as StaMPS does.

    Parameters
    ----------
    values : (n_cand, n_ifg) float32 or float64
        At least one row.

    Returns
    -------
    (n_ifg,) array
        Column means, of the class of the values.

    Notes
    -----
    StaMPS ``ps_load_initial_gamma``; docs/science/loading.md, Mean baselines.

    Examples
    --------
    >>> column_means_single(np.array([[2**24], [1], [1]], np.float32)).tolist()
    [5592405.5]
    >>> column_means(np.array([[2**24], [1], [1]], np.float32)).tolist()
    [5592406.0]
    """
    total = np.zeros(values.shape[1], values.dtype)
    for start in range(0, len(values), BLOCK):
        # accumulate, unlike sum, is bound to the order of the rows
        running = np.add.accumulate(np.vstack((total, values[start : start + BLOCK])), axis=0)
        total = running[-1]
    mean: Baselines = total / values.dtype.type(len(values))
    return mean


def sequential_mean(values: NDArray[np.float32]) -> float:
    """Mean of a column in plain single arithmetic, without NaN.

    Parameters
    ----------
    values : (n_ps,) float32
        One column.

    Returns
    -------
    float
        Sum from the first row to the last, each step rounded to single, divided in single by the
        count; NaN without valid values.

    Notes
    -----
    How the reference's interpreter sums single data; docs/science/scla.md, Means.

    Examples
    --------
    >>> sequential_mean(np.array([1, np.nan, 4], np.float32))
    2.5
    """
    valid = values[~np.isnan(values)]
    if not len(valid):
        return np.nan
    return float(np.cumsum(valid, dtype=np.float32)[-1] / np.float32(len(valid)))
