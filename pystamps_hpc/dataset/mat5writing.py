"""Level-5 MAT files on their way to the disk: in pieces, small ones as a whole.

References
----------
"MAT-File Format", The MathWorks.
"""

import io
import math
import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from .contents import SMALL_BYTES
from .mat5values import CLASSES, COMPLEX_FLAG, COMPRESSED, LOGICAL_FLAG, MATRIX, STORED
from .matvalues import REAL_DTYPES, Stream, matlab_class, pieces
from .places import Place

HEADER_BYTES = 128
HEADER = (
    b"MATLAB 5.0 MAT-file, written by pystamps-hpc".ljust(116)
    + bytes(8)  # no subsystem data
    + struct.pack("<H", 0x0100)
    + b"IM"
)
"""First bytes of every file: without a date, so that equal contents are equal files."""

_CLASS_CODES = {name: code for code, name in CLASSES.items()}
_STORED_CODES = {kind: code for code, kind in STORED.items()}


def write(path: Path, values: Mapping[str, Any], compress: bool) -> dict[str, Place]:
    """Write a level-5 file.

    Parameters
    ----------
    path : Path
        The file; replaced if it exists.
    values : mapping of str to Stream, str or sparse array
        Variables in their order in the file.
    compress : bool
        Deflate every variable; they are then never read in place.

    Returns
    -------
    dict of str to Place
        Where the values belong that were left out.
    """
    with path.open("wb") as file:
        if sum(map(_size, values.values())) > SMALL_BYTES:
            return _write_all(path, file, values, compress)
        whole = io.BytesIO()
        places = _write_all(path, whole, values, compress)
        file.write(whole.getbuffer())
        return places


def _size(value: Any) -> int:
    """Return about how many bytes a matrix or a text takes; a sparse matrix is never small."""
    if isinstance(value, str):
        return 2 * len(value)
    return value.nbytes if isinstance(value, Stream) else SMALL_BYTES + 1


def _write_all(
    path: Path, file: BinaryIO, values: Mapping[str, Any], compress: bool
) -> dict[str, Place]:
    places = {}
    file.write(HEADER)
    for name, value in values.items():
        if not compress:
            place = write_element(path, file, name, value)
            if place is not None:
                places[name] = place
            continue
        whole = io.BytesIO()
        write_element(path, whole, name, value)
        deflated = zlib.compress(whole.getbuffer())
        file.write(struct.pack("<II", COMPRESSED, len(deflated)))
        file.write(deflated)
    return places


def write_element(path: Path, file: BinaryIO, name: str, value: Any) -> Place | None:
    """Write one variable to a file, or to what stands for it; `path` is for messages.

    Returns
    -------
    Place or None
        Where the values belong if they were left out.
    """
    if isinstance(value, Stream):
        return _write_matrix(path, file, name, value)
    if isinstance(value, str) and value:
        file.write(_text(name, value))
        return None
    from scipy.io import savemat

    alone = io.BytesIO()
    savemat(cast(Any, alone), {name: value}, long_field_names=True)
    file.write(alone.getbuffer()[HEADER_BYTES:])
    return None


def _text(name: str, text: str) -> bytes:
    """Return the element of a text, as SciPy writes it, which takes 0.15 s to load."""
    whole = _head(name, "char", 0, (1, len(text))) + _subelement(16, text.encode())
    return struct.pack("<II", MATRIX, len(whole)) + whole


def _write_matrix(path: Path, file: BinaryIO, name: str, matrix: Stream) -> Place | None:
    """Write a numeric matrix: its header, then every piece at its places in the columns."""
    kind = matlab_class(matrix.dtype)
    assert kind is not None
    stored = REAL_DTYPES[kind].newbyteorder("<")
    if kind == "logical":
        kind, stored, flags = "uint8", np.dtype("u1"), LOGICAL_FLAG
    else:
        flags = COMPLEX_FLAG if matrix.dtype.kind == "c" else 0
    head = _head(name, kind, flags, matrix.shape)
    n_bytes = math.prod(matrix.shape) * stored.itemsize
    padding = bytes(-n_bytes % 8)
    part_bytes = 8 + n_bytes + len(padding)
    n_parts = 2 if flags == COMPLEX_FLAG else 1
    file.write(struct.pack("<II", MATRIX, len(head) + n_parts * part_bytes) + head)
    parts_at = [file.tell() + k * part_bytes for k in range(n_parts)]
    for at in parts_at:
        file.seek(at)
        file.write(struct.pack("<II", _STORED_CODES[stored.str[1:]], n_bytes))
    place = Place(matrix.shape[0], matrix.dtype, stored, tuple(at + 8 for at in parts_at))
    left_out = matrix.blocks is None
    for rows, piece in pieces(matrix, path, name) if not left_out else ():
        for at, run in place.runs(rows, piece):
            file.seek(at)
            file.write(run.data)
    if left_out and n_bytes:
        file.seek(place.parts[-1] + n_bytes - 1)
        file.write(b"\0")  # the file has its size from the beginning
    for at in place.parts:
        file.seek(at + n_bytes)
        file.write(padding)
    return place if left_out else None


def _head(name: str, kind: str, flags: int, shape: Sequence[int]) -> bytes:
    """Return what stands before the values of an element: class, shape and name."""
    return (
        _subelement(6, struct.pack("<II", flags | _CLASS_CODES[kind], 0))
        + _subelement(5, struct.pack(f"<{len(shape)}i", *shape))
        + _subelement(1, name.encode("ascii"))
    )


def _subelement(kind: int, data: bytes) -> bytes:
    if 0 < len(data) <= 4:
        return struct.pack("<HH", kind, len(data)) + data.ljust(4, b"\0")
    return struct.pack("<II", kind, len(data)) + data + bytes(-len(data) % 8)
