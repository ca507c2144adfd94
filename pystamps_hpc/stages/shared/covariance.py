"""The sample covariance of columns over rows that are cut into pieces."""

from collections.abc import Callable

import numpy as np

from ...dataset.rows import FloatArray
from ...parallel.context import Context


def column_covariance(
    values: Callable[[slice], FloatArray], n_rows: int, label: str, ctx: Context
) -> FloatArray:
    """Return the covariance of columns; sums run in the order of the rows.

    Parameters
    ----------
    values : callable
        Returns a stretch of rows, (n, k) float64.
    n_rows : int
        Number of rows.
    label : str
        Name of the step, for progress.
    ctx : Context
        Sums, and the kernel ``stage6_column_products``.

    Returns
    -------
    (k, k) float64
        Covariance, divisor `n_rows` - 1.
    """
    mean = ctx.sum_rows(lambda rows: values(rows).sum(axis=0), n_rows, label) / n_rows
    products = ctx.sum_rows(
        lambda rows: ctx.kernels.stage6_column_products(values(rows) - mean), n_rows, label
    )
    return np.asarray(products / (n_rows - 1))
