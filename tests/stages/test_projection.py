"""The local frame: worked examples, the rule of both extents, order and millimetres."""

import numpy as np
import pytest

from pystamps_hpc.stages.shared.projection import (
    centre_of,
    continuous,
    local_coordinates,
    order_and_round,
    rotate_if_smaller,
)

ORIGIN = np.array([10.0, 45.0])


@pytest.mark.parametrize(
    ("lonlat", "xy"),
    [
        ((10.1, 45.05), (7877.910220066224, 5561.415169686370)),
        ((10.0, 44.9), (0, -11112.95190434810)),
        ((9.8, 0.0), (-22263.89815865457, -4984779.459617785)),
    ],
)
def test_coordinates_are_those_of_the_worked_example(lonlat, xy):
    np.testing.assert_allclose(local_coordinates(np.array([lonlat]), ORIGIN)[0], xy, rtol=1e-14)


def test_a_constant_longitude_moves_nothing():
    lonlat = np.random.default_rng(0).uniform([10, 44], [11, 45], (50, 2))
    here = local_coordinates(lonlat, ORIGIN)
    east = np.array([30, 0])
    there = local_coordinates(lonlat + east, ORIGIN + east)
    np.testing.assert_allclose(here, there, atol=1e-6)


def test_the_origin_is_the_middle_of_the_extents():
    lonlat = np.array([[10, 44], [12, 47], [np.nan, 45], [10.1, 44.1]])
    assert centre_of(lonlat).tolist() == [11, 45.5]


def strip(heading):
    """Points along the track, so that the turned frame is narrower both ways."""
    theta = np.radians(180 - heading)
    along, across = np.meshgrid(np.linspace(-500, 500, 9), np.linspace(-400, 400, 7))
    x, y = across.ravel(), along.ravel()
    return np.column_stack(
        (np.cos(theta) * x - np.sin(theta) * y, np.sin(theta) * x + np.cos(theta) * y)
    )


@pytest.mark.parametrize("heading", [-168.0, 192.0])
def test_the_frame_is_turned_along_the_track_if_both_extents_shrink(heading):
    turned = rotate_if_smaller(strip(-168.0), heading)
    np.testing.assert_allclose(np.ptp(turned, axis=0), [800, 1000], atol=1e-9)


def test_the_turn_is_that_of_the_worked_example():
    x, y = 7877.910220066224, 5561.415169686370
    corners = np.array([[x, y], [-x, -y], [y, -x * 3], [-y, x * 3]])
    assert rotate_if_smaller(corners, -168.0) is corners  # one extent would grow
    wide = np.concatenate([[[x, y]], strip(-168.0) * 40])
    np.testing.assert_allclose(
        rotate_if_smaller(wide, -168.0)[0], (6549.475749285072, 7077.794538877791), rtol=1e-13
    )


def test_an_unknown_heading_turns_nothing():
    xy = strip(-168.0)
    assert rotate_if_smaller(xy, float("nan")) is xy


def test_points_are_ordered_by_y_then_x_as_singles_before_rounding():
    xy = np.array([[3, 2], [1, 2.00000001], [2, 1.0004], [1, 1.0001], [1, 1.0001]])
    order, rounded = order_and_round(xy)
    # 2 and 2.00000001 are one single, so x decides; equal points keep their order
    assert order.tolist() == [3, 4, 2, 1, 0]
    assert rounded.dtype == np.float32
    assert rounded[2].tolist() == [2, 1]


def test_millimetres_are_rounded_in_single_and_away_from_zero():
    values = np.array([1234.56789, -0.0005, 0.0005, 2.0625e-3, -0.0015])
    _, rounded = order_and_round(np.column_stack((values, np.arange(5))))
    wanted = np.array([1234.568, -0.001, 0.001, 0.002, -0.002], np.float32)
    half = np.float32(0.0005) * np.float32(1000)
    assert half == 0.5
    np.testing.assert_array_equal(rounded[:, 0], wanted)


def test_a_frame_of_no_points_is_empty():
    order, rounded = order_and_round(rotate_if_smaller(np.empty((0, 2)), -168.0))
    assert len(order) == 0
    assert rounded.shape == (0, 2)


@pytest.mark.parametrize(
    ("longitude", "expected"),
    [
        ([179.9, -179.9, 179.8], [179.9, 180.1, 179.8]),
        ([-179.9, 179.9, -179.8, np.nan], [-179.9, -180.1, -179.8, np.nan]),
        ([285.0, -75.1, 285.2], [285.0, 284.9, 285.2]),
        ([0.1, 359.9, 0.2], [0.1, -0.1, 0.2]),
    ],
)
def test_longitudes_go_to_where_most_of_them_are(longitude, expected):
    np.testing.assert_allclose(continuous(np.array(longitude)), expected, atol=1e-12)


@pytest.mark.parametrize("longitude", [[], [np.nan], [10.0, 12.5, np.nan], [179.9], [285.0, 286.0]])
def test_longitudes_without_a_jump_are_returned_as_they_are(longitude):
    values = np.array(longitude)
    assert continuous(values) is values
