"""MAT files that are damaged, hostile, or hold what the program has no use for."""

import errno
import io
import os
import struct
import tracemalloc
import zlib

import h5py
import numpy as np
import pytest
import scipy.io

from pystamps_hpc.dataset.mat import MatFile, read_mat, rewrite_mat, write_mat
from pystamps_hpc.dataset.mat5 import SUBSYSTEM_AT
from pystamps_hpc.errors import MatError, is_damage
from tests.dataset.objects import (
    element,
    head,
    level_5,
    mark_73,
    opaque,
    string_objects_5,
    string_objects_73,
)

NUMBER = element(14, head(6, b"lambda", (1, 1)) + element(9, struct.pack("<d", 0.0555)))


def deflated(whole):
    body = zlib.compress(whole)
    return struct.pack("<II", 15, len(body)) + body


def version_73(path, fill):
    with h5py.File(path, "w", userblock_size=512) as file:
        fill(file)
    mark_73(path)


def put(file, name, data, kind="double", **attributes):
    file[name] = data
    for key, value in {"MATLAB_class": np.bytes_(kind), **attributes}.items():
        file[name].attrs[key] = value


def refused(path, name="a"):
    """Read a variable; return the message of the refusal."""
    with pytest.raises(MatError) as caught, MatFile(path) as file:
        file.read(name)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    assert is_damage(caught.value.__cause__)
    return message


# --- sizes that are not true ----------------------------------------------------------------------


@pytest.mark.parametrize("pack", [bytes, deflated])
@pytest.mark.parametrize(
    "body",
    [
        head(6, b"a", (2, 2)),
        head(6, b"a", (2**18, 2**15)) + element(9, bytes(8)),  # 64 GiB
        head(7, b"a", (2, 2)) + element(9, bytes(8)),
        head(6, b"a", (-1, 2)) + element(9, bytes(16)),
        head(4, b"a", (1, 2**31 - 1)) + element(16, b"text"),
        head(1, b"a", (2**31 - 1, 2**31 - 1)),
        head(5, b"a", (2**31 - 1, 2**31 - 1)) + 3 * element(5, bytes(4)),
    ],
    ids=["no data", "64 GiB", "odd size", "negative", "long text", "many cells", "large sparse"],
)
def test_a_level_5_variable_that_holds_other_data_than_it_declares_is_refused(path, pack, body):
    path.write_bytes(level_5(pack(element(14, body))))
    assert "is damaged" in refused(path)


@pytest.mark.parametrize("kind", ["double", "char", "cell"])
def test_a_deflated_variable_is_not_inflated_beyond_what_it_declares(path, kind):
    codes = {"double": 6, "char": 4, "cell": 1}
    small = element(14, head(codes[kind], b"a", (1, 1)) + element(9, bytes(8)))
    bomb = io.BytesIO(level_5(deflated(small + bytes(64 << 20))))
    path.write_bytes(bomb.getvalue())
    tracemalloc.start()
    try:
        assert "inflates to another size" in refused(path)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_a_data_set_that_declares_far_more_than_it_stores_is_refused(path):
    def fill(file):
        item = file.create_dataset("a", (2**15, 2**18), "f8", chunks=(1, 2**10), compression=4)
        item.attrs["MATLAB_class"] = np.bytes_("double")

    version_73(path, fill)
    assert "declares 68,719,476,736 bytes" in refused(path)


@pytest.mark.parametrize("member", [False, True])
def test_numbers_of_another_format_are_refused_before_hdf5_converts_them(path, member):
    # a float32 with another exponent, as one changed byte makes it, ended the process
    number = h5py.h5t.IEEE_F32LE.copy()
    number.set_ebias(3)
    kind = number
    if member:
        kind = h5py.h5t.create(h5py.h5t.COMPOUND, 8)
        kind.insert(b"real", 0, number)
        kind.insert(b"imag", 4, number)
    space = h5py.h5s.create_simple((3, 2))
    version_73(path, lambda file: h5py.h5d.create(file.id, b"a", kind, space))
    with pytest.raises(MatError, match="a kind that no processor has"):
        read_mat(path)


