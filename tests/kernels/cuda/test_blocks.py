"""Sums that blocks share out and a second pass adds in order, at sizes around those of a block."""

import numpy as np
import pytest

from pystamps_kernels.cuda import kriging
from pystamps_kernels.cuda.pieces import UNIT

from .test_kernels import results

COLUMNS, STRETCH = kriging.COLUMNS, kriging.COLUMNS * kriging.GROUPS


def same(name, call, atol, form="double"):
    wanted, found = results((name, form), call, "python"), results((name, form), call)
    for one, other in zip(found, wanted, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=atol)


@pytest.mark.parametrize("n", [1, UNIT - 1, UNIT, UNIT + 1, 2 * UNIT, 2 * UNIT + 1])
@pytest.mark.parametrize("kind", ["f4", "f8"])
def test_means_of_columns(device, n, kind):
    values = np.random.default_rng(n).normal(100, 30, (n, 5)).astype(kind)
    same("stage1_column_means", (values,), 1e-12)
    same("stage1_column_means", (values,), 0, "single")


def points(n, n_use):
    rng = np.random.default_rng(n_use)
    return (
        rng.uniform(0, 2000, (n, 2)).astype("f4"),
        rng.normal(0, 2, (n, n_use)).astype("f4"),
    )


@pytest.mark.parametrize("n_use", [1, COLUMNS - 1, COLUMNS, COLUMNS + 1, 2 * COLUMNS + 1])
def test_variograms_of_columns(device, n_use):
    same("stage8_spatial_variogram", (*points(70, n_use), 300.0, 8, 0, 70), 1e-9)


@pytest.mark.parametrize("n", [1, STRETCH, STRETCH + 1, STRETCH + 2, 2 * STRETCH + 2])
def test_variograms_of_points(device, n):
    same("stage8_spatial_variogram", (*points(n, 3), 300.0, 8, 0, min(n, 3)), 1e-9)


@pytest.mark.parametrize("n_lower", [0, 1, 3, 4, 5, 9])
def test_variograms_of_parts(device, monkeypatch, n_lower):
    monkeypatch.setattr(kriging, "MOST_PARTS", 4)
    same("stage8_spatial_variogram", (*points(40, 3), 300.0, 8, 7, 7 + n_lower), 1e-9)
