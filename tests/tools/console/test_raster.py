"""Pictures of points: a pixel shows the mean of its points, and a map that moves stays itself."""

import io
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pystamps_hpc.errors import ConfigError, DatasetError
from pystamps_hpc.stages.shared.projection import local_coordinates
from pystamps_hpc.tools.console.places import Box, Places
from pystamps_hpc.tools.console.raster import COLOURS, View, levels, png_of
from pystamps_hpc.tools.drawing.colours import Scale, palette

BOX = Box(12.0, 44.0, 12.4, 44.2)
MOTION = Scale("motion", -10, 10, "")


def crowd(n, seed=0):
    rng = np.random.default_rng(seed)
    longitude = rng.uniform(BOX.west, BOX.east, n)
    latitude = rng.uniform(BOX.south, BOX.north, n)
    return longitude, latitude, 40 * (longitude - 12.2) + rng.normal(0, 1, n)


def level(value, scale=MOTION):
    place = (value - scale.low) / (scale.high - scale.low) * COLOURS
    return 1 + np.clip(np.floor(place), 0, COLOURS - 1)


def test_a_pixel_shows_the_mean_of_its_points():
    longitude, latitude, values = crowd(100_000)
    values[::7] = np.nan
    found = levels(View(BOX, 90, 60), longitude, latitude, values, MOTION, BOX)
    known = np.isfinite(values)
    places = -latitude[known], longitude[known]
    edges = np.linspace(-BOX.north, -BOX.south, 61), np.linspace(BOX.west, BOX.east, 91)
    total, *_ = np.histogram2d(*places, edges, weights=values[known])
    count, *_ = np.histogram2d(*places, edges)
    np.testing.assert_allclose(found, level(total / count), atol=1)  # a mean may lie on an edge
    assert (found == level(total / count)).mean() > 0.999


def test_points_outside_of_a_view_are_in_no_pixel():
    longitude, latitude, values = crowd(50_000)
    view = View(Box(12.1, 44.05, 12.2, 44.1), 50, 40)
    shown = levels(view, longitude, latitude, values, MOTION, BOX)
    inside = (longitude > 12.1) & (longitude < 12.2) & (latitude > 44.05) & (latitude < 44.1)
    alone = levels(view, longitude[inside], latitude[inside], values[inside], MOTION, BOX)
    np.testing.assert_array_equal(shown, alone)


def test_a_lonely_point_is_a_disc_around_its_pixel():
    view = View(BOX, 400, 200)
    found = levels(view, np.array([12.2005]), np.array([44.1005]), np.array([10.0]), MOTION, BOX)
    rows, columns = np.nonzero(found)
    assert set(np.unique(found)) == {0, COLOURS}
    assert (rows.mean(), columns.mean()) == (99, 200)
    assert 5 <= np.ptp(rows) + 1 <= 9
    assert np.ptp(rows) == np.ptp(columns)
    assert found[rows.min(), columns.min()] == 0  # round


@given(st.integers(-40, 40), st.integers(-40, 40))
@settings(max_examples=15, deadline=None)
def test_a_map_that_is_moved_by_whole_pixels_shows_the_same(right, down):
    longitude, latitude, values = crowd(20_000)  # several pixels for each cell
    across, up = 0.4 / 400, 0.2 / 200
    whole = levels(View(BOX, 400, 200), longitude, latitude, values, MOTION, BOX)
    # half a pixel off, so that rounding cannot tell pixels apart
    box = Box(12.1 + (right + 0.5) * across, 44.05 - (down + 0.5) * up,
              12.3 + (right + 0.5) * across, 44.15 - (down + 0.5) * up)  # fmt: skip
    part = levels(View(box, 200, 100), longitude, latitude, values, MOTION, BOX)
    filled = np.count_nonzero(part) / part.size
    assert 0.7 < filled < 0.95
    again = Box(box.west + 30 * across, box.south - 7 * up, box.east + 30 * across,
                box.north - 7 * up)  # fmt: skip
    moved = levels(View(again, 200, 100), longitude, latitude, values, MOTION, BOX)
    same = part[7:, 30:] == moved[:-7, :-30]
    assert same[10:-10, 10:-10].mean() > 0.99  # points on the edge of a pixel
    assert whole.shape == (200, 400)


def test_the_mean_of_phase_is_that_of_its_phasors():
    scale = Scale("cycle", -math.pi, math.pi, "")
    around = np.array([3.1, -3.1, 3.1, -3.1])
    place = np.full(4, 12.2), np.full(4, 44.1)
    found = levels(View(BOX, 40, 20), *place, around, scale, BOX)
    assert set(np.unique(found)) <= {0, 1, COLOURS}


def test_the_picture_has_few_colours_and_is_transparent_where_no_point_is():
    from PIL import Image

    found = levels(View(BOX, 400, 200), *crowd(2000), MOTION, BOX)
    png = png_of(found, MOTION)
    image = Image.open(io.BytesIO(png))
    assert image.mode == "P"
    seen = np.asarray(image.convert("RGBA"))
    np.testing.assert_array_equal(seen[..., 3] > 0, found > 0)
    expected = palette("motion", COLOURS)[found[found > 0].astype(int) - 1]
    np.testing.assert_array_equal(seen[found > 0][:, :3], expected)


@pytest.mark.parametrize("size", [(0, 10), (10, 0), (5000, 10), (4096, 4096)])
def test_a_picture_that_is_too_large_is_refused(size):
    with pytest.raises(ConfigError, match=r"pixels"):
        View(BOX, *size)


@pytest.mark.parametrize(
    "bounds", [(1, 0, 0, 1), (0, 1, 1, 0), (0, 0, math.nan, 1), (0, 0, math.inf, 1)]
)
def test_a_box_without_inside_is_refused(bounds):
    with pytest.raises(ConfigError, match="west below east"):
        Box(*bounds)


def test_cells_hold_exactly_the_points_of_a_part():
    longitude, latitude, _ = crowd(5000)
    lonlat = np.column_stack((longitude, latitude))
    lonlat[::11] = np.nan
    places = Places.of(lonlat)
    assert len(places) == np.isfinite(lonlat[:, 0]).sum()
    box = Box(12.11, 44.02, 12.23, 44.13)
    expected = (longitude >= box.west) & (longitude <= box.east)
    expected &= (latitude >= box.south) & (latitude <= box.north) & np.isfinite(lonlat[:, 0])
    found = places.order[places.within(box)]
    np.testing.assert_array_equal(np.sort(found), np.flatnonzero(expected))
    rows = np.array([12, 777])
    np.testing.assert_array_equal(places.order[places.sorted_from(rows)], rows)
    with pytest.raises(DatasetError, match="PS 12: has no position"):
        places.sorted_from(np.array([11]))


@given(st.floats(12.0, 12.4), st.floats(44.0, 44.2))
@settings(max_examples=30, deadline=None)
def test_the_nearest_point_is_the_nearest_of_all(lon, lat):
    longitude, latitude, _ = crowd(400)
    places = Places.of(np.column_stack((longitude, latitude)))
    away = np.hypot(*local_coordinates(np.column_stack((longitude, latitude)),
                                       np.array([lon, lat])).T)  # fmt: skip
    found = places.nearest(lon + 360, lat, 5000.0)  # the same place
    assert (found is None) == (away.min() > 5000)
    if found is not None:
        assert away[places.order[found]] == pytest.approx(away.min())
