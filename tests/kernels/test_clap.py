"""CLAP filter: published values, scaling, single cells."""

import numpy as np
import pytest
import scipy.fft

from pystamps_hpc.stages.stage2.filter_grid import low_pass_response
from pystamps_kernels.dispatch import table
from pystamps_kernels.reference.clap import response

LOW_PASS = low_pass_response(32, 50.0, 800.0)
N_W = 16
OF_CELLS = low_pass_response(N_W, 50.0, 800.0)
CELLS = np.array([[0, 0], [9, 20], [19, 29], [3, 25], [19, 0]])


@pytest.fixture(params=["double", "single"])
def arithmetic(request):
    return request.param


@pytest.fixture
def kernels(backend, arithmetic):
    return table(backend, arithmetic)


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def field(n_i, n_j):
    row, column = np.mgrid[:n_i, :n_j]
    phase = 0.35 * row - 0.2 * column + 0.8 * np.sin(0.9 * row * column)
    return np.exp(1j * phase) * (1 + 0.1 * ((row + 2 * column) % 5))


def filtered_patch(window, *parameters):
    spectrum = scipy.fft.fft2(window)
    return scipy.fft.ifft2(spectrum * response(spectrum, *parameters))


def test_one_window_is_filtered_as_published():
    found = filtered_patch(field(32, 32), 1.0, 0.3, LOW_PASS)
    assert found[0, 0] == pytest.approx(2.6963768895066 - 1.4870076123397j, abs=1e-11)
    assert found[5, 7] == pytest.approx(3.8848205656328 + 1.2358988113857j, abs=1e-11)
    assert found[16, 16] == pytest.approx(-3.1576169716145 + 2.8449876450657j, abs=1e-11)
    assert found[31, 30] == pytest.approx(2.3223511365668 - 2.0305864953513j, abs=1e-11)
    found = filtered_patch(field(32, 32), 0.5, 0.1, np.zeros((32, 32)))
    assert found[5, 7] == pytest.approx(0.25010791045231 + 0.082354210201007j, abs=1e-11)


def test_a_grid_is_filtered_as_published(kernels):
    grid = field(25, 31).astype("c8")[:, :, np.newaxis]
    found = kernels.stage2_clap_grid(grid, 1.0, 0.3, 24, 8, LOW_PASS)[:, :, 0]
    assert found[0, 0] == pytest.approx(1.8363333078499e-6 + 2.1850836575178e-7j, rel=1e-5)
    assert found[12, 15] == pytest.approx(144.35952356723 + 413.84649764083j, rel=1e-6)
    assert found[24, 30] == pytest.approx(-13.932766101678 + 10.560674095183j, rel=1e-6)
    assert found[3, 28] == pytest.approx(-13.984082890091 + 44.706612747569j, rel=1e-6)
    assert found.sum() == pytest.approx(-2989.1073878618 + 2525.5533097776j, rel=1e-5)


def test_without_an_adaptive_part_each_window_comes_back_tapered(kernels, rng):
    grid = (rng.normal(size=(24, 24, 2)) + 1j * rng.normal(size=(24, 24, 2))).astype("c8")
    found = kernels.stage2_clap_grid(grid, 1.0, 0.0, 24, 8, np.ones((32, 32)))
    ramp = np.minimum(np.arange(24), 23 - np.arange(24))
    weight = ramp[:, None] + ramp + 1e-6
    np.testing.assert_allclose(found, grid * weight[:, :, None], atol=1e-5)


def test_an_empty_grid_stays_empty_and_an_infinite_one_is_not_hidden(kernels):
    grid = np.zeros((24, 24, 1), "c8")
    grid[3, 4], grid[4, 3] = np.nan, complex(0, np.nan)  # empty cells
    assert not kernels.stage2_clap_grid(grid, 1.0, 0.3, 24, 8, LOW_PASS).any()
    grid[5, 5] = np.inf
    with np.errstate(invalid="ignore"):
        found = kernels.stage2_clap_grid(grid, 1.0, 0.3, 24, 8, LOW_PASS)
    assert not np.isfinite(found).any()


def test_a_grid_smaller_than_a_window_is_refused(kernels):
    with pytest.raises(ValueError, match="grid of 23 x 40 cells is smaller than n_win = 24"):
        kernels.stage2_clap_grid(np.ones((23, 40, 1), "c8"), 1.0, 0.3, 24, 8, LOW_PASS)


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
            smooth = scipy.fft.ifft2(spectrum * response(spectrum, 1.0, 0.3, OF_CELLS))
            filtered[number, k] = smooth[row - i, column - j]
    return filtered


@pytest.mark.parametrize("slc_osf", [1, 2])
def test_a_cell_is_filtered_without_itself(kernels, backend, arithmetic, slc_osf, grid):
    in_single_precision = (backend, arithmetic) == ("native", "double")
    kernel, tolerance = kernels.stage3_clap_cells, 2e-6 if in_single_precision else 1e-12
    found = kernel(grid, CELLS, N_W, 1.0, 0.3, OF_CELLS, slc_osf)
    np.testing.assert_allclose(found, whole_windows(grid, slc_osf), atol=tolerance)
    grid[9, 20] = 1e6
    own = kernel(grid, CELLS[1:2], N_W, 1.0, 0.3, OF_CELLS, slc_osf)
    np.testing.assert_array_equal(own, found[1:2])


def test_a_grid_smaller_than_the_window_gives_zeros(kernels, grid):
    assert not kernels.stage3_clap_cells(
        grid[:15].copy(), CELLS[:2], N_W, 1.0, 0.3, OF_CELLS, 1
    ).any()


def test_the_filter_turns_and_scales_with_its_input(kernels, rng):
    grid = (rng.normal(size=(26, 30, 1)) + 1j * rng.normal(size=(26, 30, 1))).astype("c8")
    found = kernels.stage2_clap_grid(grid, 1.0, 0.3, 24, 8, LOW_PASS)
    turned = kernels.stage2_clap_grid(4j * grid, 1.0, 0.3, 24, 8, LOW_PASS)
    np.testing.assert_allclose(turned, 4j * found, atol=1e-4)
