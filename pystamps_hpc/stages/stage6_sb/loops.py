"""Stage 6 of small baselines: loops of interferograms whose phases should add up to zero."""

from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from ...dataset.rows import FloatArray, IntArray
from ..shared.ifgs import Ifgs
from ..shared.triplets import triplets_of


def triangles(ifgs: Ifgs, used: IntArray) -> FloatArray:
    """Return the loops of three interferograms.

    Parameters
    ----------
    ifgs : Ifgs
        All pairs.
    used : (n_u,) int64
        Pairs that count.

    Returns
    -------
    (n_loop, n_ifg) float32
        1 and -1 at the interferograms of a loop, by the sense in which it runs through them.
    """
    triplets = triplets_of(ifgs.pairs, used)
    loops = np.zeros((len(triplets), len(ifgs)), np.float32)
    np.put_along_axis(loops, triplets.ifgs, triplets.signs.astype(np.float32), axis=1)
    return loops


def longer_loops(ifgs: Ifgs, used: IntArray, inside: FloatArray, bperp: FloatArray) -> FloatArray:
    """Return a loop for each interferogram that is in none yet, along the shortest way around.

    Parameters
    ----------
    ifgs, used
        As of :func:`triangles`.
    inside : (n_loop, n_ifg) float32
        Loops that there are.
    bperp : (n_image,) array
        Perpendicular baseline of each image [m]; with the days it says how long a way is.

    Returns
    -------
    (n_loop, n_ifg) float32
        As of :func:`triangles`; equal loops once.
    """
    sides = _sides(ifgs, used)
    found: dict[frozenset[int], dict[int, int]] = {}
    for ifg in not_in(inside, used):
        start, end = (int(image) for image in ifgs.pairs[ifg])
        others = used[used != ifg]
        way = _shortest_way(ifgs, others, bperp, start, end)
        loop = _loop(sides, pairwise(way))
        if loop:
            found.setdefault(frozenset((*loop, int(ifg))), {**loop, int(ifg): -1})
    return _matrix(list(found.values()), len(ifgs))


def not_in(loops: FloatArray, used: IntArray) -> IntArray:
    """Return the used interferograms that are in no loop."""
    return np.asarray(used[~(loops != 0).any(axis=0)[used]])


def _shortest_way(ifgs: Ifgs, used: IntArray, bperp: FloatArray, start: int, end: int) -> list[int]:
    """Return the images on the way, empty if there is none."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import dijkstra

    first, second = ifgs.pairs[used].T
    length = np.hypot(ifgs.day[second] - ifgs.day[first], bperp[second] - bperp[first])
    n_image = len(ifgs.day)
    links = csr_array((length, (first, second)), shape=(n_image, n_image))
    _, before = dijkstra(links, directed=False, indices=np.array([start]), return_predecessors=True)
    way = [end]
    while way[-1] != start and before[0, way[-1]] >= 0:
        way.append(int(before[0, way[-1]]))
    return way[::-1] if way[-1] == start else []


def _sides(ifgs: Ifgs, used: IntArray) -> dict[tuple[int, int], tuple[int, int]]:
    """Return the interferogram of two images, earlier first, and -1 if it joins them backward."""
    found = {}
    for k in used.tolist():
        first, second = ifgs.pairs[k].tolist()
        found[min(first, second), max(first, second)] = k, 1 if first < second else -1
    return found


def _loop(
    sides: dict[tuple[int, int], tuple[int, int]], steps: Iterable[tuple[int, int]]
) -> dict[int, int]:
    """Return 1 or -1 for each interferogram that a way of steps between images runs through."""
    loop = {}
    for start, end in steps:
        ifg, sense = sides[min(start, end), max(start, end)]
        loop[ifg] = sense if start < end else -sense
    return loop


def _matrix(loops: list[dict[int, int]], n_ifg: int) -> FloatArray:
    matrix = np.zeros((len(loops), n_ifg), np.float32)
    for row, loop in zip(matrix, loops, strict=True):
        row[list(loop)] = list(loop.values())
    return matrix
