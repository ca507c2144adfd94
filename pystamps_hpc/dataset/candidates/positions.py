"""Positions that can be trusted: no candidate far from where its pixel is."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import DatasetError
from ..rows import BoolArray, IntArray

EARTH_RADIUS = 6_371_000.0  # [m]
DEGREE = EARTH_RADIUS * np.pi / 180  # the most that a degree spans [m]

FARTHEST = 100_000.0
"""How far terrain, curvature and convergence may put a candidate from where the pixels of all say
it is [m]."""

LARGEST_SHARE = 0.1
"""Above this share of wrong positions the right ones are not trusted either."""

_SAMPLE = 20_000  # candidates that tell how pixels lie on the ground
_ITERATIONS = 30
_SMALLEST = 100.0  # [m]; a residual below it weighs no more


def trusted(
    path: Path, lonlat: NDArray[np.float64], azimuth: IntArray, range_sample: IntArray
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Take out the positions that cannot be those of their pixels.

    Parameters
    ----------
    path : Path
        File of the positions, for messages.
    lonlat, azimuth, range_sample
        See :func:`misplaced`.

    Returns
    -------
    lonlat : (n, 2) float64
        Longitude, latitude [deg], NaN where they are wrong.
    warnings : tuple of str
        Names the rows, if there are any.

    Raises
    ------
    DatasetError
        Many positions are wrong, those at 0, 0 not counted: these are gaps.
    """
    wrong = np.flatnonzero(misplaced(lonlat, azimuth, range_sample))
    if not len(wrong):
        return lonlat, ()
    rows = ", ".join(str(row + 1) for row in wrong[:5]) + ", ..." * (len(wrong) > 5)
    longitude, latitude = lonlat[wrong[0]]
    told = (
        f"{path}: {len(wrong):,} of {len(lonlat):,} positions cannot be those of their pixels "
        f"(rows {rows}), such as {longitude:.6g}, {latitude:.6g}"
    )
    if np.count_nonzero((lonlat[wrong] != 0).any(axis=1)) > LARGEST_SHARE * len(lonlat):
        raise DatasetError(f"{told}; geocode again and extract the candidates again")
    left = lonlat.copy()
    left[wrong] = np.nan
    return left, (f"{told}; these candidates are left out",)


def misplaced(lonlat: NDArray[np.float64], azimuth: IntArray, range_sample: IntArray) -> BoolArray:
    """Tell which candidates cannot be where their longitude and latitude say.

    Parameters
    ----------
    lonlat : (n, 2) float64
        Longitude, latitude [deg]; not finite is unknown.
    azimuth, range_sample : (n,) int64
        Pixel in the full scene.

    Returns
    -------
    (n,) bool
        Positions that are none, and those far from the place of their pixel.

    Notes
    -----
    Positions follow pixels: a plane through all of them, fitted in space with least absolute
    deviations, says where a pixel is. Only what lies farther from there than :data:`FARTHEST`, half
    the scene, and ten times the usual distance is misplaced. So a far island stays, and a point at
    0, 0, which is what geocoding leaves where it knows nothing, does not.
    """
    longitude, latitude = lonlat.T
    finite: BoolArray = np.isfinite(longitude) & np.isfinite(latitude)
    possible = finite & (np.abs(longitude) <= 360) & (np.abs(latitude) <= 90)
    wrong: BoolArray = finite & ~possible
    told = possible & (lonlat != 0).any(axis=1)
    if not told.any():
        return finite
    if not wrong.any() and np.hypot(*np.ptp(lonlat[finite], axis=0)) * DEGREE < FARTHEST:
        return wrong
    place = _in_space(np.where(possible[:, None], lonlat, 0))
    centre: NDArray[np.float64] = np.median(place[told], axis=0)
    far = np.linalg.norm(place - centre, axis=1) > FARTHEST
    if not far[possible].any():
        return wrong

    pixel = np.column_stack((_standard(azimuth), _standard(range_sample), np.ones(len(place))))
    sample = np.flatnonzero(told)
    sample = sample[:: -(-len(sample) // _SAMPLE)]
    plane = _least_deviations(pixel[sample], place[sample], centre)
    expected = pixel @ plane
    distance = np.linalg.norm(place - expected, axis=1)
    half = np.linalg.norm(expected - expected.mean(axis=0), axis=1).max() / 2
    usual = np.median(distance[told])
    wrong |= possible & (distance > max(FARTHEST, half, 10 * usual))
    return wrong


def _in_space(lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points on a sphere, (n, 3) [m], where poles and date line are nothing special."""
    longitude, latitude = np.radians(lonlat).T
    level = np.cos(latitude)
    return EARTH_RADIUS * np.column_stack(
        (level * np.cos(longitude), level * np.sin(longitude), np.sin(latitude))
    )


def _standard(values: IntArray) -> NDArray[np.float64]:
    spread = values.std()
    scaled: NDArray[np.float64] = (values - values.mean()) / (spread if spread > 0 else 1.0)
    return scaled


def _least_deviations(
    pixel: NDArray[np.float64], place: NDArray[np.float64], centre: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the plane, (3, 3), with the least sum of distances, by reweighted least squares."""
    distance = np.linalg.norm(place - centre, axis=1)
    plane = np.zeros((3, 3))
    for _ in range(_ITERATIONS):
        root = 1 / np.sqrt(np.maximum(distance, _SMALLEST))[:, None]
        plane = np.linalg.lstsq(pixel * root, place * root, rcond=None)[0]
        distance = np.linalg.norm(place - pixel @ plane, axis=1)
    return plane
