"""The pieces of pictures: cells, limits, frames, panels, the ground."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pystamps_hpc.tools.drawing.colours import MAPS, Scale, Tails, palette, scale_of
from pystamps_hpc.tools.drawing.frame import Frame
from pystamps_hpc.tools.drawing.furniture import mark_reference
from pystamps_hpc.tools.drawing.hillshade import ground
from pystamps_hpc.tools.drawing.maps import GAP, LABEL, LEAST_WIDTH, Panel
from pystamps_hpc.tools.drawing.points import MOST_MARKERS, draw_points, maps_of

CALMLY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

SQUARE = Frame(2.0, 2.0, 12.0, 12.1, 44.0, 44.1)


def places(n, seed=0):
    return np.random.default_rng(seed).uniform((12, 44), (12.1, 44.1), (n, 2))


def axes():
    figure = pytest.importorskip("matplotlib.figure").Figure()
    return figure.add_subplot()


def cell_by_cell(lonlat, shape):
    """Return the points of each cell, found one by one."""
    members = {}
    for k, (lon, lat) in enumerate(lonlat):
        row = int((44.1 - lat) / 0.1 * shape[0])
        column = int((lon - 12) / 0.1 * shape[1])
        members.setdefault((row, column), []).append(k)
    return members


def test_each_cell_shows_the_mean_of_its_points_without_nan():
    n = MOST_MARKERS + 500
    lonlat, rng = places(n), np.random.default_rng(1)
    values = rng.normal(3, 2, (n, 2))
    values[rng.random((n, 2)) < 0.3] = np.nan
    values[lonlat[:, 0] < 12.02, 1] = np.nan
    maps = maps_of(values, lonlat, SQUARE)
    expected = np.full(maps.values.shape, np.nan)
    for (row, column), members in cell_by_cell(lonlat, maps.values.shape[1:]).items():
        for k in range(2):
            known = values[members, k][~np.isnan(values[members, k])]
            if known.size:
                expected[k, row, column] = known.mean()
    assert maps.in_cells
    assert np.isnan(expected[1]).any()
    np.testing.assert_allclose(maps.values, expected, atol=1e-12)
    assert maps.known.tolist() == np.isfinite(values).sum(axis=0).tolist()


def test_a_cell_of_phasors_shows_the_phase_of_their_sum():
    n = MOST_MARKERS + 500
    lonlat, rng = places(n), np.random.default_rng(1)
    phase = math.pi + rng.normal(0, 0.3, (n, 1))  # around the place where phase is cut
    maps = maps_of(np.exp(1j * phase).astype(np.complex64), lonlat, SQUARE)
    for (row, column), members in cell_by_cell(lonlat, maps.values.shape[1:]).items():
        expected = np.angle(np.exp(1j * phase[members, 0]).sum())
        assert abs(np.angle(np.exp(1j * (maps.values[0, row, column] - expected)))) < 1e-5
    assert (np.abs(maps.values[np.isfinite(maps.values)]) > 1).all()


def test_few_points_have_a_marker_each_and_a_phasor_of_length_zero_has_none():
    lonlat = places(50)
    values = np.exp(1j * np.linspace(-3, 3, 50))[:, None]
    values[7] = 0
    lonlat[9] = np.nan
    maps = maps_of(values, lonlat, SQUARE)
    drawn = draw_points(axes(), maps, 0, Scale("cycle", -math.pi, math.pi, ""))
    kept = np.delete(np.arange(50), [7, 9])
    np.testing.assert_allclose(
        sorted(drawn.get_array()), sorted(np.linspace(-3, 3, 50)[kept]), atol=1e-12
    )
    at = {tuple(place) for place in drawn.get_offsets().data.tolist()}
    assert at == {tuple(place) for place in lonlat[kept].tolist()}
    assert maps.known.tolist() == [48]


@example(values=[3.0, -1.0, 7.5], times=500, cut=333)  # position 2 from below
@example(values=[0.0, 2.0], times=1250, cut=2500)
@CALMLY
@given(
    values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60),
    times=st.integers(1, 60),
    cut=st.integers(1, 500),
)
def test_limits_are_the_sorted_values_at_the_positions_of_stamps(values, times, cut):
    every = np.repeat(np.array(values), times) + np.tile(np.arange(times) / times, len(values))
    with_gaps = np.concatenate((every, [np.nan] * 5))
    tails = Tails(len(with_gaps))
    for first in range(0, len(with_gaps), cut):
        tails.add(with_gaps[first : first + cut])
    ordered, n = np.sort(every), len(every)
    low = ordered[math.ceil(0.001 * n) - 1]
    high = ordered[max(math.floor(0.999 * n + 0.5), 1) - 1]
    assert tails.ends() == (low, high)
    assert (tails.least, tails.most, tails.count) == (ordered[0], ordered[-1], n)


def test_scales_with_a_middle_reach_as_far_to_both_sides_and_wrapped_phase_one_cycle():
    tails = Tails(1000)
    tails.add(np.linspace(-2, 10, 1000))
    low, high = tails.ends()
    assert (low, high) == (-2, pytest.approx(10, abs=0.02))
    motion = scale_of("motion", "", tails, None)
    assert (motion.low, motion.high, motion.below, motion.above) == (-high, high, False, True)
    assert scale_of("spread", "", tails, None).low == -2
    cycle = scale_of("cycle", "", tails, None)
    assert (cycle.low, cycle.high) == (-math.pi, math.pi)
    assert scale_of("motion", "", tails, (-1, 4)) == Scale("motion", -1, 4, "", True, True)
    same = Tails(3)
    same.add(np.zeros(3))
    assert scale_of("motion", "", same, None).high > scale_of("motion", "", same, None).low


def test_the_colours_of_a_cycle_close_and_the_others_keep_their_middle():
    pytest.importorskip("matplotlib")
    cycle = Scale("cycle", -1, 1, "").colour_map()
    assert cycle(0.0) == cycle(1.0)
    steps = np.abs(np.diff(cycle(np.linspace(0, 1, 256))[:, :3], axis=0)).max()
    assert steps < 0.03
    # blue is towards the satellite: velocities grow towards it, phase away from it
    motion, phase = (Scale(name, -1, 1, "").colour_map() for name in ("motion", "phase"))
    assert motion(1.0)[2] > motion(1.0)[0]
    np.testing.assert_allclose(motion(0.2), phase(0.8), atol=0.02)
    for name in MAPS:
        assert Scale(name, 0, 1, "").colour_map()(0.5)[3] == 1
        exact = Scale(name, 0, 1, "").colour_map()(np.linspace(0, 1, 33))[:, :3] * 255
        np.testing.assert_allclose(palette(name, 33), exact, atol=3)  # matplotlib has 256 steps


@CALMLY
@given(
    count=st.integers(1, 300),
    ratio=st.floats(0.5, 2.0),
    lines=st.integers(1, 2),
)
def test_the_maps_of_a_panel_lie_beside_each_other_and_are_not_too_small(count, ratio, lines):
    frame = Frame(4.0, 4.0 * ratio, 12, 12.1, 44, 44.1)
    grid = Panel.of(frame, count, lines)
    width, height = grid.size
    assert grid.frame.width >= LEAST_WIDTH - 1e-9
    assert grid.frame.height / grid.frame.width == pytest.approx(ratio)
    corners = np.array([grid.corner(k) for k in range(count)])
    assert (corners > -1e-9).all()
    assert (corners[:, 0] + grid.frame.width <= width + 1e-9).all()
    assert (corners[:, 1] + grid.frame.height + lines * LABEL <= height + 1e-9).all()
    apart = np.abs(corners[:, None] - corners[None]) + 1e-9
    beside = (apart[..., 0] >= grid.frame.width + GAP) | (
        apart[..., 1] >= grid.frame.height + lines * LABEL + GAP
    )
    assert (beside | np.eye(count, dtype=bool)).all()


def test_slopes_towards_the_north_west_are_bright_and_nothing_is_said_far_from_points():
    lonlat = places(4000)
    lonlat[:, 0] = 12 + 0.6 * (lonlat[:, 0] - 12)
    east, north = (lonlat - (12.03, 44.05)).T
    ridge = -2000 * np.abs(east - north)  # its sides look to the north-west and the south-east
    bright = ground(lonlat, ridge, SQUARE)
    n_rows, n_columns = bright.shape
    north_west = bright[int(0.3 * n_rows), int(0.15 * n_columns)]
    south_east = bright[int(0.75 * n_rows), int(0.5 * n_columns)]
    assert north_west > south_east + 0.2
    assert np.isnan(bright[:, int(0.9 * n_columns) :]).all()
    flat = ground(lonlat, np.full(4000, 100.0), SQUARE)
    assert np.ptp(flat[5:-5, 5 : n_columns // 2]) < 1e-6


def test_the_reference_area_is_outlined_where_its_points_are():
    lonlat = places(300)
    inside = np.flatnonzero((np.abs(lonlat - (12.05, 44.05)) < 0.01).all(axis=1))
    page = axes()
    mark_reference(page, SQUARE, lonlat, inside)
    (outline,) = page.patches
    np.testing.assert_allclose(outline.get_xy(), lonlat[inside].min(axis=0))
    size = np.array([outline.get_width(), outline.get_height()])
    np.testing.assert_allclose(size, np.ptp(lonlat[inside], axis=0))
    assert [text.get_text() for text in page.texts] == ["reference"]
    page = axes()
    mark_reference(page, SQUARE, lonlat, np.array([17]), named=False)
    (cross,) = page.lines
    np.testing.assert_allclose(cross.get_xydata()[0], lonlat[17])
    page = axes()
    mark_reference(page, SQUARE, lonlat, np.arange(300))
    mark_reference(page, SQUARE, lonlat, None)
    assert not [*page.patches, *page.lines, *page.texts]