def test_nothing_is_read_of_an_empty_matrix_however_many_rows_it_declares(path):
    def fill(file):
        file.create_dataset("a", data=np.array([2**50, 0], np.uint64))
        file["a"].attrs["MATLAB_class"] = np.bytes_("double")
        file["a"].attrs["MATLAB_empty"] = np.uint8(1)

    version_73(path, fill)
    with MatFile(path) as file:
        assert file.rows("a")[:, :1].shape == (2**50, 0)


def test_an_empty_data_set_with_elements_is_refused(path):
    version_73(path, lambda f: put(f, "a", np.array([3, 2], "u8"), MATLAB_empty=np.uint8(1)))
    assert "said to be empty" in refused(path)


@pytest.mark.parametrize("row", [-1, 4, 2**31 - 1])
def test_sparse_rows_outside_of_the_matrix_are_refused(path, row):
    parts = element(5, struct.pack("<i", row)) + element(5, struct.pack("<3i", 0, 1, 1))
    body = head(5, b"a", (4, 2)) + parts + element(9, struct.pack("<d", 1))
    path.write_bytes(level_5(element(14, body)))
    assert "rows outside of the matrix" in refused(path)

    def fill(file):
        put(file, "a/ir", np.array([row], "i8"))
        put(file, "a/jc", np.array([0, 1, 1], "u8"))
        put(file, "a/data", np.array([1.0]))
        file["a"].attrs["MATLAB_class"] = np.bytes_("double")
        file["a"].attrs["MATLAB_sparse"] = np.uint64(4)

    version_73(path, fill)
    assert "rows outside of the matrix" in refused(path)


def test_sparse_columns_must_be_in_order(path):
    parts = element(5, struct.pack("<2i", 0, 1)) + element(5, struct.pack("<3i", 0, 2, 1))
    path.write_bytes(
        level_5(element(14, head(5, b"a", (4, 2)) + parts + element(9, struct.pack("<2d", 1, 2))))
    )
    assert "column edges" in refused(path)


# --- reaching out of the file, or round in it -----------------------------------------------------


@pytest.mark.parametrize(
    ("fill", "message"),
    [
        (
            lambda f: f.create_dataset("a", (4,), "f8", external=[("/etc/passwd", 0, 32)]),
            "keeps its data in the file .*/etc/passwd",
        ),
        (lambda f: f.update(a=h5py.ExternalLink("other.h5", "/a")), "'a' is a link to other.h5"),
        (lambda f: f.update(a=h5py.SoftLink("/b")), "'a' is a link to /b"),
        (
            lambda f: f.create_virtual_dataset("a", _view(), fillvalue=0),
            "is a view of other files",
        ),
        (
            lambda f: f.create_dataset("a", (40,), "i4", chunks=(10,), scaleoffset=0),
            "needs the filter",
        ),
        (lambda f: f.update(a=np.dtype("f8")), "neither data nor a group"),
        (lambda f: put(f, "a", ["x", "y"]), "its elements are object"),
    ],
    ids=["storage", "external link", "soft link", "view", "filter", "type", "strings"],
)
def test_what_lies_elsewhere_or_needs_more_than_hdf5_is_refused_by_name(path, fill, message):
    version_73(path, fill)
    with pytest.raises(MatError, match=message):
        read_mat(path)


def _view():
    layout = h5py.VirtualLayout((4,), "f8")
    layout[:] = h5py.VirtualSource("other.h5", "a", (4,))
    return layout


def test_a_cell_that_holds_itself_is_refused(path):
    def fill(file):
        file.create_dataset("a", (1, 2), h5py.ref_dtype)
        file["a"].attrs["MATLAB_class"] = np.bytes_("cell")
        file["a"][0, :] = np.array([file["a"].ref] * 2, h5py.ref_dtype)

    version_73(path, fill)
    assert "an object is part of two others" in refused(path)


