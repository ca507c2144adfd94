"""Means over all rows: their order, and how single drifts."""

from itertools import product

import numpy as np
import pytest

from pystamps_kernels.dispatch import table

from .conftest import BACKENDS


def test_means_of_double_are_in_double_whatever_the_arithmetic():
    values = np.random.default_rng(1).normal(100, 30, (500, 3))
    for backend, arithmetic in product(BACKENDS, ("single", "double")):
        means = table(backend, arithmetic).stage1_column_means(values)
        assert means.dtype == np.float64
        np.testing.assert_allclose(means, values.mean(axis=0), rtol=1e-14)


def test_single_means_keep_their_order_across_blocks():
    values = np.random.default_rng(1).normal(100, 30, (10_000, 3)).astype(np.float32)
    wanted = np.add.accumulate(values, axis=0)[-1] / np.float32(len(values))
    for backend in BACKENDS:
        np.testing.assert_array_equal(table(backend, "single").stage1_column_means(values), wanted)
    assert not np.array_equal(wanted, table("native", "double").stage1_column_means(values))


def test_native_means_keep_the_order_of_rows_for_any_number_of_rows_and_columns():
    values = np.random.default_rng(4).normal(100, 30, (4099, 130))
    for n, m in product((1, 2, 3, 4, 5, 4098, 4099), (0, 1, 63, 64, 65, 130)):
        part = np.ascontiguousarray(values[:n, :m])
        wanted = np.add.accumulate(part, axis=0)[-1] / n
        for arithmetic in ("double", "single"):
            means = table("native", arithmetic).stage1_column_means(part)
            np.testing.assert_array_equal(means, wanted)


def test_the_mean_in_single_drifts_with_the_number_of_points(kernels):
    column = np.full(600_000, 100.30, np.float32)
    assert kernels.stage7_sequential_mean(column) / 100.30 - 1 == pytest.approx(-2.5e-3, abs=1e-4)


def test_the_mean_leaves_nan_out(kernels):
    values = np.array([1, np.nan, 4], np.float32)
    assert kernels.stage7_sequential_mean(values) == 2.5
    assert np.isnan(kernels.stage7_sequential_mean(values[1:2].copy()))


@pytest.mark.parametrize("values", list(product([0.1, -3.0], repeat=3)))
def test_the_mean_is_summed_in_order(kernels, values):
    column = np.array([1e8, *values, -1e8], np.float32)
    total = np.float32(0)
    for value in column:
        total += value
    assert kernels.stage7_sequential_mean(column) == total / np.float32(5)
