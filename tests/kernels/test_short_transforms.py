"""What the native CLAP filter is made of: lanes, transforms of short columns, median of a row."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numba import njit

from pystamps_kernels.native import lanes
from pystamps_kernels.native.clap_response import turn
from pystamps_kernels.native.fourier import transform
from pystamps_kernels.native.lanes import flat
from pystamps_kernels.native.median import median
from pystamps_kernels.transforms import places, turns

REGISTER = 8  # lanes of any class


@njit
def _transform(source_re, source_im, at, re, im, rows, cos, sin):
    n, width = cos.size, re.size // 2 // cos.size
    transform(
        flat(source_re, 0), flat(source_im, 0), flat(at, 0), flat(re, 0), flat(im, 0),
        flat(rows, 0), flat(cos, 0), flat(sin, 0), n, width,
    )  # fmt: skip


@njit
def _median(values, n, middle):
    return median(flat(values, 0), values.size, n, flat(middle, 0))


@njit
def _turned(values, at, width, to):
    turn(flat(values, 0), flat(at, 0), 0, width, flat(to, 0), 0)


@njit
def _three(a, b, c, out):
    x, y, z = lanes.load(flat(a, 0), 0), lanes.load(flat(b, 0), 0), lanes.load(flat(c, 0), 0)
    lanes.store(flat(out[0], 0), 0, lanes.fused(x, y, z))
    lanes.store(flat(out[1], 0), 0, lanes.root(x))
    return lanes.total(x * y - z)


def transformed(columns, real, inverse=False):
    """Transform rows (n, lanes) that lie in reverse order."""
    n, width = columns.shape
    rows = np.arange(n) * width
    source = [
        np.ascontiguousarray(part[::-1], real).ravel() for part in (columns.real, columns.imag)
    ]
    to = [np.zeros(2 * n * width, real) for _ in range(2)]
    table = [part.astype(real) for part in turns(n)]
    pairs = (source[::-1], to[::-1]) if inverse else (source, to)
    _transform(*pairs[0], rows[::-1].copy(), *pairs[1], rows, *table)
    re, im = (part[: n * width].reshape(n, width) for part in to)
    return (re + 1j * im)[places(n)]


def some_columns(n, width):
    rng = np.random.default_rng(n)
    return rng.normal(size=(n, width)) + 1j * rng.normal(size=(n, width))


@pytest.mark.parametrize(("real", "tolerance"), [(np.float64, 1e-13), (np.float32, 5e-7)])
@pytest.mark.parametrize("n", [2, 3, 8, 16, 18, 24, 32, 40, 56, 64])
def test_columns_are_transformed_as_defined(n, real, tolerance):
    columns = some_columns(n, 16)
    expected = np.fft.fft(columns, axis=0)
    np.testing.assert_allclose(transformed(columns, real), expected, atol=tolerance * n)


def test_exchanged_parts_give_the_inverse_transform():
    columns = some_columns(24, REGISTER)
    found = transformed(columns, np.float64, inverse=True) / 24
    np.testing.assert_allclose(found, np.fft.ifft(columns, axis=0), atol=1e-14)


@pytest.mark.parametrize("real", [np.float64, np.float32])
def test_a_column_does_not_depend_on_its_neighbours(real):
    columns = some_columns(32, 24)
    alone = np.tile(columns[:, 13:14], REGISTER)
    np.testing.assert_array_equal(transformed(columns, real)[:, 13], transformed(alone, real)[:, 2])


@pytest.mark.parametrize("real", [np.float64, np.float32])
def test_rows_become_columns(real):
    values = np.arange(24 * 24).astype(real)
    turned = np.zeros_like(values)
    at = np.random.default_rng(0).permutation(24)
    _turned(values, at * 24, 24, turned)
    np.testing.assert_array_equal(turned.reshape(24, 24), values.reshape(24, 24)[at].T)


@pytest.mark.parametrize("real", [np.float64, np.float32])
def test_lanes_compute_as_their_values_do(real):
    a, b, c = np.random.default_rng(1).uniform(0.5, 2, (3, REGISTER)).astype(real)
    out = np.zeros((2, REGISTER), real)
    width = lanes.BYTES // a.itemsize
    total = _three(a, b, c, out)
    exact = (a.astype(np.longdouble) * b + c)[:width]
    np.testing.assert_allclose(out[0, :width], exact, rtol=np.finfo(real).eps)
    np.testing.assert_array_equal(out[1, :width], np.sqrt(a)[:width])
    np.testing.assert_allclose(total, (a * b - c)[:width].sum(), rtol=8 * np.finfo(real).eps)


def median_of(values, guess, real=np.float64):
    """Median, the values filled up with infinity."""
    unit = 4 * REGISTER
    padded = np.full(-(-values.size // unit) * unit, np.inf, real)
    padded[: values.size] = values
    return _median(padded, values.size, np.full(2 * REGISTER, guess, real))


@settings(deadline=None)  # the first call compiles
@given(
    arrays(
        np.float64,
        st.integers(32, 200).map(lambda n: 2 * n),
        elements=st.sampled_from([0.0, 1.0, 1.5, 1e-300, 1e12]) | st.floats(0, 1e6),
    ),
    st.sampled_from([0.0, 1.0, 1e-310, 1e300, np.inf]) | st.floats(0, 1e6),
)
def test_the_median_is_the_mean_of_the_two_middle_values_for_any_guess(values, guess):
    ordered = np.sort(values)
    middle = values.size // 2
    assert median_of(values, guess) == (ordered[middle - 1] + ordered[middle]) / 2


@pytest.mark.parametrize("value", [0.0, 5e-324, 1.0, 1e300, np.inf])
@pytest.mark.parametrize("guess", [0.0, 1.0, np.inf])
def test_equal_values_are_their_median(value, guess):
    assert median_of(np.full(64, value), guess) == value


def test_values_that_are_all_nan_have_no_median():
    assert np.isnan(median_of(np.full(64, np.nan), 1.0))


@pytest.mark.parametrize("guess", [0.0, 1e-30, 0.9, 1e30])
def test_the_median_of_single_values_is_theirs(guess):
    values = np.random.default_rng(4).gamma(3.0, size=(5, 324)).astype(np.float32)
    values[4, :200] = values[4, 0]  # ties
    for row in values:
        assert median_of(row, guess, np.float32) == np.float32(np.median(row))


def test_a_row_with_nan_does_not_spoil_the_median_of_the_next():
    row, middle = np.arange(64.0), np.ones(2 * REGISTER)
    _median(np.where(row % 3 == 1, np.nan, row), row.size, middle)
    middle[0] = np.nan  # at worst
    assert _median(row, row.size, middle) == 31.5
