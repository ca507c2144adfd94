"""Objects of version-7.3 MAT files: from HDF5 to values, within the file and its size.

References
----------
"MAT-File Versions", MATLAB documentation, The MathWorks.
"""

from typing import Any

import h5py
import numpy as np

from .mat5values import sparse_matrix
from .matobjects import text_of_object
from .matvalues import REAL_DTYPES, Variable, joined, matlab_class
from .rows import AnyArray

_CELLS = "#subsystem#/MCOS"  # what objects refer to
_FILTERS = {
    h5py.h5z.FILTER_DEFLATE,
    h5py.h5z.FILTER_SHUFFLE,
    h5py.h5z.FILTER_FLETCHER32,
    h5py.h5z.FILTER_LZF,
}
_NUMBERS = [
    getattr(h5py.h5t, f"{kind}{bits}{order}")
    for kind in ("STD_I", "STD_U", "IEEE_F")
    for bits in (8, 16, 32, 64)
    for order in ("LE", "BE")
    if kind != "IEEE_F" or bits > 16
]
_INFLATION = 1032  # the most that deflate makes of a byte
_UNDOUBTED_BYTES = 64 << 20  # a matrix of this size may be stored in less
_DEEPEST = 16  # levels of cells and structs


def item_of(group: Any, name: str) -> Any:
    """Return a member of a group that lies in the same file.

    Raises
    ------
    ValueError
        It is a link to another place, or keeps its data there.
    """
    link = group.get(name, getlink=True)
    if not isinstance(link, h5py.HardLink):
        target = getattr(link, "filename", link.path)
        raise ValueError(f"'{name}' is a link to {target}, links are not followed")
    return _own(group[name])


def _own(item: Any) -> Any:
    """Return an object once it is known to hold its data itself, and no more than it declares."""
    if isinstance(item, h5py.Group):
        return item
    if not isinstance(item, h5py.Dataset):
        raise ValueError(f"{item.name} is neither data nor a group")
    layout = item.id.get_create_plist()
    if layout.get_external_count():
        raise ValueError(f"{item.name} keeps its data in the file {layout.get_external(0)[0]!r}")
    if layout.get_layout() == h5py.h5d.VIRTUAL:
        raise ValueError(f"{item.name} is a view of other files")
    for k in range(layout.get_nfilters()):
        code, _, _, name = layout.get_filter(k)
        if code not in _FILTERS:
            raise ValueError(f"{item.name} needs the filter {name.decode(errors='replace')!r}")
    if not _is_usual(item.id.get_type()):
        raise ValueError(f"{item.name} holds numbers of a kind that no processor has")
    n_bytes = item.size * item.dtype.itemsize
    chunk = item.chunks or ()
    if max(n_bytes, int(np.prod(chunk, dtype=object)) * item.dtype.itemsize) > max(
        _UNDOUBTED_BYTES, _INFLATION * item.id.get_storage_size()
    ):
        raise ValueError(f"{item.name} declares {n_bytes:,} bytes and holds far fewer")
    return item


def _is_usual(stored: Any) -> bool:
    """Whether numbers are stored as usual; HDF5 can end the process when it converts others."""
    if stored.get_class() == h5py.h5t.COMPOUND:
        return all(_is_usual(stored.get_member_type(k)) for k in range(stored.get_nmembers()))
    if stored.get_class() not in (h5py.h5t.INTEGER, h5py.h5t.FLOAT):
        return True
    return any(stored == number for number in _NUMBERS)


def variable_of(name: str, item: Any) -> Variable:
    """Read the class and the shape of a data set or group from its attributes.

    Raises
    ------
    ValueError
        They contradict each other.
    """
    kind = item.attrs.get("MATLAB_class", b"")
    kind = kind.decode("ascii") if isinstance(kind, bytes) else str(kind)
    if isinstance(item, h5py.Group):
        if "MATLAB_sparse" not in item.attrs:
            return Variable(name, (1, 1), kind or "struct", False)
        is_complex = "data" in item and item_of(item, "data").dtype.names is not None
        n_rows, n_columns = int(item.attrs["MATLAB_sparse"]), item_of(item, "jc").size - 1
        return Variable(name, (n_rows, n_columns), "sparse", is_complex)
    if "MATLAB_object_decode" in item.attrs:
        return Variable(name, (1, 1), kind if kind == "string" else "opaque", False)
    names = item.dtype.names
    is_complex = names is not None and set(names) == {"real", "imag"}
    if not kind:
        kind = matlab_class(item.dtype["real"] if is_complex else item.dtype) or "unknown"
    shape = item.shape[::-1]
    if "MATLAB_empty" in item.attrs:
        shape = tuple(int(length) for length in item[:33])
        if 0 not in shape or min(shape) < 0:
            raise ValueError(f"{shape} is said to be empty")
    elif kind in REAL_DTYPES and item.dtype.kind not in "biuf" and not is_complex:
        raise ValueError(f"its elements are {item.dtype}")
    return Variable(name, (*shape, *(1 for _ in range(2 - len(shape)))), kind, is_complex)


