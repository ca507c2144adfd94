"""The resampling merge: noise of points, weighted sums of cells."""

import numpy as np
import pytest


def points(n_ps=3000, n_col=11):
    rng = np.random.default_rng(4)
    return rng.normal(0, 2, (n_ps, n_col)).astype("f4"), rng.normal(size=n_ps).astype("f4")


def test_variance_and_coherence_of_a_point_are_those_of_its_columns(kernels):
    noise, _ = points()
    variance, coherence = kernels.stage5_point_noise(noise)
    np.testing.assert_allclose(variance, noise.astype(float).var(axis=1, ddof=1), rtol=3e-6)
    wanted = np.abs(np.exp(1j * noise.astype(float)).mean(axis=1))
    np.testing.assert_allclose(coherence, wanted, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.complex64])
def test_cells_add_up_their_points_in_single_and_in_order(kernels, dtype):
    values, weight = points()
    values = values.astype(dtype) * dtype(1.5 if dtype == np.float32 else 1 + 2j)
    start = np.array([0, 1, 1500, 1500, 3000])
    sums = kernels.stage5_cell_sums(values, weight, start)
    assert sums.dtype == dtype
    np.testing.assert_array_equal(sums[0], weight[0] * values[0])
    assert not sums[2].any()
    wanted = np.zeros(11, dtype)
    for w, row in zip(weight[1500:], values[1500:], strict=True):
        wanted = wanted + w * row
    np.testing.assert_array_equal(sums[3], wanted)
