"""The border between disk and science: MATLAB's forms outside, plain arrays inside.

:mod:`pystamps_hpc.dataset.schema` says what a key is; the functions here convert a value on its way
in and out.
"""

from typing import Any

import numpy as np

from ..errors import MatError
from .rows import AnyArray, with_column, without_column
from .schema import Key

_CLASSES: dict[str, type[np.generic]] = {
    "double": np.float64,
    "single": np.float32,
    "int8": np.int8,
    "complex": np.complex64,
    "complex double": np.complex128,
    "logical": np.bool_,
}


def inside(key: Key, value: Any) -> Any:
    """Convert a MATLAB value to its form inside.

    Parameters
    ----------
    key : Key
        Declaration of the key.
    value : ndarray, str or sparse array
        As read from the file, at least 2-D.

    Returns
    -------
    Any
        None for an empty 0 x 0; str; int or float for scalars; 1-D for vectors; 0-based int64 for
        indices; bool for logical; complex single also where the file held real zeros.
    """
    if isinstance(value, str):
        return value
    if value.shape[:2] == (0, 0):
        return None
    if "sparse" in key.classes:
        return value
    if key.ids is not None:
        value = np.ascontiguousarray(value[:, 1:])
    if key.classes[0] == "logical":
        value = value != 0
    elif key.classes[0] == "complex":
        value = value.astype(np.complex64, copy=False)
    if key.index or key.integer:
        value = np.rint(value).astype(np.int64) - int(key.index)
    if key.scalar:
        if value.size != 1:
            raise MatError(f"key '{key.name}' has shape {value.shape}, expected one value")
        return value.reshape(-1)[0].item() if value.dtype != np.float32 else value.reshape(-1)[0]
    return value.reshape(-1) if key.vector else value


def outside(key: Key, value: Any, ids: AnyArray | None = None) -> Any:
    """Convert a value from its form inside to MATLAB's.

    Parameters
    ----------
    key : Key
        Declaration of the key.
    value : Any
        See :func:`inside`; None becomes 0 x 0 double.
    ids : (n,) array, optional
        For the first column of a key that has ids there; numbers from 1 by default.

    Returns
    -------
    ndarray, str or sparse array
        At least 2-D, of the declared class.
    """
    if value is None:
        return np.zeros((0, 0))
    if isinstance(value, str) or "sparse" in key.classes:
        return value
    array = np.asarray(value)
    if key.index:
        array = array + 1
    array = array.astype(stored_dtype(key, array.dtype), copy=False)
    if key.ids is not None:
        numbers = np.arange(1, len(array) + 1) if ids is None else ids
        array = np.column_stack((numbers.astype(array.dtype), array))
    if key.dims[0] == "1" and array.ndim < 2:
        return array.reshape(1, -1)
    return array.reshape(-1, 1) if array.ndim < 2 else array


def without_null(key: Key, value: Any, master: int | None) -> Any:
    """Take the null column of the master off a value inside, an array or rows still on disk.

    Parameters
    ----------
    key : Key
        Declaration of the key; most have no such column.
    value : array, Rows or None
        With a column (a number, of a 1-D array) of every image.
    master : int or None
        Where the column stands; None: the stack has none.
    """
    if key.null is None or value is None or master is None:
        return value
    return without_column(value, master)


def with_null(key: Key, value: Any, master: int | None) -> Any:
    """Put the null column of the master back; see :func:`without_null`."""
    if key.null is None or value is None or master is None:
        return value
    return with_column(value, master, key.null)


def stored_dtype(key: Key, dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type a key is stored in: the declared one, or `dtype` if that is among several."""
    declared = [np.dtype(_CLASSES[name]) for name in key.classes]
    return dtype if dtype in declared else declared[0]
