"""Stage 6: the network of interferograms in time, and what follows from it for every arc alike."""

from dataclasses import dataclass

import numpy as np

from ...dataset.rows import BoolArray, FloatArray, IntArray
from ...errors import StageError


@dataclass(frozen=True)
class Network:
    """Interferograms as pairs of the images that occur in them.

    Parameters
    ----------
    pairs : (n_u, 2) int64
        First and second image of each interferogram, numbered over the used images from 0.
    day : (n_used,) float64
        Date of each used image [days].
    bperp : (n_u,) float32 or float64
        Perpendicular baseline of each interferogram [m].
    """

    pairs: IntArray
    day: FloatArray
    bperp: FloatArray

    @property
    def design(self) -> FloatArray:
        """(n_u, n_used) matrix with -1 at the first and +1 at the second image."""
        n_u = self.pairs.shape[0]
        design = np.zeros((n_u, self.day.size))
        design[np.arange(n_u), self.pairs[:, 0]] = -1
        design[np.arange(n_u), self.pairs[:, 1]] = 1
        return design

    def of_image(self, image: int) -> IntArray:
        """Return the interferograms of an image, in order."""
        return np.flatnonzero((self.pairs == image).any(axis=1))

    def degrees(self) -> IntArray:
        """Return the number of interferograms of each image."""
        return np.bincount(self.pairs.ravel(), minlength=self.day.size)


def make_network(pairs: IntArray, day: FloatArray, bperp: FloatArray) -> Network:
    """Build the network of the images that occur in `pairs` (images numbered from 0)."""
    used, compact = np.unique(pairs, return_inverse=True)
    return Network(compact.reshape(pairs.shape), day[used], bperp)


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


def star(network: Network, image: int) -> Star:
    """Return the star of interferograms around an image."""
    ifgs = network.of_image(image)
    backward = network.pairs[ifgs, 1] == image
    other = np.where(backward, network.pairs[ifgs, 0], network.pairs[ifgs, 1])
    return Star(ifgs, backward, np.argsort(network.day[other], kind="stable"), other)


def complete_stars(network: Network) -> list[int]:
    """Return the images with at least all but two of the others as partner.

    Raises
    ------
    StageError
        An interferogram belongs to no such star, so 3D_FULL gives it no statistics.
    """
    images = np.flatnonzero(network.degrees() >= network.day.size - 2)
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


def look_angle_series(network: Network, trial_wraps: float) -> LookAngleSeries | None:
    """Choose the samples of the look-angle search.

    Parameters
    ----------
    network : Network
        Interferograms.
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
    bperp, n_image = network.bperp, network.day.size
    chain = np.flatnonzero(np.abs(np.diff(network.pairs, axis=1)[:, 0]) == 1)
    degrees = network.degrees()
    centre = None
    if chain.size >= n_image - 1:
        ifgs, baseline = chain, bperp[chain]
    elif degrees.max() >= n_image - 2:
        image = int(np.argmax(degrees))
        around = star(network, image)
        days = np.append(network.day[around.other], network.day[image])
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
