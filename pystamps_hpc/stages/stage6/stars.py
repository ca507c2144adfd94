"""Stage 6: stars of interferograms around an image, and the series of the look-angle search."""

from dataclasses import dataclass

import numpy as np

from ...dataset.rows import BoolArray, FloatArray, IntArray
from ...errors import StageError
from ..shared.ifgs import Ifgs


@dataclass(frozen=True)
class Star:
    """The interferograms of one image, in order of date, seen from that image.

    Parameters
    ----------
    ifgs : (k,) int64
        Interferograms in their own order.
    backward : (k,) bool
        Where the image is the second of the pair.
    order : (k,) int64
        Positions in `ifgs` by date of the other image.
    other : (k,) int64
        The other image of each interferogram.
    """

    ifgs: IntArray
    backward: BoolArray
    order: IntArray
    other: IntArray

    @property
    def sign(self) -> FloatArray:
        """+1 for interferograms that start at the image, -1 for the others; float32."""
        return np.where(self.backward, np.float32(-1), np.float32(1))


def star(network: Ifgs, image: int) -> Star:
    """Return the star of interferograms around an image."""
    ifgs = network.of_image(image)
    backward = network.pairs[ifgs, 1] == image
    other = np.where(backward, network.pairs[ifgs, 0], network.pairs[ifgs, 1])
    return Star(ifgs, backward, np.argsort(network.elapsed[other], kind="stable"), other)


def complete_stars(network: Ifgs) -> list[int]:
    """Return the images with at least all but two of the others as partner.

    Raises
    ------
    StageError
        An interferogram belongs to no such star, so 3D_FULL gives it no statistics.
    """
    images = np.flatnonzero(network.degrees() >= len(network.day) - 2)
    covered = np.isin(network.pairs, images).any(axis=1)
    if not covered.all():
        missing = ", ".join(str(ifg + 1) for ifg in np.flatnonzero(~covered))
        raise StageError(
            f"unwrap_method 3D_FULL: interferograms {missing} of the unwrapped ones share no image "
            "with nearly all others; use 3D_QUICK"
        )
    return [int(image) for image in images]


def gaussian_weights(day: FloatArray, width: float) -> FloatArray:
    """Weights of every date around every date, a Gaussian of `width` days; rows sum to one."""
    gap = day[:, None] - day[None, :]
    weights = np.exp(-(gap**2) / 2 / width**2)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def line_intercepts(day: FloatArray, weights: FloatArray) -> FloatArray:
    """Rows that give, from values at all dates, the weighted line's value at each date.

    A single date has no line: its row is zero.
    """
    rows = np.zeros(weights.shape)
    if day.size == 1:
        return rows
    for k, weight in enumerate(weights):
        root = np.sqrt(weight)[:, None]
        line = np.stack([np.ones(day.size), day[k] - day], axis=1)
        rows[k] = np.linalg.pinv(line * root)[0] * root[:, 0]
    return rows


@dataclass(frozen=True)
class LookAngleSeries:
    """Which phase differences the look-angle search of every arc uses.

    Parameters
    ----------
    ifgs : (k,) int64
        Interferograms, in the order of use.
    backward : (k,) bool
        Interferograms that are turned round.
    centre : int or None
        Position at which the star's own image (phase 0) joins the series; None uses the
        interferograms as they are instead of the steps between them.
    baseline : (k,) array
        Baseline of each sample [m].
    trial_wraps : float
        Cycles over the range of `baseline` that the search covers.
    """

    ifgs: IntArray
    backward: BoolArray
    centre: int | None
    baseline: FloatArray
    trial_wraps: float

    @property
    def n_trial(self) -> int:
        """Trials on each side of zero."""
        return int(np.ceil(8 * self.trial_wraps))


def look_angle_series(network: Ifgs, trial_wraps: float) -> LookAngleSeries | None:
    """Choose the samples of the look-angle search.

    Parameters
    ----------
    network : Ifgs
        Interferograms that are unwrapped.
    trial_wraps : float
        Cycles over the whole range of baselines.

    Returns
    -------
    LookAngleSeries or None
        None when all baselines are equal.

    Notes
    -----
    A chain of successive images if there is one, else the steps along a nearly complete star (in
    PS mode always), else all interferograms. docs/science/unwrapping.md,
    Look-angle search.
    """
    bperp, n_image = network.bperp, len(network.day)
    chain = np.flatnonzero(np.abs(np.diff(network.pairs, axis=1)[:, 0]) == 1)
    degrees = network.degrees()
    centre = None
    if chain.size >= n_image - 1:
        ifgs, baseline = chain, bperp[chain]
    elif degrees.max() >= n_image - 2:
        image = int(np.argmax(degrees))
        around = star(network, image)
        days = np.append(network.elapsed[around.other], network.elapsed[image])
        values = np.append(
            bperp[around.ifgs] * around.sign.astype(bperp.dtype), bperp.dtype.type(0)
        )
        order = np.argsort(days, kind="stable")
        centre = int(np.flatnonzero(order == around.ifgs.size)[0])
        inner = np.delete(order, centre)
        spread = _range(np.diff(values[order]))
        if spread == 0:
            return None
        return LookAngleSeries(
            around.ifgs[inner],
            around.backward[inner],
            centre,
            np.diff(values[order]),
            trial_wraps * spread / _range(bperp),
        )
    else:
        ifgs, baseline = np.arange(bperp.size), bperp
    if _range(baseline) == 0:
        return None
    wraps = trial_wraps * _range(baseline) / _range(bperp)
    return LookAngleSeries(ifgs, np.zeros(ifgs.size, bool), None, baseline, wraps)


def _range(values: FloatArray) -> float:
    return float(values.max() - values.min())
