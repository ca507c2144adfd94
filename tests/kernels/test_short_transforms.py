"""What the native CLAP filter is made of: lanes, transforms of short columns, median of a row."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numba import njit

from pystamps_kernels.native import lanes
from pystamps_kernels.native.clap_response import turn
from pystamps_kernels.native.fourier import BLOCK, ROW, transform
from pystamps_kernels.native.lanes import flat
from pystamps_kernels.native.median import median
from pystamps_kernels.transforms import places, turns


@njit
def _transform(source, at, ahead, spectrum, rows, cos, sin, lanes):
    transform(
        flat(source, 0), flat(at, 0), ahead, flat(spectrum, 0), flat(rows, 0), flat(cos, 0),
        flat(sin, 0), cos.size, lanes,
    )  # fmt: skip


@njit
def _median(values, n, middle):
    return median(flat(values, 0), values.size, n, flat(middle, 0))


@njit
def _turned(values, at, ahead, rows, to, beyond, columns):
    turn(flat(values, 0), flat(at, 0), 0, ahead, rows, flat(to, 0), 0, beyond, columns)


@njit
def _as(like, values, out):
    lanes.store(flat(out, 0), 0, lanes.load_as(lanes.load(flat(like, 0), 0), flat(values, 0), 0))


@njit
def _three(a, b, c, out):
    x, y, z = lanes.load(flat(a, 0), 0), lanes.load(flat(b, 0), 0), lanes.load(flat(c, 0), 0)
    lanes.store(flat(out[0], 0), 0, lanes.fused(x, y, z))
    lanes.store(flat(out[1], 0), 0, lanes.root(x))
    lanes.store(flat(out[2], 0), 0, lanes.fused_less(x, y, z))
    lanes.store(flat(out[3], 0), 0, x / y)
    return lanes.total(x * y - z)


def blocks_of(columns, real):
    """Return complex columns (n, lanes) as blocks of rows."""
    n, width = columns.shape
    parts = np.stack((columns.real, columns.imag)).reshape(2, n, width // BLOCK, BLOCK)
    return parts.transpose(2, 1, 0, 3).astype(real)


def columns_of(blocks):
    """Return blocks of rows (n_blocks, n, 2, lanes of a block) as complex columns."""
    re, im = blocks.transpose(2, 1, 0, 3).reshape(2, blocks.shape[1], -1)
    return re + 1j * im


def transformed(columns, real, inverse=False):
    """Transform rows (n, lanes) that lie in reverse order, others between their blocks."""
    n, width = columns.shape
    source = np.full((width // BLOCK, n + 1, 2, BLOCK), np.nan, real)
    source[:, :n] = blocks_of(columns[::-1], real)
    rows = np.arange(n) * ROW
    spectrum = np.zeros((width // BLOCK + 1, n, 2, BLOCK), real)
    exchanged = slice(None, None, -1) if inverse else slice(None)
    _transform(
        source[:, :, exchanged].ravel(), rows[::-1].copy(), (n + 1) * ROW, spectrum.ravel(), rows,
        *(part.astype(real) for part in turns(n)), width,
    )  # fmt: skip
    return columns_of(spectrum[:-1, :, exchanged])[places(n)]


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
    columns = some_columns(24, BLOCK)
    found = transformed(columns, np.float64, inverse=True) / 24
    np.testing.assert_allclose(found, np.fft.ifft(columns, axis=0), atol=1e-14)


@pytest.mark.parametrize("real", [np.float64, np.float32])
def test_a_column_does_not_depend_on_its_neighbours(real):
    columns = some_columns(32, 24)
    alone = np.tile(columns[:, 13:14], BLOCK)
    np.testing.assert_array_equal(transformed(columns, real)[:, 13], transformed(alone, real)[:, 2])


@pytest.mark.parametrize("real", [np.float64, np.float32])
def test_rows_become_columns(real):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(24, 16)) + 1j * rng.normal(size=(24, 16))
    values = columns_of(blocks_of(values, real))
    turned = np.zeros((3, 16, 2, BLOCK), real)
    order = rng.permutation(24)
    _turned(
        blocks_of(values, real).ravel(), order * ROW, 24 * ROW, 24, turned.ravel(), 16 * ROW, 16
    )
    np.testing.assert_array_equal(columns_of(turned), values[order].T)


@pytest.mark.parametrize("real", [np.float64, np.float32])
def test_lanes_compute_as_their_values_do(real):
    a, b, c = np.random.default_rng(1).uniform(0.5, 2, (3, BLOCK)).astype(real)
    out = np.zeros((4, BLOCK), real)
    width = lanes.BYTES // a.itemsize
    total = _three(a, b, c, out)
    exact = (a.astype(np.longdouble) * b + c)[:width]
    np.testing.assert_allclose(out[0, :width], exact, rtol=np.finfo(real).eps)
    np.testing.assert_array_equal(out[1, :width], np.sqrt(a)[:width])
    less = (a.astype(np.longdouble) * b - c)[:width]
    np.testing.assert_allclose(out[2, :width], less, atol=4 * np.finfo(real).eps)
    np.testing.assert_array_equal(out[3, :width], (a / b)[:width])
    np.testing.assert_allclose(total, (a * b - c)[:width].sum(), rtol=8 * np.finfo(real).eps)


@pytest.mark.parametrize("real", [np.float64, np.float32])
@pytest.mark.parametrize("like", [np.float64, np.float32])
def test_values_are_read_in_the_class_of_others(real, like):
    values, out = np.random.default_rng(2).normal(size=BLOCK).astype(real), np.zeros(BLOCK, like)
    _as(out, values, out)
    width = lanes.BYTES // out.itemsize
    np.testing.assert_array_equal(out[:width], values[:width].astype(like))


def median_of(values, guess, real=np.float64):
    """Median, the values filled up with infinity."""
    unit = 4 * BLOCK
    padded = np.full(-(-values.size // unit) * unit, np.inf, real)
    padded[: values.size] = values
    return _median(padded, values.size, np.full(2 * BLOCK, guess, real))


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
    row, middle = np.arange(64.0), np.ones(2 * BLOCK)
    _median(np.where(row % 3 == 1, np.nan, row), row.size, middle)
    middle[0] = np.nan  # at worst
    assert _median(row, row.size, middle) == 31.5
