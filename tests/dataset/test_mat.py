"""MAT codec: round trips through both containers, lazy rows, streams, foreign files, damage."""

import errno
import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pystamps_hpc.dataset.mat import MatFile, read_mat, write_mat
from pystamps_hpc.errors import MatError

from .objects import FORMATS, assert_same, level_5, mark_73, matrix, short

ROOT = Path(__file__).parents[2]
INTEGERS = [f"{u}int{bits}" for bits in (8, 16, 32, 64) for u in ("", "u")]
DTYPES = ["float64", "float32", "complex64", "complex128", "bool", *INTEGERS]

matrices = st.sampled_from(DTYPES).flatmap(
    lambda dtype: hnp.arrays(
        dtype, hnp.array_shapes(min_dims=2, max_dims=3, min_side=0, max_side=5)
    )
)
containers = st.sampled_from(FORMATS)


@short
@given(value=matrices, mat_format=containers, compress=st.booleans())
def test_matrix_comes_back_with_its_shape_and_class(path, value, mat_format, compress):
    write_mat(path, {"a": value}, mat_format=mat_format, compress=compress, fsync=False)
    found = read_mat(path)["a"]
    if mat_format == "v7.3" and value.size == 0:
        value = value.real  # an empty array of this container has no imaginary part
    assert_same(found, value)
    assert found.flags.c_contiguous
    with MatFile(path) as file:
        variable = file.variables["a"]
    assert (variable.shape, variable.dtype) == (value.shape, value.dtype)


@short
@given(value=matrices, compress=st.booleans())
def test_scipy_reads_what_level_5_holds(path, value, compress):
    write_mat(path, {"a": value}, mat_format="v5", compress=compress, fsync=False)
    found = scipy.io.loadmat(path)["a"]
    assert found.shape == value.shape
    np.testing.assert_array_equal(found, value)
    assert scipy.io.whosmat(path)[0][2] == MatFile(path).variables["a"].matlab_class


@pytest.mark.parametrize("mat_format", FORMATS)
@pytest.mark.parametrize("compress", [False, True])
def test_variables_keep_their_values_side_by_side(path, mat_format, compress):
    graph = scipy.sparse.random_array((6, 4), density=0.4, rng=np.random.default_rng(0))
    values = {
        "text": "SNAP",
        "empty_text": "",
        "flag": True,
        "number": 0.05551,
        "count": 3,
        "class_kept": np.float32(2.5),
        "graph": graph,
        "mask": scipy.sparse.csr_array(graph.toarray() > 0.5),
        "phases": graph * (1 + 2j),
        "no_entries": scipy.sparse.coo_array((3, 2)),
        "nothing": np.zeros((0, 0)),
    }
    write_mat(path, values, mat_format=mat_format, compress=compress)
    found = read_mat(path)
    assert set(found) == set(values)
    assert (found["text"], found["empty_text"]) == ("SNAP", "")
    assert_same(found["flag"], np.array([[True]]))
    assert_same(found["number"], np.array([[0.05551]]))
    assert_same(found["count"], np.array([[3.0]]))
    assert_same(found["class_kept"], np.array([[2.5]], np.float32))
    assert_same(found["nothing"], np.zeros((0, 0)))
    for name in ("graph", "mask", "phases", "no_entries"):
        assert isinstance(found[name], scipy.sparse.csc_array)
        assert_same(found[name].toarray(), values[name].toarray())
    with MatFile(path) as file:
        classes = {name: variable.matlab_class for name, variable in file.variables.items()}
        assert file.variables["graph"].shape == (6, 4)
        assert file.variables["phases"].complex
    assert classes["text"] == classes["empty_text"] == "char"
    assert classes["graph"] == "sparse"
    assert classes["flag"] == "logical"


@pytest.mark.parametrize("mat_format", FORMATS)
@pytest.mark.parametrize("shape", [(1, 5), (4, 2), (1, 1)])
def test_single_point_and_two_interferograms_keep_two_dimensions(path, mat_format, shape):
    value = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    write_mat(path, {"a": value}, mat_format=mat_format)
    assert_same(read_mat(path)["a"], value)
    assert_same(MatFile(path).rows("a")[:], value)


def test_text_beyond_ascii_and_trailing_blanks(path):
    for mat_format in FORMATS:
        write_mat(path, {"a": "Rüdesheim \0 "}, mat_format=mat_format)
        assert read_mat(path) == {"a": "Rüdesheim"}


