"""What is weeded: the less coherent of adjacent pixels, and of points at the same position."""

from typing import Any

import numpy as np
from numba import prange
from numpy.typing import NDArray

from ..reference.weed import best_of_groups, duplicate_keep, occupied_cells
from .compile import kernel

__all__ = ["adjacent_keep", "duplicate_keep"]

Array = NDArray[Any]


def adjacent_keep(ij: Array, coherence: Array) -> Array:
    """Native twin of :func:`reference.weed.adjacent_keep`."""
    cells, first, cell, width = occupied_cells(ij)
    return best_of_groups(_first_neighbours(cells, first, cell, width), coherence)


@kernel
def _first_neighbours(cells: Array, first: Array, cell: Array, width: int) -> Array:
    n_ps = len(cell)
    parent = np.empty(n_ps, np.int64)
    for p in prange(n_ps):
        nearest = n_ps
        for line in range(-1, 2):
            middle = cell[p] + line * width
            place = np.searchsorted(cells, middle - 1)
            while place < len(cells) and cells[place] <= middle + 1:
                if cells[place] != cell[p]:
                    nearest = min(nearest, first[place])
                place += 1
        parent[p] = nearest
    return parent
