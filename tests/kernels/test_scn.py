"""Filters in time and in space, velocity."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import lsqr

from pystamps_hpc.stages.stage8.gaussian import low_pass_weights
from pystamps_hpc.stages.stage8.neighbours import cell_grid
from pystamps_kernels.dispatch import table

from .conftest import BACKENDS

SIGMA = 100.0


def noise(n_ps, n_use, seed=0):
    return np.random.default_rng(seed).normal(0, 1, (n_ps, n_use)).astype(np.float32)


def low_pass(kernels, phase, xy, sigma=SIGMA, rows=None, reach=4.0):
    grid = cell_grid(xy, reach * sigma)
    first, stop = rows or (0, len(xy))
    return kernels.stage8_spatial_lowpass(
        phase, xy, grid.order, grid.cells, grid.starts, grid.width, sigma, first, stop
    )


def low_pass_by_definition(phase, xy, sigma=SIGMA):
    result = np.empty(phase.shape)
    for point in range(len(xy)):
        away = xy[point] - xy
        square = away[:, 0] * away[:, 0] + away[:, 1] * away[:, 1]
        member = square < np.float32((4 * sigma) ** 2)
        weight = np.exp(-square[member].astype(float) / (2 * sigma**2))
        result[point] = weight @ phase[member] / weight.sum()
    return result


def test_the_high_pass_is_the_adjusted_high_pass_of_arcs(kernels):
    # a random connected graph: its arc phases, high-passed in time, adjusted with PS 1 = 0
    rng = np.random.default_rng(4)
    n_ps, n_use = 25, 9
    phase = noise(n_ps, n_use)
    weights = low_pass_weights(np.sort(rng.uniform(0, 900, n_use)), 365.0, 4)
    tree = [(rng.integers(0, point), point) for point in range(1, n_ps)]
    arcs = np.array([*tree, *rng.integers(0, n_ps, (40, 2))])
    arcs = arcs[arcs[:, 0] != arcs[:, 1]]
    step = phase[arcs[:, 1]].astype(float) - phase[arcs[:, 0]]
    step -= step @ weights
    rows = np.repeat(np.arange(len(arcs)), 2)
    incidence = coo_matrix(
        (np.tile([-1.0, 1.0], len(arcs)), (rows, arcs.ravel())), (len(arcs), n_ps)
    )
    free = incidence.tocsc()[:, 1:]
    adjusted = np.column_stack(
        [lsqr(free, column, atol=1e-14, btol=1e-14, iter_lim=500)[0] for column in step.T]
    )
    origin = kernels.stage8_temporal_highpass(phase[:1], weights, np.zeros(n_use))[0]
    found = kernels.stage8_temporal_highpass(phase, weights, origin)
    np.testing.assert_allclose(found[1:], adjusted, atol=1e-8)
    np.testing.assert_array_equal(found[0], 0)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 1000),
    n_ps=st.integers(1, 150),
    side=st.sampled_from([50.0, 900.0, 5000.0]),
    backend=st.sampled_from(BACKENDS),
)
def test_the_low_pass_is_a_gaussian_mean_within_four_sigma(seed, n_ps, side, backend):
    rng = np.random.default_rng(seed)
    xy = rng.uniform(-side / 2, side / 2, (n_ps, 2)).astype(np.float32)
    phase = noise(n_ps, 3, seed)
    found = low_pass(table(backend, "double"), phase, xy)
    np.testing.assert_allclose(found, low_pass_by_definition(phase, xy), atol=1e-12)


def test_membership_is_decided_in_single_on_a_rotated_grid(kernels):
    # many pairs at exactly four sigma: the rim weighs 3.4e-4 each
    step = np.arange(20) * 50.0
    x, y = (axis.ravel() for axis in np.meshgrid(step, step))
    angle = np.radians(11)
    turned = (x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle))
    xy = np.round(np.column_stack(turned), 3).astype(np.float32)
    phase = noise(len(xy), 2)
    expected = low_pass_by_definition(phase, xy)
    np.testing.assert_allclose(low_pass(kernels, phase, xy), expected, atol=1e-13)
    in_double = low_pass_by_definition(phase, xy.astype(np.float64))
    assert np.abs(expected - in_double).max() > 1e-6


def test_a_ps_at_exactly_four_sigma_is_no_member(kernels):
    xy = np.array([[0, 0], [400, 0], [399.99, 0.0]], np.float32)
    phase = np.array([[0.0], [1000.0], [1.0]], np.float32)
    assert 0 < low_pass(kernels, phase, xy)[0, 0] < 1e-3


def test_a_filtered_row_depends_neither_on_the_cells_nor_on_the_cut(kernels):
    xy = np.random.default_rng(2).uniform(0, 2000, (300, 2)).astype(np.float32)
    phase = noise(300, 5)
    whole = low_pass(kernels, phase, xy)
    np.testing.assert_array_equal(low_pass(kernels, phase, xy, reach=30.0), whole)
    parts = [low_pass(kernels, phase, xy, rows=rows) for rows in ((0, 1), (1, 120), (120, 300))]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_a_straight_line_gives_its_offset_and_rate(kernels):
    elapsed = np.array([-70.0, -20.0, 15.0, 60.0])
    operator = np.linalg.pinv(np.column_stack((np.ones(4), elapsed)))
    phase = (0.5 + 0.01 * elapsed)[None].astype(np.float32)
    reference = np.full(4, 0.25, np.float32)
    fit = kernels.stage8_velocity_fit(operator, phase, reference)
    np.testing.assert_allclose(fit, [[0.25, 0.01]], atol=1e-7)


def test_a_phase_constant_in_time_has_no_high_pass(kernels):
    weights = low_pass_weights(np.arange(6) * 40.0, 365.0, 2)
    phase = np.repeat(noise(5, 1), 6, axis=1)
    found = kernels.stage8_temporal_highpass(phase, weights, np.zeros(6))
    np.testing.assert_allclose(found, 0, atol=1e-15)


def test_an_isolated_ps_keeps_its_phase_and_a_constant_field_stays(kernels):
    xy = np.array([[0, 0], [10, 0], [5000, 5000]], np.float32)
    phase = noise(3, 4)
    found = low_pass(kernels, phase, xy)
    np.testing.assert_array_equal(found[2], phase[2])
    flat = np.full((3, 4), np.float32(0.7))
    np.testing.assert_allclose(low_pass(kernels, flat, xy), flat, rtol=1e-15)