@pytest.mark.parametrize("text", ["s", "snap", "ü", "äöü€", "tab\tnl\n", "日本語", "𝄞", "a" * 5000])
@pytest.mark.parametrize("name", ["a", "abcd", "insar_processor", "y" * 63])
def test_a_text_has_the_bytes_that_scipy_writes(path, name, text):
    write_mat(path, {name: text})
    by_scipy = io.BytesIO()
    scipy.io.savemat(by_scipy, {name: text}, long_field_names=True)
    assert path.read_bytes()[128:] == by_scipy.getvalue()[128:]


def test_text_of_two_lines_is_a_matrix_of_characters(path):
    scipy.io.savemat(path, {"a": np.array(["ab ", "cde"])})
    assert read_mat(path)["a"].tolist() == [["a", "b", " "], ["c", "d", "e"]]


# --- the container -------------------------------------------------------------------------------


def test_level_5_header_has_a_constant_text(path):
    write_mat(path, {"a": 1.0})
    header = path.read_bytes()[:128]
    assert header[:116] == b"MATLAB 5.0 MAT-file, written by pystamps-hpc".ljust(116)
    assert header[116:] == bytes(8) + b"\x00\x01IM"


def test_version_73_follows_the_conventions_of_matlab(path):
    values = {
        "ph": np.array([[1 + 2j, 3 + 4j, 5j]], np.complex64),
        "text": "ab",
        "flag": np.array([[True, False]]),
        "none": np.zeros((0, 3), np.float32),
        "graph": scipy.sparse.csc_array(np.array([[0.0, 2.0], [1.0, 0.0], [0.0, 3.0]])),
    }
    write_mat(path, values, mat_format="v7.3")
    header = path.read_bytes()[:128]
    assert header.startswith(b"MATLAB 7.3 MAT-file, Platform: ")
    assert header[116:] == bytes(8) + b"\x00\x02IM"
    with h5py.File(path) as file:
        assert file.userblock_size == 512
        assert file["ph"].shape == (3, 1)
        assert file["ph"].dtype.names == ("real", "imag")
        classes = {name: item.attrs["MATLAB_class"] for name, item in file.items()}
        assert classes == {
            "ph": b"single",
            "text": b"char",
            "flag": b"logical",
            "none": b"single",
            "graph": b"double",
        }
        assert file["text"].attrs["MATLAB_int_decode"] == 2
        assert file["text"][()].tolist() == [[97], [98]]
        assert file["flag"].attrs["MATLAB_int_decode"] == 1
        assert file["flag"].dtype == np.uint8
        assert file["none"].attrs["MATLAB_empty"] == 1
        assert file["none"][()].tolist() == [0, 3]
        assert file["graph"].attrs["MATLAB_sparse"] == 3
        assert file["graph/jc"][()].tolist() == [0, 1, 3]
        assert file["graph/ir"][()].tolist() == [1, 0, 2]
        assert file["graph/data"][()].tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("mat_format", FORMATS)
@pytest.mark.parametrize("compress", [False, True])
def test_equal_variables_give_equal_files(tmp_path, stack, mat_format, compress):
    graph = scipy.sparse.eye_array(5)
    files = [tmp_path / "a.mat", tmp_path / "other name.mat"]
    for path in files:
        write_mat(
            path,
            {"ph": stack, "text": "SNAP", "graph": graph},
            mat_format=mat_format,
            compress=compress,
        )
    assert files[0].read_bytes() == files[1].read_bytes()


def test_container_switches_when_a_variable_reaches_the_limit(path):
    ph = np.zeros((4, 2), np.complex64)  # 8 bytes per element
    write_mat(path, {"ph": ph, "a": 1.0}, limit=65)
    assert path.read_bytes().startswith(b"MATLAB 5.0")
    write_mat(path, {"ph": ph, "a": 1.0}, limit=64)
    assert path.read_bytes().startswith(b"MATLAB 7.3")
    assert_same(read_mat(path)["ph"], ph)
    with pytest.raises(MatError, match=r"'ph' takes 64 bytes.*use the format auto or v7\.3"):
        write_mat(path, {"ph": ph}, mat_format="v5", limit=64)


