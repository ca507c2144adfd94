"""Chosen rows of several sources, read when they are asked for."""

from typing import Any

import numpy as np

from ...dataset.rows import AnyArray, ComputedRows, IntArray, Rows, block, is_all


def gathered(sources: tuple[Rows, ...], where: IntArray) -> ComputedRows:
    """Return chosen rows of sources.

    Parameters
    ----------
    sources : tuple of Rows
        Of equal numbers of columns; their rows count one source after the other.
    where : (n,) int64
        Row of the sources that stands in each row.
    """
    dtype = np.result_type(*(source.dtype for source in sources))
    ends = np.cumsum([source.shape[0] for source in sources])

    def chosen(rows: Any, columns: Any) -> AnyArray:
        wanted = where[rows]
        source_of = np.searchsorted(ends, wanted, side="right")
        values: AnyArray | None = None
        # neighbouring rows come from few of a thousand patches
        for number in np.flatnonzero(np.bincount(source_of)):
            source, here = sources[number], source_of == number
            row = wanted[here] - (ends[number] - source.shape[0])
            # single columns of a file are cheaper to read whole
            part = source[row] if is_all(columns) else source[:, columns][row]
            if values is None:
                values = np.empty((len(wanted), *part.shape[1:]), dtype)
            values[here] = part
        if values is None:
            return block(sources[0], slice(0, 0), columns).astype(dtype)
        return values

    return ComputedRows((len(where), *sources[0].shape[1:]), dtype, chosen)
