"""Statistics of coherence: histogram, spread by resampling."""

import numpy as np
import pytest

BINS = 0.005 + 0.01 * np.arange(100)


@pytest.mark.parametrize("values_class", ["f4", "f8"])
def test_a_value_on_a_cut_is_in_the_lower_bin(kernels, values_class):
    values = np.array(
        [0.01, 0.010001, 0.015, 0.02, np.nan, 0.995, 1, 0, 0.31, 0.3101, -np.inf, np.inf],
        values_class,
    )
    counts = kernels.stage2_histogram(values, BINS)
    assert {k + 1: counts[k] for k in np.flatnonzero(counts)} == {1: 3, 2: 3, 31: 1, 32: 1, 100: 3}


def test_the_coherence_of_noisier_phases_spreads_more(kernels):
    rng = np.random.default_rng(1)
    residual = rng.normal(0, [[0.05], [0.5], [1.5]] * 20, (60, 15)).astype("f4")
    spread = kernels.stage3_bootstrap_deviation(residual, np.arange(60) * 3, 100, 2005)
    assert (np.diff(spread.reshape(20, 3).mean(axis=0)) > 0).all()


def test_perfect_phases_do_not_scatter(kernels):
    deviation = kernels.stage3_bootstrap_deviation(
        np.full((2, 9), 0.7, "f4"), np.arange(2), 100, 2005
    )
    np.testing.assert_allclose(deviation, 0, atol=1e-15)