# --- foreign files -------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_byte_orders_and_integer_packed_complex_doubles(path, order):
    real = np.array([[1, 2], [3, 4], [5, 600]])
    imaginary = np.array([[0, -1], [-2, 0], [0, 7]], np.int8)
    parts = [(3, real.astype(order + "i2").T.tobytes()), (1, imaginary.T.tobytes())]
    packed = matrix(order, b"z", 6 | 0x0800, (3, 2), parts)
    single = matrix(order, b"s", 7, (2, 1), [(7, np.array([1.5, -2], order + "f4").tobytes())])
    path.write_bytes(level_5(packed, single, order=order))
    with MatFile(path) as file:
        assert_same(file.read("z"), real + 1j * imaginary)
        assert_same(file.rows("z")[1:, 1], (real + 1j * imaginary)[1:, 1])
        assert_same(file.read("s"), np.array([[1.5], [-2]], np.float32))


@pytest.mark.parametrize("compress", [False, True])
def test_last_of_two_variables_of_one_name_wins(path, compress):
    first, last = (
        matrix("<", b"master_ix", 6, (1, 1), [(9, struct.pack("<d", x))]) for x in (3, 11)
    )
    text = io.BytesIO()
    scipy.io.savemat(text, {"t": "new"})
    old = io.BytesIO()
    scipy.io.savemat(old, {"t": "old"})
    elements = [first, old.getvalue()[128:], last, text.getvalue()[128:]]
    if compress:
        deflated = [zlib.compress(part) for part in elements]
        elements = [struct.pack("<II", 15, len(part)) + part for part in deflated]
    path.write_bytes(level_5(*elements))
    assert read_mat(path) == {"master_ix": np.array([[11.0]]), "t": "new"}


@pytest.mark.parametrize("compress", [False, True])
def test_what_scipy_writes_is_read(path, compress):
    rng = np.random.default_rng(3)
    values = {name: (rng.standard_normal((3, 4)) * 9).astype(name) for name in DTYPES}
    scipy.io.savemat(path, values, do_compression=compress)
    found = read_mat(path)
    for name in DTYPES:
        assert_same(found[name], values[name])


def test_cells_and_structs_of_version_73_are_read(path):
    write_mat(path, {"lambda": 0.0555}, mat_format="v7.3")
    with h5py.File(path, "r+") as file:
        for name, value in {"#refs#/a": [[97], [98]], "record/text": [[99]]}.items():
            file[name] = np.array(value, np.uint16)
            file[name].attrs["MATLAB_class"] = np.bytes_("char")
        file["record"].attrs["MATLAB_class"] = np.bytes_("struct")
        file["cells"] = np.array([[file["#refs#/a"].ref]], h5py.ref_dtype)
        file["cells"].attrs["MATLAB_class"] = np.bytes_("cell")
    found = read_mat(path)
    assert set(found) == {"lambda", "cells", "record"}
    assert found["cells"][0, 0].tolist() == [["a", "b"]]
    assert found["record"]["text"][0, 0].tolist() == [["c"]]


def test_chunked_big_endian_version_73_is_read(path):
    value = np.arange(12.0).reshape(4, 3)
    with h5py.File(path, "w", userblock_size=512) as file:
        item = file.create_dataset("a", data=value.T.astype(">f8"), chunks=(1, 2), compression=4)
        item.attrs["MATLAB_class"] = np.bytes_("double")
    mark_73(path)
    assert_same(read_mat(path)["a"], value)
    assert_same(MatFile(path).rows("a")[[3, 0]], value[[3, 0]])


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.zeros(5), "make it a row or a column"),
        (np.array(1.0), "make it a row or a column"),
        (np.zeros((2, 2), np.float16), "type float16 has no MATLAB class"),
        (np.array([["a"]]), "has no MATLAB class"),
        (np.array([[None]]), "type object has no MATLAB class"),
        (None, "type NoneType has no MATLAB class"),
        ([1, 2], "type list has no MATLAB class"),
    ],
)
def test_value_without_matlab_form_is_refused_before_the_file_exists(path, value, message):
    with pytest.raises(MatError, match=f"'a'.*{message}"):
        write_mat(path, {"a": value})
    assert not path.exists()


def test_name_that_matlab_does_not_take_is_refused(path):
    with pytest.raises(MatError, match="'2nd' is not a MATLAB variable name"):
        write_mat(path, {"2nd": 1.0})


