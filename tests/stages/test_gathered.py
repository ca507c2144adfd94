"""Rows of several arrays, read on demand as if they were one."""

import numpy as np
import pytest

from pystamps_hpc.stages.shared.gathered import gathered


@pytest.mark.parametrize(
    "key",
    [slice(None), slice(2, 5), np.array([7, 1]), (slice(None), 2), (slice(None), slice(1, 3))],
)
def test_gathered_rows_are_those_of_the_joined_sources(key):
    rng = np.random.default_rng(0)
    sources = tuple(rng.normal(size=(n, 4)) for n in (5, 0, 7))
    where = rng.permutation(12)[:9]
    rows = gathered(sources, where)
    assert (rows.shape, rows.dtype) == ((9, 4), np.float64)
    np.testing.assert_array_equal(rows[key], np.concatenate(sources)[where][key])
    assert rows[4:4].shape == (0, 4)
    assert gathered(sources, where[:0])[:, 1].shape == (0,)
