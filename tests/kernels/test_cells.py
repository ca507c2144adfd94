"""Points and the cells of a grid: sums, the nearest occupied cell, phases given back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pystamps_kernels.dispatch import table

from .arguments import angle_between, number_columns, phasors
from .conftest import BACKENDS


def test_grid_cells_hold_the_sums_of_their_rows_in_order(kernels):
    rng = np.random.default_rng(5)
    rows = (rng.normal(size=(500, 3)) + 1j * rng.normal(size=(500, 3))).astype("c8")
    cell = rng.integers(0, 12, 500)
    rows[7] = np.nan
    grid = kernels.stage2_grid_accumulate(rows, cell, 3, 5)
    expected = np.zeros((15, 3), np.complex64)
    for row, place in zip(rows, cell, strict=True):
        expected[place] += row
    np.testing.assert_array_equal(grid, expected.reshape(3, 5, 3))
    assert np.isnan(grid).any(axis=2).sum() == 1
    order = np.argsort(cell, kind="stable")  # keeps the order inside each cell
    np.testing.assert_array_equal(
        kernels.stage2_grid_accumulate(rows[order], cell[order], 3, 5), grid
    )


def test_a_cell_outside_the_grid_is_an_error(kernels):
    with pytest.raises(IndexError, match=r"1 cells outside the grid of 6, first grid_lin\[1\] = 6"):
        kernels.stage2_grid_accumulate(np.ones((2, 1), "c8"), np.array([0, 6]), 2, 3)


def test_no_rows_give_an_empty_grid(kernels):
    grid = kernels.stage2_grid_accumulate(np.ones((0, 2), "c8"), np.zeros(0, np.int64), 2, 3)
    assert grid.shape == (2, 3, 2)
    assert not grid.any()


def test_cell_sums_add_in_single_precision_in_the_order_of_the_points(kernels):
    big = np.float32(2**24)
    values = np.array([1, big, 1j, 1, 1], np.complex64)
    sums = kernels.stage6_cell_sums(values, np.array([1, 3, 4, 0, 2]), np.array([0, 3, 5]))
    np.testing.assert_array_equal(sums, np.array([big, 1 + 1j], np.complex64))


def brute_force_nearest(node):
    """Smallest (squared distance, node number) over all nodes."""
    at = np.argwhere(node >= 0)
    numbers = node[node >= 0]
    nearest = np.empty_like(node)
    for cell in np.ndindex(node.shape):
        distance = ((at - cell) ** 2).sum(axis=1)
        nearest[cell] = min(zip(distance, numbers, strict=True))[1]
    return nearest


@settings(deadline=None, max_examples=60)
@given(
    st.tuples(st.integers(1, 12), st.integers(1, 12)).flatmap(
        lambda shape: arrays(bool, shape, elements=st.booleans())
    )
)
def test_the_nearest_node_is_the_lowest_of_the_closest(mask):
    mask[0, mask.shape[1] // 2] |= not mask.any()
    node = number_columns(mask)
    wanted = brute_force_nearest(node)
    for backend in BACKENDS:
        found = table(backend, "double").stage6_nearest_node(node)
        np.testing.assert_array_equal(found, wanted)


def test_points_take_the_cycles_of_their_node_and_keep_their_own_phase(kernels):
    rng = np.random.default_rng(1)
    psi = phasors(rng, 50, 7)
    grid = rng.normal(0, 20, (9, 7)).astype(np.float32)
    node = rng.integers(-1, 9, 50)
    unwrapped = kernels.stage6_to_points(psi, grid, node)
    lost = node < 0
    assert lost.any()
    assert np.isnan(unwrapped[lost]).all()
    kept = unwrapped[~lost]
    assert angle_between(np.exp(1j * kept.astype(float)), psi[~lost]).max() < 1e-5
    assert np.abs(kept - grid[node[~lost]]).max() < np.pi + 1e-5
