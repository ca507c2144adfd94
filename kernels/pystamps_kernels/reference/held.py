"""Smoothing of arcs in time where the whole cycles of some interferograms are known."""

import numpy as np
from numpy.typing import NDArray

from ..numerics import ordered_product

Phases = NDArray[np.float32]
Doubles = NDArray[np.float64]
Flags = NDArray[np.bool_]

KNOWN, UNKNOWN = 1.01, 0.01
"""Weights of interferograms whose cycles are known, and of the others."""


def held_smooth(phase: Phases, known: Flags, design: Doubles, in_time: Doubles) -> Phases:
    """Smooth arc phases through the network, by what is known of their cycles.

    Parameters
    ----------
    phase : (n, m) float32
        Unwrapped phase where it is known, else wrapped [rad].
    known : (n, m) bool
        Where it is.
    design : (m, n_image) float64
        -1 at the first, +1 at the second image; all images are connected.
    in_time : (n_image, n_image) float64
        Weights of the images around each image.

    Returns
    -------
    (n, m) float32
        Smooth phase [rad].

    Notes
    -----
    StaMPS ``uw_sb_unwrap_space_time``; docs/science/unwrapping.md, Held values.
    """
    weights = np.where(known, KNOWN, UNKNOWN)
    free = design[:, 1:]
    normal = (weights[:, None, :] * free.T) @ free
    right = ordered_product(weights * phase, free)
    images = np.zeros((len(phase), design.shape[1]))
    images[:, 1:] = np.linalg.solve(normal, right[:, :, None])[:, :, 0]
    smooth = ordered_product(images, in_time.T).astype(np.float32)
    second, first = design.argmax(axis=1), design.argmin(axis=1)
    return np.asarray(smooth[:, second] - smooth[:, first])
