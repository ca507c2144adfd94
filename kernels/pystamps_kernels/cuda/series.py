"""Kernels whose threads share rows of values over interferograms; ``sources/series.cu``."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .device import Array, Device, OnDevice
from .pieces import blocks_for, by_rows, rows_in_block
from .samples import start

LANES = 8
"""Threads of a row; as in the source."""
ROWS = 16
"""Rows of a block."""
DOUBLE = np.dtype(np.float64).itemsize


def launch_rows(
    device: Device,
    kernel: str,
    n: int,
    values: int,
    *arguments: Any,
    lanes: int = LANES,
    source: str = "series",
) -> None:
    """Start a kernel whose rows have `values` doubles in shared memory, and `lanes` threads."""
    row = max(values, 1) * DOUBLE
    rows = rows_in_block(device, row, ROWS, kernel)
    blocks = blocks_for(n, rows)
    device.launch(source, kernel, blocks, rows * lanes, *arguments, shared=rows * row)


def by_products(kernel: str, values: Array, matrix: Array, dtype: Any, *shared: Array) -> Array:
    """Run a kernel that multiplies rows (n, m) by a matrix (m, n_out); return (n, n_out)."""
    m, n_out = matrix.shape
    result = np.empty((len(values), n_out), dtype)

    def run(device: Device, turned: OnDevice, *given: OnDevice) -> Sequence[OnDevice]:
        *more, piece = given
        count = piece.shape[0]
        out = device.empty((count, n_out), dtype)
        arguments = (piece, count, m, turned, n_out, *more, out)
        start(device, "series", kernel, count * n_out, *arguments)
        return (out,)

    by_rows(run, (values,), (result,), (np.ascontiguousarray(matrix), *shared))
    return result
