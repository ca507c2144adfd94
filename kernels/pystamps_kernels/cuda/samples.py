"""Kernels of single samples: one result for each point and interferogram."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .device import Array, Device, OnDevice
from .pieces import blocks_for, by_rows

THREADS = 256
MOST_BLOCKS = 1 << 16
"""Of a grid; a thread takes more samples where there are more."""


def by_samples(
    kernel: str,
    arguments: Sequence[Array],
    like: tuple[int, ...],
    dtype: Any,
    *,
    per_row: bool = False,
    shared: Sequence[Array] = (),
) -> Array:
    """Run a kernel of ``sources/samples.cu`` on pieces of rows.

    Parameters
    ----------
    kernel : str
        Its name; its parameters are `shared`, `arguments`, then n or n and m, then the result.
    arguments : sequence of ndarray
        Arrays that are cut with the rows.
    like : tuple of int
        Shape of the result, (n, m).
    dtype : dtype
        Of the result.
    per_row : bool
        Whether the kernel gets rows and columns, n and m, instead of the number of samples.
    shared : sequence of ndarray
        Arrays that every piece needs whole.
    """
    result = np.empty(like, dtype)
    m = like[1]

    def run(device: Device, *pieces: OnDevice) -> tuple[OnDevice]:
        count = pieces[-1].shape[0]
        out = device.empty((count, m), dtype)
        sizes = (count, m) if per_row else (count * m,)
        start(device, "samples", kernel, count * m, *pieces, *sizes, out)
        return (out,)

    by_rows(run, arguments, (result,), shared)
    return result


def start(device: Device, source: str, kernel: str, samples: int, *arguments: Any) -> None:
    """Launch a kernel whose threads share out `samples`."""
    blocks = min(blocks_for(samples, THREADS), MOST_BLOCKS)
    device.launch(source, kernel, blocks, THREADS, *arguments)
