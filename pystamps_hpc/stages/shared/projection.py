"""The local frame of a set of points: polyconic projection, rotation, row order, millimetres.

Stage 1 lays such a frame over each patch, the merge lays a new one over all of them.
"""

import math

import numpy as np
from numpy.typing import NDArray

from pystamps_kernels.numerics import round_half_away

SEMI_MAJOR_AXIS = 6378137.0  # [m]
# StaMPS uses the number of WGS84's second eccentricity as if it were the first; the scale is off
# by 2e-5, and the local coordinates of the reference can only be had with it.
ECCENTRICITY = 0.08209443794970


def continuous(longitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move longitudes by whole turns to where most of them are.

    Parameters
    ----------
    longitude : (n,) float64
        In any convention, also a mixed one [deg]; NaN is unknown.

    Returns
    -------
    (n,) float64
        Within half a turn of their mean direction; a scene without a jump keeps its values.
    """
    known = longitude[np.isfinite(longitude)]
    if not len(known) or np.ptp(known) < 180:
        return longitude
    centre = np.degrees(np.angle(np.exp(1j * np.radians(known)).sum()))
    turns, counts = np.unique(np.round((known - centre) / 360), return_counts=True)
    if len(turns) == 1:
        return longitude
    here = np.round((longitude - centre) / 360)
    moved: NDArray[np.float64] = longitude - 360 * (here - turns[np.argmax(counts)])
    return moved


def within_half_turn(longitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return longitudes from -180 to 180 degrees; those that are there keep their bits."""
    turned = longitude - 360 * np.round(longitude / 360)
    return np.where(np.abs(longitude) > 180, turned, longitude)


def centre_of(lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the middle of the extents, (2,) [deg], NaN ignored; the origin of the frame."""
    middle: NDArray[np.float64] = (np.nanmax(lonlat, axis=0) + np.nanmin(lonlat, axis=0)) / 2
    return middle


def local_coordinates(
    lonlat: NDArray[np.float64], origin: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Project longitude and latitude to a local frame.

    Parameters
    ----------
    lonlat : (n, 2) float64
        Longitude, latitude [deg].
    origin : (2,) float64
        Longitude, latitude of the origin [deg].

    Returns
    -------
    (n, 2) float64
        Easting and northing [m] from the origin, height ignored.

    Notes
    -----
    StaMPS ``llh2local``; docs/science/loading.md, Local frame.
    """
    longitude, latitude = np.radians(lonlat).T
    longitude_0, latitude_0 = np.radians(origin)
    sine = np.sin(latitude)
    on_equator = latitude == 0
    # the equator has a formula of its own; any latitude keeps the general one finite there
    safe = np.where(on_equator, 1.0, latitude)
    radius = SEMI_MAJOR_AXIS / np.sqrt(1 - ECCENTRICITY**2 * sine**2) / np.tan(safe)
    angle = (longitude - longitude_0) * sine
    x = radius * np.sin(angle)
    y = _meridian_arc(latitude) - _meridian_arc(latitude_0) + radius * (1 - np.cos(angle))
    x = np.where(on_equator, SEMI_MAJOR_AXIS * (longitude - longitude_0), x)
    y = np.where(on_equator, -_meridian_arc(latitude_0), y)
    return np.column_stack((x, y))


def rotate_if_smaller(xy: NDArray[np.float64], heading: float) -> NDArray[np.float64]:
    """Turn the frame along the track if that makes both extents strictly smaller.

    Parameters
    ----------
    xy : (n, 2) float64
        Local coordinates [m].
    heading : float
        Heading of the satellite [deg]; NaN (unknown) leaves the frame as it is.

    Returns
    -------
    (n, 2) float64
        Rotated coordinates, or `xy` itself.
    """
    if math.isnan(heading) or not len(xy):
        return xy
    theta = math.radians(180 - heading)
    if theta > math.pi:
        theta -= 2 * math.pi
    cosine, sine = math.cos(theta), math.sin(theta)
    x, y = xy.T
    rotated = np.column_stack((cosine * x + sine * y, cosine * y - sine * x))
    smaller = _extents(rotated) < _extents(xy)
    return rotated if smaller.all() else xy


def order_and_round(
    xy: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Order the points by y, then x, and round their coordinates to millimetres.

    Parameters
    ----------
    xy : (n, 2) float64
        Local coordinates [m].

    Returns
    -------
    order : (n,) int64
        Row of each point of the new order; stable, NaN last. Decided on single values before
        they are rounded.
    rounded : (n, 2) float32
        Coordinates in the new order [m], rounded to millimetres in single, halves away from zero.
    """
    single = xy.astype(np.float32)
    order = np.lexsort((single[:, 0], single[:, 1])).astype(np.int64)
    millimetres = round_half_away(single[order] * np.float32(1000))
    return order, (millimetres / np.float32(1000)).astype(np.float32)


def _meridian_arc(latitude: NDArray[np.float64]) -> NDArray[np.float64]:
    e2 = ECCENTRICITY**2
    e4, e6 = e2**2, e2**3
    return SEMI_MAJOR_AXIS * (
        (1 - e2 / 4 - 3 * e4 / 64 - 5 * e6 / 256) * latitude
        - (3 * e2 / 8 + 3 * e4 / 32 + 45 * e6 / 1024) * np.sin(2 * latitude)
        + (15 * e4 / 256 + 45 * e6 / 1024) * np.sin(4 * latitude)
        - (35 * e6 / 3072) * np.sin(6 * latitude)
    )


def _extents(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    extents: NDArray[np.float64] = np.nanmax(xy, axis=0) - np.nanmin(xy, axis=0)
    return extents