def plain(values: AnyArray) -> AnyArray:
    """Return MATLAB's pairs of real and imaginary part as complex numbers."""
    if values.dtype.names is None:
        return values
    part = values.dtype["real"].newbyteorder("=")
    dtype = np.dtype(np.complex64 if part == np.float32 else np.complex128)
    return joined([values["real"], values["imag"]], dtype)


class Reader:
    """Reads the value of one variable, every object in it once at most.

    Parameters
    ----------
    file : h5py.File
        An open file.
    """

    def __init__(self, file: Any) -> None:
        self._file = file
        self._seen: set[Any] = set()

    def read(self, item: Any, depth: int = _DEEPEST) -> Any:
        """Return the value of a data set or group; text comes as a matrix of characters.

        Raises
        ------
        ValueError
            It contradicts itself, refers to itself, or is of a class that is not read.
        """
        variable = variable_of("", _own(item))
        kind, shape = variable.matlab_class, variable.shape
        if "MATLAB_empty" in item.attrs:
            others = {"char": np.dtype("U1"), "cell": np.dtype(object), "struct": np.dtype(object)}
            return np.empty(shape, {**REAL_DTYPES, **others}.get(kind, np.dtype(float)))
        if kind in REAL_DTYPES:
            values = plain(np.ascontiguousarray(item[()].T).reshape(shape))
            return values.astype(variable.dtype, copy=False)
        if kind == "char":
            return _characters(item).reshape(shape)
        if kind == "sparse":
            return _read_sparse(item, variable)
        if kind == "string":
            cells = item_of(self._file, _CELLS)[()].ravel()
            return text_of_object(item[()].ravel(), lambda k: self._follow(cells[k], depth))
        if depth == 0:
            raise ValueError("cells and structs are nested too deeply")
        if kind == "cell":
            return self._follow_all(item[()].T, depth).reshape(shape)
        if kind == "struct" and isinstance(item, h5py.Group):
            return self._read_struct(item, depth)
        raise ValueError(f"class {kind} is not read")

    def _follow(self, reference: Any, depth: int) -> Any:
        item = self._file[reference]
        place = (h5py.h5o.get_info(item.id).addr, item.attrs.get("MATLAB_empty") is None)
        if place in self._seen and place[1]:
            raise ValueError("an object is part of two others")
        self._seen.add(place)
        return self.read(item, depth - 1)

    def _follow_all(self, references: AnyArray, depth: int) -> AnyArray:
        found = np.empty(references.shape, object)
        for place, reference in np.ndenumerate(references):
            found[place] = self._follow(reference, depth)
        return found

    def _read_struct(self, group: Any, depth: int) -> AnyArray:
        """Return the fields as a structured array of objects."""
        fields = {}
        for name in group:
            item = item_of(group, name)
            if "MATLAB_class" in item.attrs:  # a single struct holds its values directly
                fields[name] = np.empty((1, 1), object)
                fields[name][0, 0] = self._follow(item.ref, depth)
            else:
                fields[name] = self._follow_all(item[()].T, depth)
        shape = next(iter(fields.values())).shape if fields else (1, 1)
        found: AnyArray = np.empty(shape, [(name, object) for name in fields])
        for name, values in fields.items():
            found[name] = values
        return found


def _characters(item: Any) -> AnyArray:
    if item.dtype.kind not in "iu" or item.dtype.itemsize > 2:
        raise ValueError(f"its characters are {item.dtype}")
    units = np.ascontiguousarray(item[()].T)
    return units.astype(f"<u{units.dtype.itemsize}").astype("<u4").view("<U1")


def _read_sparse(group: Any, variable: Variable) -> Any:
    logical = group.attrs.get("MATLAB_class") in (b"logical", "logical")
    dtype: Any = bool if logical else complex if variable.complex else float
    edges = item_of(group, "jc")[()].ravel()
    if "data" not in group:
        return sparse_matrix(np.empty(0, dtype), np.empty(0, np.int64), edges, variable.shape)
    values = plain(item_of(group, "data")[()].ravel()).astype(dtype)
    return sparse_matrix(values, item_of(group, "ir")[()].ravel(), edges, variable.shape)
