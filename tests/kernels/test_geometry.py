"""Geometry of candidates: micro-vectors of the specification, planes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pystamps_kernels.dispatch import table

from .conftest import BACKENDS

ORBIT = (845000.0, 7.8, 7070000.0, 6368000.0)


def test_angles_and_baseline_are_those_of_the_worked_example(kernels):
    look, incidence = kernels.stage1_look_angles(np.array([7.0]), *ORBIT)
    assert look[0] == pytest.approx(0.556257889693773, abs=1e-15)
    assert incidence[0] == pytest.approx(0.626384281321676, abs=1e-15)
    bperp = kernels.stage1_perpendicular_baselines(
        np.array([0 - (240 / 2 - 0.5)]),
        look,
        np.array([[-173.6289257, 108.3307236]]),
        np.array([[-0.2004775, 0.0601433]]),
        486.486,
    )
    assert bperp[0, 0] == pytest.approx(-204.6023928313098, abs=1e-12)


def test_a_range_that_closes_no_triangle_has_no_angle(kernels):
    look, incidence = kernels.stage1_look_angles(np.array([0.0]), 1.0, 1.0, 7070000.0, 6368000.0)
    assert np.isnan(look[0])
    assert np.isnan(incidence[0])


@settings(deadline=None)
@given(st.tuples(*[st.floats(-10, 10)] * 3), st.integers(2, 6), st.integers(2, 6))
def test_a_plane_is_reproduced_inside_the_grid(plane, n_row, n_col):
    a, b, c = plane
    i, j = np.mgrid[:n_row, :n_col].astype(float)
    row, column = np.random.default_rng(0).random((2, 20)) * [[n_row - 1], [n_col - 1]]
    for backend in BACKENDS:
        values = table(backend, "double").stage1_bilinear(a + b * i + c * j, row, column)
        np.testing.assert_allclose(values, a + b * row + c * column, atol=1e-12)


def test_nodes_are_reproduced_exactly_at_all_corners(kernels):
    grid = np.array([[1.0, 2.0], [4.0, 8.0]])
    row, column = np.array([0.0, 0, 1, 1]), np.array([0.0, 1, 0, 1])
    np.testing.assert_array_equal(kernels.stage1_bilinear(grid, row, column), grid.ravel())
