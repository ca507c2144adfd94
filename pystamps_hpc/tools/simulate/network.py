"""Which images make interferograms: all with the master, or pairs of small baselines."""

import numpy as np
from scipy.spatial import Delaunay, QhullError

from ...dataset.rows import FloatArray, IntArray
from ...errors import ConfigError
from ...stages.shared.ifgs import Ifgs
from .geometry import Acquisitions
from .options import Options


def pairs_of(options: Options, images: Acquisitions) -> IntArray:
    """Return the pairs of images, (n_ifg, 2), in the order of their dates.

    Raises
    ------
    ConfigError
        Pairs of small baselines do not join all images.
    """
    if not options.small_baseline:
        others = np.array(images.slaves)
        return np.stack((np.full_like(others, images.master), others), axis=1)
    days, bperp = 365.25 * images.years / options.max_days, images.bperp / options.max_bperp
    pairs = _triangulated(days, bperp) if options.delaunay else _within(days, bperp)
    network = Ifgs(pairs, np.zeros(len(pairs)), images.years, 0.0, None)
    joined = next((part for part in network.islands if images.master in part), [images.master])
    left = np.setdiff1d(np.arange(len(days)), joined)
    if len(left):
        alone = ", ".join(images.dates[k] for k in left)
        raise ConfigError(
            f"small baselines: no pair joins {alone} with the master {images.dates[images.master]};"
            " raise max_days or max_bperp"
        )
    return pairs


def _within(days: FloatArray, bperp: FloatArray) -> IntArray:
    """Return all pairs that are at most one unit apart in time and in baseline."""
    first, second = np.triu_indices(len(days), 1)
    near = (np.abs(days[second] - days[first]) <= 1) & (np.abs(bperp[second] - bperp[first]) <= 1)
    return np.stack((first[near], second[near]), axis=1)


def _triangulated(days: FloatArray, bperp: FloatArray) -> IntArray:
    """Return the edges of the Delaunay triangulation."""
    try:
        triangles = Delaunay(np.column_stack((days, bperp))).simplices
    except QhullError:
        raise ConfigError(
            "small baselines: images without different baselines have no triangulation; use all "
            "pairs within max_days and max_bperp"
        ) from None
    edges = np.concatenate((triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [0, 2]]))
    return np.unique(np.sort(edges, axis=1), axis=0).astype(np.int64)
