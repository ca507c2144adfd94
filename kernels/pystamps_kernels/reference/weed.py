"""What is weeded: the less coherent of adjacent pixels, and of points at the same position."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def adjacent_keep(ij: Ints, coherence: Floats) -> Bools:
    """Keep the most coherent point of each group of adjacent pixels.

    Parameters
    ----------
    ij : (n_ps, 2) int64
        Azimuth line and range sample of each point.
    coherence : (n_ps,) float64
        Temporal coherence; of equal ones the first point is kept.

    Returns
    -------
    (n_ps,) bool
        Points that stay.

    Notes
    -----
    Two points are neighbours if both coordinates differ by at most one and they are not in the
    same cell. Each point is linked to the *first* of its neighbours, and a group is what these
    links connect; groups are therefore not the 8-connected components. StaMPS ``ps_weed``;
    docs/science/weeding.md, Adjacent pixels.

    Examples
    --------
    >>> adjacent_keep(np.array([[5, 0], [5, 1], [9, 9]]), np.array([0.5, 0.8, 0.1])).tolist()
    [False, True, True]
    """
    cells, first, cell, width = occupied_cells(ij)
    parent = np.full(len(ij), len(ij))
    for step in (-width - 1, -width, -width + 1, -1, 1, width - 1, width, width + 1):
        place = np.minimum(np.searchsorted(cells, cell + step), len(cells) - 1)
        found = np.where(cells[place] == cell + step, first[place], len(ij))
        parent = np.minimum(parent, found)
    return best_of_groups(parent, coherence)


def occupied_cells(ij: Ints) -> tuple[Ints, Ints, Ints, int]:
    """Give the cells of the points numbers, line by line, with a gap between lines.

    Returns
    -------
    cells, first : (n_cell,) int64
        Occupied cells in ascending order, and the first point in each.
    cell : (n_ps,) int64
        Cell of each point.
    width : int
        Difference of cells of neighbouring lines.
    """
    line, sample = (ij - ij.min(axis=0, initial=0)).T
    width = int(sample.max(initial=0)) + 3
    cell = line * width + sample
    cells, first = np.unique(cell, return_index=True)
    return cells, first, cell, width


def best_of_groups(parent: Ints, coherence: Floats) -> Bools:
    """Keep the most coherent point of each group that the links to parents connect.

    Parameters
    ----------
    parent : (n_ps,) int64
        First neighbour of each point, ``n_ps`` where it has none.
    coherence : (n_ps,) float64
        Temporal coherence.

    Returns
    -------
    (n_ps,) bool
        Points that stay.
    """
    own = np.arange(len(parent))
    parent = np.where(parent == len(parent), own, parent)
    # the parent of a parent never comes later, so following pairs of links ends in a fixed point
    root = parent[parent]
    while (root[root] != root).any():
        root = root[root]
    return _first_of_runs(np.minimum(root, parent[root])[:, None], coherence)


def duplicate_keep(position: NDArray[np.floating], coherence: Floats) -> Bools:
    """Keep the most coherent of the points at exactly the same position.

    Parameters
    ----------
    position : (n_ps, 2) float32 or float64
        Coordinates; NaN equals nothing.
    coherence : (n_ps,) float64
        Temporal coherence; of equal ones the first point is kept.

    Returns
    -------
    (n_ps,) bool
        Points that stay.

    Notes
    -----
    StaMPS ``ps_weed`` and ``ps_merge_patches``; docs/science/weeding.md, Duplicates.

    Examples
    --------
    >>> position = np.array([[1.0, 2.0], [1.0, 2.0], [3.0, 4.0]])
    >>> duplicate_keep(position, np.array([0.5, 0.8, 0.1])).tolist()
    [False, True, True]
    """
    keep = np.ones(len(position), np.bool_)
    doubtful = _equal_to_another(position[:, 0])  # few: to sort all by position takes ten times
    keep[doubtful] = _first_of_runs(position[doubtful], coherence[doubtful])
    return keep


def _equal_to_another(values: NDArray[np.floating]) -> Bools:
    order = np.argsort(values, kind="stable")
    same = values[order[1:]] == values[order[:-1]]
    equal = np.zeros(len(values), np.bool_)
    equal[order[1:][same]] = equal[order[:-1][same]] = True
    return equal


def _first_of_runs(label: NDArray[Any], coherence: Floats) -> Bools:
    order = np.lexsort((-coherence, *label.T))
    keep = np.ones(len(label), np.bool_)
    keep[order[1:]] = (label[order[1:]] != label[order[:-1]]).any(axis=1)
    return keep
