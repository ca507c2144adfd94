"""Tables of numbers as text, a block at a time, without a Python step per number."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...dataset.rows import FloatArray

Text = NDArray[np.uint8]

_ZERO, _MINUS, _POINT = ord("0"), ord("-"), ord(".")


def table_text(
    columns: Sequence[tuple[FloatArray, int]], separator: str = ",", void: str = ""
) -> bytes:
    """Write columns of numbers with a fixed number of decimals.

    Parameters
    ----------
    columns : sequence of ((n, k) float, int)
        Numbers, and their decimals. Values must stay below 1e15 after scaling.
    separator : str
        One character between two numbers.
    void : str
        What stands for a value that is not finite.

    Returns
    -------
    bytes
        ``n`` lines in ASCII.
    """
    fields = []
    for values, decimals in columns:
        text = _fixed_point(values, decimals, void)
        mark = np.full((*text.shape[:2], 1), ord(separator), np.uint8)
        fields.append(np.concatenate((text, mark), axis=2).reshape(len(values), -1))
    lines = np.concatenate(fields, axis=1)
    lines[:, -1] = ord("\n")
    return bytes(lines[lines != 0].tobytes())


def _fixed_point(values: FloatArray, decimals: int, void: str) -> Text:
    """Return the characters of each number, (n, k, width); zero bytes are to be left out."""
    valid = np.isfinite(values)
    scaled = np.rint(np.abs(np.where(valid, values, 0.0), dtype=np.float64) * 10**decimals)
    largest = int(scaled.max(initial=0))
    rest = scaled.astype(np.uint32 if largest < 2**32 else np.uint64)
    n_digits = max(len(str(largest)), decimals + 1)
    # one plane per character: every step runs over contiguous memory
    width = max(n_digits + 1 + (decimals > 0), len(void))
    planes = np.zeros((width, *values.shape), np.uint8)
    planes[0] = np.where((values < 0) & (rest > 0), _MINUS, 0)
    place = len(planes) - 1
    for digit in range(n_digits):
        if digit == decimals > 0:
            planes[place] = np.where(valid, _POINT, 0)
            place -= 1
        quotient = rest // 10
        character = (rest - 10 * quotient).astype(np.uint8) + np.uint8(_ZERO)
        present = valid if digit <= decimals else rest > 0
        planes[place] = np.where(present, character, 0)
        rest = quotient
        place -= 1
    for at, character in enumerate(void):
        planes[at][~valid] = ord(character)
    return np.ascontiguousarray(np.moveaxis(planes, 0, -1))
