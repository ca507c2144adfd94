"""Variables of MAT files read by rows, and written as a stream of them."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pystamps_hpc.dataset import matvalues
from pystamps_hpc.dataset.mat import MatFile, Stream, read_mat, write_mat
from pystamps_hpc.errors import MatError

from .objects import FORMATS, assert_same, short


def places(n):
    stretches = st.slices(n)
    index = st.lists(st.integers(-n, n - 1), max_size=2 * n).map(lambda i: np.array(i, np.int64))
    return stretches, index, hnp.arrays(bool, n)


ROW_SLICES, ROW_INDICES, ROW_MASKS = places(1000)
COLUMN_SLICES, COLUMN_INDICES, _ = places(7)
KEYS = st.one_of(
    ROW_SLICES,
    ROW_INDICES,
    ROW_MASKS,
    st.tuples(ROW_SLICES, st.one_of(COLUMN_SLICES, COLUMN_INDICES, st.integers(-7, 6))),
    st.tuples(st.one_of(ROW_INDICES, st.integers(-1000, 999)), COLUMN_SLICES),
)


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("mat_format", FORMATS)
@short
@given(key=KEYS)
def test_lazy_rows_equal_the_matrix_in_memory(path, stack, mat_format, compress, key):
    if not path.exists():
        write_mat(path, {"ph": stack}, mat_format=mat_format, compress=compress)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matvalues, "_TILE_BYTES", 4000)  # several windows in a small matrix
        found = MatFile(path).rows("ph")[key]
    assert_same(found, stack[key])
    assert found.flags.c_contiguous


@pytest.mark.parametrize("mat_format", FORMATS)
@pytest.mark.parametrize("dtype", ["float32", "bool", "int16"])
def test_lazy_rows_of_real_matrices(path, mat_format, dtype):
    value = np.arange(30).reshape(10, 3).astype(dtype)
    write_mat(path, {"a": value}, mat_format=mat_format)
    with MatFile(path) as file:
        rows = pickle.loads(pickle.dumps(file.rows("a")))
    assert (rows.shape, rows.dtype) == (value.shape, value.dtype)
    assert_same(rows[2:5], value[2:5])
    assert_same(rows[:, [2, 0]], value[:, [2, 0]])


@pytest.mark.parametrize("mat_format", FORMATS)
def test_rows_of_an_empty_matrix_are_empty(path, mat_format):
    write_mat(path, {"a": np.zeros((0, 4), np.float32)}, mat_format=mat_format)
    rows = MatFile(path).rows("a")
    assert_same(rows[:], np.zeros((0, 4), np.float32))
    assert_same(rows[:, 1:3], np.zeros((0, 2), np.float32))


@pytest.mark.parametrize("compress", [False, True])
def test_pickled_rows_carry_no_values(path, stack, compress):
    write_mat(path, {"ph": stack}, compress=compress)
    rows = MatFile(path).rows("ph")
    assert_same(rows[:], stack)
    pickled = pickle.dumps(rows)
    assert len(pickled) < 1000
    assert_same(pickle.loads(pickled)[:], stack)


def test_answers_of_rows_may_be_changed(path, stack):
    write_mat(path, {"ph": stack}, compress=True)
    rows = MatFile(path).rows("ph")
    rows[:3][:] = 0
    assert_same(rows[:3], stack[:3])


def test_two_index_arrays_are_refused(path, stack):
    write_mat(path, {"ph": stack})
    with pytest.raises(IndexError, match="one after the other"):
        MatFile(path).rows("ph")[[0, 1], [2, 3]]


@pytest.mark.parametrize("mat_format", FORMATS)
@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("step", [1, 64, 999, 1000])
@pytest.mark.parametrize("order", [1, -1])
def test_stream_writes_the_same_bytes_as_the_whole(
    tmp_path, stack, monkeypatch, mat_format, compress, step, order
):
    monkeypatch.setattr(matvalues, "_PIECE_BYTES", 200 * stack[0].nbytes)
    cuts = [slice(first, min(first + step, 1000)) for first in range(0, 1000, step)][::order]
    stream = Stream(stack.shape, stack.dtype, ((rows, stack[rows]) for rows in cuts))
    options = {"mat_format": mat_format, "compress": compress, "fsync": False}
    write_mat(tmp_path / "whole.mat", {"ph": stack, "after": 1.0}, **options)
    write_mat(tmp_path / "stream.mat", {"ph": stream, "after": 1.0}, **options)
    assert_same(read_mat(tmp_path / "stream.mat")["ph"], stack)
    if mat_format == "v5" or not compress:  # HDF5 places chunks in the order of their arrival
        whole, streamed = (tmp_path / f"{name}.mat" for name in ("whole", "stream"))
        assert whole.read_bytes() == streamed.read_bytes()


@pytest.mark.parametrize("mat_format", FORMATS)
def test_stream_that_misses_rows_is_refused(path, stack, mat_format):
    stream = Stream(stack.shape, stack.dtype, [(slice(0, 600), stack[:600])])
    with pytest.raises(MatError, match="'ph' got 600 of its 1000 rows"):
        write_mat(path, {"ph": stream}, mat_format=mat_format)


@pytest.mark.parametrize("mat_format", FORMATS)
@pytest.mark.parametrize("shape", [(0, 4), (9, 0)])
def test_a_stream_without_values_is_asked_for_all_its_blocks(path, mat_format, shape):
    asked = []

    def blocks():
        asked.append("begin")
        yield slice(0, shape[0]), np.zeros(shape)
        asked.append("end")  # ranks that hold the rows wait until they have been asked

    write_mat(path, {"ph": Stream(shape, np.dtype(float), blocks())}, mat_format=mat_format)
    assert asked == ["begin", "end"]
    assert_same(read_mat(path)["ph"], np.zeros(shape))
