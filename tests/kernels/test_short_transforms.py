"""What the native CLAP filter is made of: transforms of short columns, the median of a row."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pystamps_kernels.native.fourier import transform
from pystamps_kernels.native.median import median
from pystamps_kernels.transforms import places, turns


@pytest.mark.parametrize("n", [2, 3, 8, 24, 32, 40, 56])
def test_columns_are_transformed_as_defined(n):
    rng = np.random.default_rng(n)
    columns = rng.normal(size=(n, 5)) + 1j * rng.normal(size=(n, 5))
    re, im = columns.real.copy(), columns.imag.copy()
    transform(re, im, *turns(n))
    expected = np.fft.fft(columns, axis=0)
    np.testing.assert_allclose((re + 1j * im)[places(n)], expected, atol=1e-13 * n)


def test_exchanged_parts_give_the_inverse_transform():
    rng = np.random.default_rng(1)
    columns = rng.normal(size=(24, 3)) + 1j * rng.normal(size=(24, 3))
    re, im = columns.real.copy(), columns.imag.copy()
    transform(im, re, *turns(24))
    np.testing.assert_allclose(
        (re + 1j * im)[places(24)] / 24, np.fft.ifft(columns, axis=0), atol=1e-14
    )


def test_a_column_does_not_depend_on_its_neighbours():
    rng = np.random.default_rng(2)
    re, im = rng.normal(size=(2, 32, 13))
    alone_re, alone_im = re[:, 4:5].copy(), im[:, 4:5].copy()
    transform(re, im, *turns(32))
    transform(alone_re, alone_im, *turns(32))
    np.testing.assert_array_equal(re[:, 4], alone_re[:, 0])
    np.testing.assert_array_equal(im[:, 4], alone_im[:, 0])


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
    assert median(values, np.array([guess, 0.0])) == (ordered[middle - 1] + ordered[middle]) / 2


@pytest.mark.parametrize("value", [0.0, 5e-324, 1.0, 1e300, np.inf])
@pytest.mark.parametrize("guess", [0.0, 1.0, np.inf])
def test_equal_values_are_their_median(value, guess):
    assert median(np.full(64, value), np.array([guess, 0.0])) == value


def test_values_that_are_all_nan_have_no_median():
    assert np.isnan(median(np.full(64, np.nan), np.ones(2)))
