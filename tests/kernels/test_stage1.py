"""Geometry kernels of stage 1: known values, planes, order of sums."""

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pystamps_kernels.contracts import all_kernels
from pystamps_kernels.dispatch import table

BACKENDS = ["python", "native"]
ORBIT = (845000.0, 7.8, 7070000.0, 6368000.0)


@pytest.fixture(params=BACKENDS)
def kernels(request):
    return table(request.param, "double")


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
    assert bperp[0, 0] == np.float32(-204.60239)


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


@settings(deadline=None)
@given(arrays(np.float32, (37, 18), elements=st.floats(-500, 500, width=32)))
def test_single_means_add_row_after_row(values):
    total = np.zeros(values.shape[1], np.float32)
    for row in values:
        total = total + row
    wanted = total / np.float32(len(values))
    for backend in BACKENDS:
        np.testing.assert_array_equal(table(backend, "single").stage1_column_means(values), wanted)


def test_single_means_keep_their_order_across_blocks():
    values = np.random.default_rng(1).normal(100, 30, (10_000, 3)).astype(np.float32)
    wanted = np.add.accumulate(values, axis=0)[-1] / np.float32(len(values))
    for backend in BACKENDS:
        np.testing.assert_array_equal(table(backend, "single").stage1_column_means(values), wanted)
    assert not np.array_equal(wanted, table("native", "double").stage1_column_means(values))


def random_arguments(rng, n=5000, m=21):
    look = rng.uniform(0.3, 0.9, n)
    return {
        "stage1_look_angles": (rng.uniform(0, 5000, n), *ORBIT),
        "stage1_perpendicular_baselines": (
            rng.uniform(-3000, 3000, n), look, rng.normal(0, 300, (m, 2)),
            rng.normal(0, 0.3, (m, 2)), 486.486,
        ),
        "stage1_column_means": (rng.normal(100, 30, (n, m)).astype(np.float32),),
        "stage1_bilinear": (rng.random((50, 40)), rng.uniform(0, 49, n), rng.uniform(0, 39, n)),
    }  # fmt: skip


@pytest.mark.parametrize("arithmetic", ["single", "double"])
@pytest.mark.parametrize("name", [name for name in all_kernels() if name.startswith("stage1_")])
def test_native_equals_the_reference_for_any_number_of_threads(name, arithmetic):
    arguments = random_arguments(np.random.default_rng(2))[name]
    kernel = all_kernels()[name]
    wanted = getattr(table("python", arithmetic), name)(*arguments)
    threads = numba.get_num_threads()
    found = []
    try:
        for count in {1, threads}:
            numba.set_num_threads(count)
            found.append(getattr(table("native", arithmetic), name)(*arguments))
    finally:
        numba.set_num_threads(threads)
    for results in found:
        for result, value, other, first in zip(
            kernel.returns, *map(as_tuple, (wanted, results, found[0])), strict=True
        ):
            assert other.dtype == value.dtype
            np.testing.assert_allclose(
                other, value, rtol=0, atol=kernel.tolerance.get(result.name, 0)
            )
            np.testing.assert_array_equal(other, first)


def as_tuple(value):
    return value if isinstance(value, tuple) else (value,)
