"""Values of MAT files as verification sees them: shape, MATLAB class, and rows read in blocks.

A value is never held whole when its container can be read in place, so that trees of any size are
compared in bounded memory.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import scipy.sparse

from ....dataset.mat import MatFile
from ....dataset.matvalues import REAL_DTYPES, matlab_class
from ....dataset.rows import AnyArray, IntArray

BLOCK_ELEMENTS = 1 << 19
"""Elements of one block: a handful of temporaries of 16 bytes each stay below 100 MB."""


@dataclass(frozen=True)
class Value:
    """One MATLAB value.

    Parameters
    ----------
    shape : tuple of int
        MATLAB's dimensions; empty for what has none (text, cells, structs).
    matlab_class : str
        ``double`` ... ``logical``, ``char``, ``sparse``, ``cell``, ``struct``.
    complex : bool
        Whether it has an imaginary part.
    read : callable
        Rows (slice or index array) -> ``(n, n_column)`` array; further dimensions are columns,
        the last running fastest.
    whole : object
        Text or sparse matrix; None for what is read in blocks.
    """

    shape: tuple[int, ...]
    matlab_class: str
    complex: bool
    read: Callable[[Any], AnyArray]
    whole: Any = None

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self.shape[0]

    @property
    def n_columns(self) -> int:
        """Number of columns, all further dimensions together."""
        return math.prod(self.shape[1:])

    @property
    def empty(self) -> bool:
        """Whether it has no element."""
        return self.size == 0

    @property
    def vector(self) -> bool:
        """Whether it is 1 x n or n x 1."""
        return len(self.shape) == 2 and 1 in self.shape

    def array(self) -> AnyArray:
        """Return the value whole, ``(n_row, n_column)``."""
        return self.read(slice(None))

    def transposed(self) -> "Value":
        """Return the transpose of a matrix; for vectors and other small matrices."""
        return of_array(np.ascontiguousarray(self.array().T))

    def taken(self, rows: IntArray) -> "Value":
        """Return the value with only these rows, in this order."""
        shape = (len(rows), *self.shape[1:])
        whole = self.whole[rows] if self.matlab_class == "sparse" else None
        return Value(shape, self.matlab_class, self.complex, lambda i: self.read(rows[i]), whole)

    def without_first_column(self) -> "Value":
        """Return a matrix without its first column."""
        shape = (self.n_rows, self.n_columns - 1)
        return Value(shape, self.matlab_class, self.complex, lambda rows: self.read(rows)[:, 1:])

    def blocks(self) -> Iterator[slice]:
        """Cut the rows into blocks; the cut depends on the shape alone."""
        step = max(1, BLOCK_ELEMENTS // max(1, self.n_columns))
        for first in range(0, self.n_rows, step):
            yield slice(first, min(first + step, self.n_rows))

    def place(self, row: int, column: int) -> tuple[int, ...]:
        """Return the index of an element in MATLAB's dimensions, from 0."""
        return (row, *(int(i) for i in np.unravel_index(column, self.shape[1:])))


def _nothing(rows: Any) -> AnyArray:
    del rows
    return np.empty((0, 0))


def of_array(array: AnyArray) -> Value:
    """Return an array in memory as a value."""
    flat = array.reshape(len(array), -1) if array.size else np.empty((len(array), 0), array.dtype)
    name = matlab_class(array.dtype) or "cell"
    return Value(array.shape, name, array.dtype.kind == "c", flat.__getitem__)


def of(value: Any) -> Value:
    """Return what :func:`pystamps_hpc.dataset.mat.read_mat` gives as a value."""
    if isinstance(value, str):
        return Value((1, len(value)), "char", False, _nothing, value)
    if scipy.sparse.issparse(value):
        columns: Any = scipy.sparse.csc_array(cast(Any, value))
        return Value(columns.shape, "sparse", columns.dtype.kind == "c", _nothing, columns)
    array = np.asarray(value)
    if array.dtype.kind == "U":
        return Value(array.shape, "char", False, _nothing, "\n".join(map("".join, array.tolist())))
    if array.dtype.kind in "OV":
        return Value(array.shape, "cell", False, _nothing)
    return of_array(np.atleast_2d(array))


def stored(file: MatFile, name: str) -> Value:
    """Return a variable of an open file; large matrices stay on disk.

    Raises
    ------
    MatError
        The variable is damaged.
    """
    variable = file.variables[name]
    if variable.matlab_class not in REAL_DTYPES or len(variable.shape) != 2:
        return of(file.read(name))
    inflated = None if file.in_place(name) else file.rows(name)

    def read(rows: Any) -> AnyArray:
        # in place, a fresh map for every block: pages that were read do not stay in memory
        return (inflated or file.rows(name))[rows]

    return Value(variable.shape, variable.matlab_class, variable.complex, read)
