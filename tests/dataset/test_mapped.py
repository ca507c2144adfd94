"""Reading a large file in pieces does not make its pages memory of the process."""

import resource
from pathlib import Path

import numpy as np
import pytest

from pystamps_hpc.dataset.mat import MatFile, write_mat

STATM = Path("/proc/self/statm")


def mapped_bytes():
    return int(STATM.read_text().split()[2]) * resource.getpagesize()


@pytest.mark.skipif(not STATM.exists(), reason="the system does not say what is resident")
def test_pages_that_were_read_are_given_back(tmp_path):
    values = np.arange(2_000_000.0, dtype=np.float32).reshape(200_000, 10)
    write_mat(tmp_path / "a.mat", {"a": values})
    with MatFile(tmp_path / "a.mat") as file:
        rows = file.rows("a")
    before = mapped_bytes()
    for start in range(0, 200_000, 20_000):
        piece = rows[start : start + 20_000]
        np.testing.assert_array_equal(piece, values[start : start + 20_000])
    assert mapped_bytes() - before < values.nbytes / 4


@pytest.mark.parametrize("shape", [(3, 4, 5), (2, 3, 4, 5), (3, 4, 1), (0, 4, 2)])
def test_arrays_of_more_dimensions_keep_their_places(tmp_path, shape):
    values = np.arange(np.prod(shape, dtype=int), dtype=np.float64).reshape(shape) * (1 + 2j)
    write_mat(tmp_path / "a.mat", {"a": values.astype(np.complex64)})
    with MatFile(tmp_path / "a.mat") as file:
        found = file.read("a")
    np.testing.assert_array_equal(found, values.astype(np.complex64).reshape(found.shape))
    assert found.flags.c_contiguous
