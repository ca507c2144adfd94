"""MATLAB's string objects, whose text lies apart from the variable.

The variable holds a reference alone. The text lies in the *subsystem* of the file, a cell array
whose first cell, the table, leads from the number of an object to the cell with what it saved.
``TABLE[k]`` below is a 32-bit integer of it: the offsets of four regions follow a version and
the number of names; a block of six integers per object (region 3) holds the number of what it
saved; a block per saved value (region 2) lists ``(name, kind, cell)``. A string saves one array of
64-bit integers: version, number of dimensions, dimensions, a length per string, then their units of
UTF-16.

References
----------
The format is not published by The MathWorks; descriptions of it are those of the projects
MatFileHandler and matio.
"""

import math
from collections.abc import Callable

import numpy as np

from .rows import AnyArray

_REFERENCE = 0xDD000000
_CELLS_BEFORE_VALUES = 2
_SAVED, _OBJECTS = 3, 4  # where the table says that regions 2 and 3 begin


def text_of_object(reference: AnyArray, cell: Callable[[int], AnyArray]) -> str:
    """Return the text of a string object.

    Parameters
    ----------
    reference : array of uint32
        What the variable holds.
    cell : callable
        Returns a numeric cell of the subsystem by its number from 0.

    Raises
    ------
    ValueError
        The object is not one string, or its tables contradict each other.
    IndexError
        They lead outside.
    """
    words = [int(word) for word in reference.ravel(order="F")]
    n_dims = words[1]
    if words[0] != _REFERENCE or n_dims < 2 or len(words) < n_dims + 4:
        raise ValueError("not the reference of an object")
    saved = _saved_cell(np.ascontiguousarray(cell(0).ravel(order="F")), words[2 + n_dims])
    values = np.ascontiguousarray(cell(_CELLS_BEFORE_VALUES + saved).ravel(order="F"), np.uint64)
    n_dims = int(values[1])
    shape = [int(length) for length in values[2 : 2 + n_dims]]
    if values[0] != 1 or math.prod(shape) != 1:
        raise ValueError(f"{' x '.join(map(str, shape))} strings, one is expected")
    length = int(values[2 + n_dims])
    units = values[3 + n_dims :].astype("<u8").tobytes()
    if length > len(units) // 2:
        raise ValueError("the text ends early")
    return units[: 2 * length].decode("utf-16-le", "replace").rstrip("\0 ")


def _saved_cell(table: AnyArray, number: int) -> int:
    """Return the number of the cell that holds what an object saved."""
    words = table[: len(table) // 4 * 4].view("<u4").astype(np.int64)
    saved = words[words[_OBJECTS] // 4 + 6 * number + 3]
    at = int(words[_SAVED]) // 4
    for _ in range(int(saved)):  # the block before the first is empty
        at += _padded(1 + 3 * int(words[at]))
    n_fields, _, kind, cell = words[at : at + 4]
    if saved < 1 or n_fields != 1 or kind != 1:
        raise ValueError("the object does not save a text")
    return int(cell)


def _padded(n_words: int) -> int:
    return n_words + n_words % 2
