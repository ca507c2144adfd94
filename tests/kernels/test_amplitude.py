"""Amplitudes of images: how they are rounded, added up, and what counts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pystamps_kernels.reference.amplitude import amplitude

SINGLES = st.floats(-(2.0**60), 2.0**60, width=32)


def words_of(parts, order="<"):
    return np.ascontiguousarray(np.asarray(parts, np.float32).astype(f"{order}f4")).view(np.uint32)


@given(arrays(np.float32, (7, 2), elements=SINGLES))
def test_a_modulus_is_rounded_once(parts):
    exact = np.sqrt(parts[:, 0].astype(np.float64) ** 2 + parts[:, 1].astype(np.float64) ** 2)
    np.testing.assert_array_equal(amplitude(words_of(parts), False), exact.astype(np.float32))


@given(arrays(np.float32, (7, 2), elements=SINGLES))
def test_the_order_of_bytes_does_not_matter(parts):
    np.testing.assert_array_equal(
        amplitude(words_of(parts, ">"), True), amplitude(words_of(parts), False)
    )


def test_an_infinite_part_makes_the_modulus_infinite_beside_nan_too(kernels):
    words = words_of([[np.inf, np.nan]])
    total, count = kernels.prep_amplitude_sum(words, False, np.zeros(1, bool), 0.0, 0)
    assert (total, count) == (np.inf, 1)


@pytest.mark.parametrize(("size", "counts"), [(0.001, True), (np.float32(0.00099), False)])
def test_amplitudes_above_a_thousandth_count(kernels, size, counts):
    # 0.001 in single is above the double 0.001
    words = words_of([[size, 0], [np.nan, 1], [3, 4]])
    total, count = kernels.prep_amplitude_sum(words, False, np.array([0, 0, 1], bool), 0.0, 0)
    assert (total, count) == ((float(np.float32(size)), 1) if counts else (0.0, 0))


def test_the_sum_of_an_image_goes_from_pixel_to_pixel_in_double(kernels):
    parts = np.zeros((4, 2))
    parts[:, 0] = [2**53, 1, 1, 1]  # each 1 is lost; added up first they would not be
    total, _ = kernels.prep_amplitude_sum(words_of(parts), False, np.zeros(4, bool), 0.0, 0)
    assert total == 2.0**53


@pytest.mark.parametrize(("size", "low"), [(0.00005, True), (0.000051, False)])
def test_a_nearly_zero_amplitude_makes_the_sum_begin_anew(kernels, size, low):
    ones = np.ones(1, np.float32)
    total, square, flag = kernels.prep_add_amplitudes(
        words_of([[[size, 0]]]), False, ones, ones, ones, np.zeros(1, bool)
    )
    assert flag[0] == low
    assert total[0] == (0 if flag[0] else np.float32(1) + np.float32(size))
    assert square[0] == 1


def test_equal_images_of_a_pair_add_no_difference(kernels):
    echo = words_of(np.random.default_rng(1).normal(0, 9, (50, 2)))
    zero, constants = np.zeros(50, np.float32), np.full(2, 3, np.float32)
    total, square = kernels.prep_add_pairs(np.stack([echo, echo]), False, constants, zero, zero)
    assert not square.any()
    np.testing.assert_allclose(total, 2 * amplitude(echo, False) / 3, rtol=1e-6)


@pytest.mark.parametrize("at_once", [2, 4])
def test_the_sums_do_not_depend_on_how_many_images_are_added_at_a_time(kernels, at_once):
    rng = np.random.default_rng(1)
    echoes = words_of(rng.normal(0, 9, (6, 700, 2)) * (rng.random((6, 700, 1)) < 0.9))
    constants = rng.uniform(1, 9, 6).astype(np.float32)
    zero, low = np.zeros(700, np.float32), np.zeros(700, bool)

    def added(step):
        alone, pairs = (zero, zero, low), (zero, zero)
        for first in range(0, 6, step):
            some = slice(first, first + step)
            alone = kernels.prep_add_amplitudes(echoes[some], False, constants[some], *alone)
            pairs = kernels.prep_add_pairs(echoes[some], False, constants[some], *pairs)
        return [*alone, *pairs]

    for found, whole in zip(added(at_once), added(6), strict=True):
        np.testing.assert_array_equal(found, whole)