@pytest.mark.parametrize("mat_format", FORMATS)
def test_file_that_cannot_be_written_is_named(tmp_path, mat_format):
    with pytest.raises(MatError, match=r"cannot write .*missing/a\.mat: ") as caught:
        write_mat(tmp_path / "missing" / "a.mat", {"a": 1.0}, mat_format=mat_format)
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize("mat_format", FORMATS)
@pytest.mark.parametrize(("compress", "n_ps"), [(False, 65_536), (False, 500_000), (True, 500_000)])
def test_full_disk_is_reported_and_not_fatal(path, mat_format, compress, n_ps):
    code = f"""
import resource, sys
import numpy as np
from pystamps_hpc.dataset.mat import write_mat
resource.setrlimit(resource.RLIMIT_FSIZE, (2**19, 2**19))
noise = np.random.default_rng(0).random(({n_ps}, 1))
try:
    write_mat(sys.argv[1], {{"a": noise, "b": "text"}}, mat_format={mat_format!r},
              compress={compress}, fsync=False)
    print("written")
except Exception as error:
    print(type(error).__name__, error, type(error.__cause__).__name__, error.__cause__.errno)
"""
    answer = subprocess.run(
        [sys.executable, "-c", code, path], cwd=ROOT, capture_output=True, text=True, check=True
    )
    expected = f"MatError cannot write {path}: File too large OSError {errno.EFBIG}"
    assert answer.stdout.strip() == expected
    assert answer.stderr == ""


def test_missing_file_and_missing_variable_are_named(path):
    with pytest.raises(MatError, match=r"a\.mat: file does not exist"):
        MatFile(path)
    write_mat(path, {"ij": np.eye(2), "xy": np.eye(2)})
    with MatFile(path) as file, pytest.raises(MatError, match=r"no variable 'ph' .*has ij, xy"):
        file.read("ph")


@pytest.mark.parametrize(
    "content",
    [b"", b"plain text", bytes(200), b"MATLAB 5.0 MAT-file", b"\x89HDF\r\n\x1a\n" + bytes(600)],
)
def test_other_files_are_refused_with_their_first_bytes(path, content):
    path.write_bytes(content)
    with pytest.raises(MatError, match=r"a\.mat: not a MAT v5/v7\.3 file") as caught:
        MatFile(path)
    assert repr(content[:20]) in str(caught.value)


def test_level_4_is_refused(path):
    scipy.io.savemat(path, {"a": np.eye(30)}, format="4")
    with pytest.raises(MatError, match=r"not a MAT v5/v7\.3 file"):
        MatFile(path)


@pytest.mark.parametrize("mat_format", FORMATS)
@pytest.mark.parametrize("compress", [False, True])
def test_truncated_file_is_refused_wherever_it_ends(path, stack, mat_format, compress):
    write_mat(path, {"ph": stack, "a": "text"}, mat_format=mat_format, compress=compress)
    content = path.read_bytes()
    for size in (130, 140, 600, 2000, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:size])
        reason = "the file is truncated" if mat_format == "v5" else ""
        with pytest.raises(MatError, match=rf"a\.mat: {reason}") as caught:
            read_mat(path)
        assert "\n" not in str(caught.value)


def test_damage_inside_a_deflated_variable_is_reported(path, stack):
    for name, value in {"ph": stack, "text": "some longer text", "g": np.eye(90)}.items():
        value = scipy.sparse.csc_array(value) if name == "g" else value
        write_mat(path, {name: value}, mat_format="v5", compress=True)
        content = bytearray(path.read_bytes())
        content[-8:] = bytes(8)
        path.write_bytes(content)
        with pytest.raises(MatError, match=r"cannot read .*a\.mat: .* is damaged"):
            MatFile(path).read(name)


def test_rows_need_a_numeric_matrix(path):
    write_mat(
        path, {"text": "abc", "cube": np.zeros((2, 3, 4)), "graph": scipy.sparse.eye_array(3)}
    )
    with MatFile(path) as file:
        for name in file.variables:
            with pytest.raises(MatError, match=rf"'{name}' is .*expected a numeric matrix of two"):
                file.rows(name)


def test_importing_the_package_loads_no_container_library():
    code = (
        "import sys, pystamps_hpc.dataset.mat;"
        "print(sorted({'h5py', 'scipy.io'} & set(sys.modules)))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize("mat_format", FORMATS)
@pytest.mark.parametrize("shape", [(7, 1), (1, 7), (7, 2), (90_000, 1)])
def test_what_is_read_is_ones_own(tmp_path, mat_format, shape):
    path = tmp_path / "a.mat"
    write_mat(path, {"a": np.ones(shape)}, mat_format=mat_format)
    with MatFile(path) as file:
        for values in (file.read("a"), file.rows("a")[:]):
            values[0] = 2  # of a small file, too, it is a copy
    assert (read_mat(path)["a"] == 1).all()
