"""The Delaunay network over points: Triangle, which the reference uses, or Qhull."""

import threading

import numpy as np
from numpy.typing import NDArray

from ...dataset.rows import IntArray

_ONE_AT_A_TIME = threading.Lock()  # Triangle is not known to be thread-safe


def edges(xy: NDArray[np.floating], triangulator: str) -> tuple[IntArray, bool]:
    """Return the edges of the Delaunay triangulation.

    Parameters
    ----------
    xy : (n, 2) float32 or float64
        Distinct points [m].
    triangulator : {"triangle", "native"}
        Who triangulates, ``runtime.triangulator``; ``native`` is Qhull.

    Returns
    -------
    edges : (n_edge, 2) int64
        End points from 0; no rows for fewer than three points or points on one line.
    oriented : bool
        Whether edges and end points come in the order of the reference (Triangle). Those of Qhull
        are sorted.

    Notes
    -----
    docs/science/weeding.md, Network: the reference hands the points over as text of six decimals.
    """
    # exact for single coordinates: the product fits in a double, the quotient is what text reads as
    points = np.rint(xy.astype(np.float64) * 1e6) / 1e6
    found = _triangle(points) if triangulator == "triangle" else _qhull(points)
    return found, triangulator == "triangle"


def _triangle(points: NDArray[np.float64]) -> IntArray:
    from triangle import triangulate

    if len(points) < 3:
        return np.empty((0, 2), np.int64)
    with _ONE_AT_A_TIME:
        mesh = triangulate({"vertices": points}, "e")
    found: IntArray = mesh.get("edges", np.empty((0, 2))).astype(np.int64)
    return found


def _qhull(points: NDArray[np.float64]) -> IntArray:
    from scipy.spatial import Delaunay, QhullError

    if len(points) < 3:
        return np.empty((0, 2), np.int64)
    try:
        corners = Delaunay(points).simplices
    except QhullError:
        return np.empty((0, 2), np.int64)
    sides = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]])
    found: IntArray = np.unique(np.sort(sides, axis=1), axis=0).astype(np.int64)
    return found