def test_cells_in_cells_are_followed_so_far_and_no_further(path):
    nest = b""
    for _ in range(5000):
        nest = element(14, head(1, shape=(1, 1)) + nest)
    path.write_bytes(level_5(element(14, head(1, b"a", (1, 1)) + nest)))
    assert "nested too deeply" in refused(path)


def test_a_pipe_in_place_of_a_file_is_not_waited_for(path):
    os.mkfifo(path)
    with pytest.raises(MatError, match="not a regular file") as caught:
        MatFile(path)
    assert not is_damage(caught.value.__cause__)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EMFILE, errno.EIO])
def test_an_error_of_the_system_is_not_taken_for_damage(path, monkeypatch, number):
    write_mat(path, {"a": 1.0})

    def fails(*_, **__):
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(os, "open", fails)
    with pytest.raises(MatError, match=f"cannot read .*: {os.strerror(number)}$") as caught:
        MatFile(path)
    assert not is_damage(caught.value.__cause__)


def test_lack_of_memory_stays_what_it_is(path, monkeypatch):
    write_mat(path, {"a": np.eye(400)})  # small files are not mapped

    def fails(*_, **__):
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr(np, "memmap", fails)
    with pytest.raises(MemoryError, match=r"no memory to read .*a\.mat"), MatFile(path) as file:
        file.read("a")


# --- MATLAB's other types -------------------------------------------------------------------------


def test_string_objects_are_read_as_text(path):
    texts = {"method": "3D", "note": "Rüdesheim \U0001f30b", "none": ""}
    path.write_bytes(string_objects_5(texts))
    assert read_mat(path) == texts
    string_objects_73(path, texts)
    assert read_mat(path) == texts


def test_a_string_object_that_refers_to_nothing_is_refused(path):
    whole = string_objects_5({"a": "3D"})
    path.write_bytes(whole[:116] + bytes(8) + whole[124:])
    assert "'a' is damaged (the file lacks what it refers to)" in refused(path)


def test_a_variable_of_another_class_leaves_the_others_readable(path):
    table = opaque(b"sites", b"table", element(14, head(13, shape=(6, 1)) + element(6, bytes(24))))
    handle = element(14, head(16, b"handle", (1, 1)) + element(14, head(2, shape=(1, 1))))
    path.write_bytes(level_5(table, handle, NUMBER))
    with MatFile(path) as file:
        assert file.read("lambda") == 0.0555
        for name, kind in (("sites", "table"), ("handle", "function_handle")):
            assert not file.variables[name].known
            with pytest.raises(MatError, match=f"'{name}' is a {kind}, which is not read"):
                file.read(name)


def test_cells_of_scipy_hold_what_was_put_in(path):
    cells = np.empty((1, 2), object)
    cells[:] = [["one", np.eye(2)]]
    for deflate in (False, True):
        scipy.io.savemat(
            path, {"a": cells, "s": {"x": {"y": 2.0}}, "e": "ä"}, do_compression=deflate
        )
        found = read_mat(path)
        classes = {n: variable.matlab_class for n, variable in MatFile(path).variables.items()}
        assert (classes["a"], classes["s"]) == ("cell", "struct")
        assert "".join(found["a"][0, 0].ravel()) == "one"
        np.testing.assert_array_equal(found["a"][0, 1], np.eye(2))
        assert found["s"]["x"][0, 0]["y"][0, 0] == 2
        assert found["e"] == "ä"


def test_what_objects_refer_to_is_copied_only_as_far_as_the_file_goes(tmp_path):
    source = tmp_path / "parms.mat"
    damaged = bytearray(string_objects_5({"text": "a"}, NUMBER))
    at = damaged.find(struct.pack("<d", 0.0555))  # the second half of the number counts a gigabyte
    struct.pack_into("<Q", damaged, SUBSYSTEM_AT, at)
    source.write_bytes(damaged)
    with pytest.raises(MatError, match=f"what begins at byte {at} is longer than the file"):
        rewrite_mat(source, tmp_path / "copy.mat", {"clap_win": 32.0}, ["text"])
