"""Look-angle error and master phase by fixed operators; clamping."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pystamps_kernels.dispatch import table

from .conftest import BACKENDS


def scene(n_ps=700, n_ifg=15, seed=0):
    rng = np.random.default_rng(seed)
    phase = rng.normal(0, 3, (n_ps, n_ifg)).astype(np.float32)
    bperp = rng.normal(0, 100, (n_ps, n_ifg)).astype(np.float32)
    reference = rng.normal(0, 1, n_ifg).astype(np.float32)
    sequence = np.array([0, 1, 3, 4, 7, 9, 14])
    fitted = np.array([0, 1, 4, 14])
    return phase, bperp, reference, sequence, rng.normal(0, 0.01, 6), fitted, rng.normal(0, 1, 4)


def graph(n_ps, n_edge, seed=0):
    rng = np.random.default_rng(seed)
    edges = rng.integers(0, n_ps, (n_edge, 2))
    return np.ascontiguousarray(edges[edges[:, 0] != edges[:, 1]])


def test_look_angle_error_is_the_single_slope_times_the_baseline(kernels):
    arguments = scene()
    slope, _, look_angle = kernels.stage7_scla(*arguments)
    np.testing.assert_array_equal(look_angle, slope.astype(np.float32)[:, None] * arguments[1])


def test_a_missing_phase_spoils_its_ps_only(kernels):
    arguments = scene()
    clean = kernels.stage7_scla(*arguments)
    arguments[0][4, 3] = np.nan
    slope, offset, look_angle = kernels.stage7_scla(*arguments)
    assert np.isnan([slope[4], offset[4]]).all()
    assert np.isnan(look_angle[4]).all()
    for before, after in zip(clean, (slope, offset, look_angle), strict=True):
        np.testing.assert_array_equal(np.delete(before, 4, axis=0), np.delete(after, 4, axis=0))


def test_weights_must_fit_the_sequence(kernels):
    phase, bperp, reference, sequence, weights, fitted, operator = scene()
    with pytest.raises(ValueError, match="slope_operator"):
        kernels.stage7_scla(
            phase, bperp, reference, sequence, weights[:-1].copy(), fitted, operator
        )


def test_weights_must_fit_the_pairs(kernels):
    phase, bperp, reference, *_ = scene()
    with pytest.raises(ValueError, match="slope_operator"):
        kernels.stage7_scla_of_pairs(phase, bperp, reference, np.arange(3), np.ones(2))


def test_baselines_of_images_come_back_from_their_pairs(kernels):
    images = np.random.default_rng(0).normal(0, 100, (50, 4)).astype(np.float32)
    design = np.array([[1, 0, 0, 0], [-1, 1, 0, 0], [0, -1, 1, 0], [-1, 0, 1, 0], [0, 0, -1, 1]])
    pairs = (images @ design.T.astype(np.float32)).astype(np.float32)
    operator = np.ascontiguousarray(np.linalg.pinv(design.astype(float)))
    found = kernels.stage7_image_baselines(operator, pairs)
    np.testing.assert_allclose(found, images, atol=1e-4)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), backend=st.sampled_from(BACKENDS))
def test_clamping_never_leaves_the_range_of_the_neighbours(seed, backend):
    rng = np.random.default_rng(seed)
    n_ps = int(rng.integers(3, 30))
    edges = graph(n_ps, 3 * n_ps, seed)
    slope = rng.normal(size=n_ps)
    offset = rng.normal(size=n_ps).astype(np.float32)
    slope[0] = np.nan
    found = table(backend, "double").stage7_scla_smooth(slope, offset, edges)
    for values, clamped in zip((slope, offset), found, strict=True):
        for point in range(n_ps):
            own = (edges == point).any(axis=1)
            around = edges[own].ravel()
            around = values[around[around != point]].astype(np.float32)
            around = around[~np.isnan(around)]
            if np.isnan(values[point]):
                assert np.isnan(clamped[point])
            elif not len(around) or around.min() <= values[point] <= around.max():
                assert clamped[point] == values[point]
            else:
                assert clamped[point] == np.clip(values[point], around.min(), around.max())


def test_a_ps_without_neighbours_keeps_its_values(kernels):
    slope = np.array([0.0, 1.0, 5.0])
    offset = np.array([0.0, 2.0, 7.0], np.float32)
    new_slope, new_offset = kernels.stage7_scla_smooth(slope, offset, np.array([[0, 1]]))
    np.testing.assert_array_equal(new_slope, [1.0, 0.0, 5.0])
    np.testing.assert_array_equal(new_offset, [2.0, 0.0, 7.0])
