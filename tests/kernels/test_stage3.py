"""Kernels of stage 3: the filter at single cells, and resampled coherence."""

import numpy as np
import pytest
import scipy.fft

from pystamps_hpc.stages.stage2.filter_grid import low_pass_response
from pystamps_kernels.dispatch import table
from pystamps_kernels.reference.clap import response

BACKENDS = ["python", "native"]
N_W = 16
LOW_PASS = low_pass_response(N_W, 50.0, 800.0)
CELLS = np.array([[0, 0], [9, 20], [19, 29], [3, 25], [19, 0]])


@pytest.fixture
def grid():
    rng = np.random.default_rng(3)
    grid = (rng.normal(size=(20, 30, 4)) + 1j * rng.normal(size=(20, 30, 4))).astype("c8")
    grid[2, 2] = np.nan
    return grid


def whole_windows(grid, slc_osf):
    """The filter by its definition: full inverse transform, read at the cell."""
    filtered = np.zeros((len(CELLS), grid.shape[2]), complex)
    for number, (row, column) in enumerate(CELLS):
        i = min(max(row - N_W // 2, 0), grid.shape[0] - N_W)
        j = min(max(column - N_W // 2, 0), grid.shape[1] - N_W)
        window = np.nan_to_num(grid[i : i + N_W, j : j + N_W].astype(complex))
        window[row - i, column - j] = 0
        reach = slc_osf - 1
        window[
            max(row - i - reach, 0) : row - i + reach + 1,
            max(column - j - reach, 0) : column - j + reach + 1,
            0,
        ] = 0
        for k in range(grid.shape[2]):
            spectrum = scipy.fft.fft2(window[:, :, k])
            smooth = scipy.fft.ifft2(spectrum * response(spectrum, 1.0, 0.3, LOW_PASS))
            filtered[number, k] = smooth[row - i, column - j]
    return filtered


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("slc_osf", [1, 2])
def test_a_cell_is_filtered_without_itself(backend, slc_osf, grid):
    kernel = table(backend, "double").stage3_clap_cells
    found = kernel(grid, CELLS, N_W, 1.0, 0.3, LOW_PASS, slc_osf)
    np.testing.assert_allclose(found, whole_windows(grid, slc_osf), atol=1e-12)
    grid[9, 20] = 1e6
    own = kernel(grid, CELLS[1:2], N_W, 1.0, 0.3, LOW_PASS, slc_osf)
    np.testing.assert_array_equal(own, found[1:2])


@pytest.mark.parametrize("n_w", [18, 24, 40])
def test_windows_of_other_sizes_are_filtered_alike(n_w):
    rng = np.random.default_rng(n_w)
    grid = (rng.normal(size=(45, 60, 3)) + 1j * rng.normal(size=(45, 60, 3))).astype("c8")
    cells = np.argwhere(rng.uniform(size=grid.shape[:2]) < 0.05).copy()
    low_pass = low_pass_response(n_w, 50.0, 800.0)
    python, native = (
        table(name, "double").stage3_clap_cells(grid, cells, n_w, 0.8, 0.3, low_pass, 1)
        for name in BACKENDS
    )
    np.testing.assert_allclose(native, python, rtol=0, atol=1e-12)


def test_oversampling_opens_a_hole_in_the_first_plane_only(grid):
    kernel = table("native", "double").stage3_clap_cells
    one = kernel(grid, CELLS, N_W, 1.0, 0.3, LOW_PASS, 1)
    two = kernel(grid, CELLS, N_W, 1.0, 0.3, LOW_PASS, 2)
    assert (one[:, 0] != two[:, 0]).all()
    np.testing.assert_array_equal(one[:, 1:], two[:, 1:])


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_grid_smaller_than_the_window_gives_zeros(backend, grid):
    kernel = table(backend, "double").stage3_clap_cells
    assert not kernel(grid[:15].copy(), CELLS[:2], N_W, 1.0, 0.3, LOW_PASS, 1).any()


def test_resampled_coherence_is_the_same_in_both_backends_and_for_any_cut():
    rng = np.random.default_rng(1)
    residual = rng.normal(0, [[0.05], [0.5], [1.5], [3.0]] * 20, (80, 15)).astype("f4")
    candidate = np.arange(80) * 3
    python, native = (
        table(name, "double").stage3_bootstrap_deviation(residual, candidate, 100, 2005)
        for name in BACKENDS
    )
    np.testing.assert_allclose(native, python, rtol=0, atol=1e-12)
    part = table("native", "double").stage3_bootstrap_deviation(
        residual[33:50], candidate[33:50], 100, 2005
    )
    np.testing.assert_array_equal(part, native[33:50])
    assert (np.diff(native.reshape(20, 4).mean(axis=0)[:3]) > 0).all()


def test_perfect_phases_do_not_scatter():
    deviation = table("native", "double").stage3_bootstrap_deviation(
        np.full((2, 9), 0.7, "f4"), np.arange(2), 100, 2005
    )
    np.testing.assert_allclose(deviation, 0, atol=1e-15)
