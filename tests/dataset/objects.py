"""MAT files built by hand, those with string objects of MATLAB among them."""

import struct
from pathlib import Path

import h5py
import numpy as np
from hypothesis import HealthCheck, settings

FORMATS = ("v5", "v7.3")

short = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def assert_same(found, expected):
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


def level_5(*elements, order="<"):
    mark = {"<": b"\0\1IM", ">": b"\1\0MI"}[order]
    return b"MATLAB 5.0 MAT-file, by hand".ljust(116) + bytes(8) + mark + b"".join(elements)


def mark_73(path: Path):
    """Write the header of version 7.3 into the user block of an HDF5 file."""
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\0\2IM")


def element(kind, data, order="<"):
    return struct.pack(order + "II", kind, len(data)) + data + bytes(-len(data) % 8)


def head(code, name=b"", shape=None, order="<"):
    dimensions = element(5, struct.pack(f"{order}{len(shape)}i", *shape), order) if shape else b""
    return (
        element(6, struct.pack(order + "II", code, 0), order) + dimensions + element(1, name, order)
    )


def matrix(order, name, code, shape, parts):
    """Build a matrix element; parts are (stored type, bytes), the code holds flags too."""
    values = b"".join(element(kind, data, order) for kind, data in parts)
    return element(14, head(code, name, shape, order) + values, order)


def numbers(code, kind, values, name=b""):
    """Return a matrix element of one column."""
    data = element({"u1": 2, "u4": 6, "u8": 13, "f8": 9}[kind], values.astype("<" + kind).tobytes())
    return element(14, head(code, name, (len(values), 1)) + data)


def opaque(name, class_name, content):
    words = b"".join(element(1, word) for word in (b"MCOS", class_name))
    return element(14, head(17, name) + words + content)


def saved(text):
    """Return what a string saves: version, dimensions, its length, its units of UTF-16."""
    units = text.encode("utf-16-le")
    begin = np.array([1, 2, 1, 1, len(units) // 2], np.uint64)
    return np.concatenate((begin, np.frombuffer(units + bytes(-len(units) % 8), np.uint64)))


def table(count):
    """Return the table of a subsystem with `count` strings, in the order of their cells."""
    names = b"string\0any\0".ljust(16, b"\0")
    classes = struct.pack("<8I", 0, 0, 0, 0, 0, 1, 0, 0)
    fields = bytes(8) + b"".join(struct.pack("<4I", 1, 2, 1, k) for k in range(count))
    numbers = range(1, count + 1)
    objects = bytes(24) + b"".join(struct.pack("<6I", 1, 0, 0, k, 0, k) for k in numbers)
    begins = [40 + len(names)]
    for region in (classes, fields, objects, bytes(8), bytes(8), b"", b""):
        begins.append(begins[-1] + len(region))
    toc = struct.pack("<10I", 4, 2, *begins[:8])
    return np.frombuffer(toc + names + classes + fields + objects + bytes(16), np.uint8)


def reference(k):
    return np.array([0xDD000000, 2, 1, 1, k + 1, 1], np.uint32)


def string_objects_5(texts, *others):
    """Return a level-5 file of string objects, other elements before them."""
    cells = [numbers(9, "u1", table(len(texts))), element(14, head(1, shape=(0, 0)))]
    cells += [numbers(15, "u8", saved(text)) for text in texts.values()]
    cells.append(element(14, head(1, shape=(0, 0))))
    whole = element(14, head(1, shape=(len(cells), 1)) + b"".join(cells))
    wrapper = opaque(b"", b"FileWrapper__", whole)
    fields = element(5, struct.pack("<i", 5)) + element(1, b"MCOS\0")
    inner = b"\0\1IM" + bytes(4) + element(14, head(2, shape=(1, 1)) + fields + wrapper)
    variables = b"".join(others) + b"".join(
        opaque(name.encode(), b"string", numbers(13, "u4", reference(k)))
        for k, name in enumerate(texts)
    )
    at = struct.pack("<Q", 128 + len(variables))
    header = b"MATLAB 5.0 MAT-file, by hand".ljust(116) + at + b"\0\1IM"
    return header + variables + numbers(9, "u1", np.frombuffer(inner, np.uint8))


def string_objects_73(path: Path, texts):
    """Write a version-7.3 file of string objects."""
    with h5py.File(path, "w", userblock_size=512) as file:

        def put(name, value, kind):
            file[name] = value
            file[name].attrs["MATLAB_class"] = np.bytes_(kind)
            return file[name]

        cells = [put("#refs#/t", table(len(texts))[None, :], "uint8")]
        cells.append(put("#refs#/e", np.zeros(2, np.uint64), "canonical empty"))
        cells[1].attrs["MATLAB_empty"] = np.uint8(1)
        cells += [
            put(f"#refs#/{k}", saved(text)[:, None], "uint64")
            for k, text in enumerate(texts.values())
        ]
        references = np.array([[cell.ref for cell in cells]], h5py.ref_dtype)
        put("#subsystem#/MCOS", references, "FileWrapper__")
        for k, name in enumerate(texts):
            put(name, reference(k)[None, :], "string").attrs["MATLAB_object_decode"] = np.int32(3)
    mark_73(path)
