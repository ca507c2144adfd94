"""Rows that several processes write into the room that a file has for them."""

import os
from itertools import pairwise

import numpy as np
import pytest

from pystamps_hpc.dataset.mat import MatFile, Stream, write_mat
from pystamps_hpc.dataset.places import filling

from .objects import FORMATS

CUTS = (0, 400, 401, 1000)


def matrices(n=1000):
    rng = np.random.default_rng(n)
    return {
        "phase": (rng.normal(size=(n, 7)) + 1j * rng.normal(size=(n, 7))).astype(np.complex64),
        "series": rng.normal(size=(n, 20)),
        "slope": rng.normal(size=(n, 1)).astype(np.float32),
        "wide": (rng.normal(size=(n, 3)) + 1j).astype(np.complex128),
        "ix": rng.normal(size=(n, 5)) > 0,
        "odd": rng.integers(0, 9, (n, 3)).astype(np.int8),
    }


def written(path, values, left_out, mat_format):
    """Write some values by parts of their rows, the last rows first."""
    room = {name: Stream(a.shape, a.dtype, None) if name in left_out else a
            for name, a in values.items()}  # fmt: skip
    places = write_mat(path, room, mat_format=mat_format)
    assert set(places) == {name for name in left_out if 0 not in values[name].shape} or (
        mat_format == "v5"
    )
    size = path.stat().st_size
    for first, last in reversed(list(pairwise(CUTS))):
        with filling(path) as put:
            for name, place in places.items():
                rows = slice(first, min(last, len(values[name])))
                if rows.start < rows.stop:
                    put(place, rows, values[name][rows])
    assert path.stat().st_size == size
    return path.read_bytes()


@pytest.mark.parametrize("mat_format", FORMATS)
@pytest.mark.parametrize("n", [1, 400, 1000])
def test_rows_written_by_several_make_the_file_that_one_writes(tmp_path, mat_format, n):
    values = {"n_ps": np.full((1, 1), float(n)), **matrices(n), "day": np.arange(9.0)[None, :]}
    write_mat(tmp_path / "one.mat", values, mat_format=mat_format)
    several = written(tmp_path / "several.mat", values, matrices(n), mat_format)
    assert several == (tmp_path / "one.mat").read_bytes()


@pytest.mark.parametrize("mat_format", FORMATS)
@pytest.mark.parametrize("shape", [(0, 4), (4, 0)])
def test_an_empty_matrix_that_is_left_out_is_whole(tmp_path, mat_format, shape):
    values = {"phase": np.zeros(shape, np.complex64), "after": np.ones((3, 1))}
    write_mat(tmp_path / "one.mat", values, mat_format=mat_format)
    several = written(tmp_path / "several.mat", values, ["phase"], mat_format)
    assert several == (tmp_path / "one.mat").read_bytes()


@pytest.mark.parametrize("mat_format", FORMATS)
def test_a_matrix_whose_rows_are_still_missing_is_named_and_has_its_size(tmp_path, mat_format):
    value = np.ones((100_000, 3), np.float32)
    write_mat(tmp_path / "a.mat", {"a": Stream(value.shape, value.dtype, None)},
              mat_format=mat_format)  # fmt: skip
    assert (tmp_path / "a.mat").stat().st_size >= value.nbytes
    with MatFile(tmp_path / "a.mat") as file:
        assert file.variables["a"].shape == value.shape


def test_a_system_that_takes_a_part_of_the_bytes_is_given_the_rest(tmp_path, monkeypatch):
    values = matrices()
    write_mat(tmp_path / "one.mat", values)
    pwrite = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, piece, at: pwrite(fd, piece[:1001], at))
    assert written(tmp_path / "a.mat", values, values, "v5") == (tmp_path / "one.mat").read_bytes()
