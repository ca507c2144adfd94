"""The lists of candidates that a preparation leaves in a patch.

There are millions of lines, and a line that Python formats takes a microsecond during which no
other thread works; so digits are made of whole arrays.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..rows import AnyArray, FloatArray, IntArray

ROWS = 1 << 16  # candidates that are written at a time
BLANK, NEWLINE, POINT, ZERO = b" \n.0"


def write_lists(folder: Path, azimuth: IntArray, sample: IntArray, dispersion: FloatArray) -> None:
    """Write ``pscands.1.ij``, ``pscands.1.ij.int`` and ``pscands.1.da``.

    Parameters
    ----------
    folder : Path
        Where to; the patch, or where it is staged.
    azimuth, sample : (n,) int64
        Pixels, from 0.
    dispersion : (n,) float
        Amplitude dispersion, six digits of which are kept; NaN is ``-nan``, as StaMPS writes it.

    Notes
    -----
    StaMPS ``selpsc_patch``, ``selsbc_patch``; docs/science/preparation.md.
    """
    with (folder / "pscands.1.ij").open("wb") as ij, (folder / "pscands.1.da").open("wb") as da:
        for first in range(0, len(azimuth), ROWS):
            rows = slice(first, first + ROWS)
            number = np.arange(first + 1, first + 1 + len(azimuth[rows]))
            ij.write(_lines_of_integers(number, azimuth[rows], sample[rows]))
            da.write(_lines_of_numbers(dispersion[rows]))
    np.column_stack([sample, azimuth]).astype(">i4").tofile(folder / "pscands.1.ij.int")


def _lines_of_integers(*columns: IntArray) -> bytes:
    """Return lines of numbers from 0, of 32 bits, with blanks between, as ``%d`` writes them."""
    widths = [len(str(int(column.max(initial=0)))) for column in columns]
    text = np.empty((len(columns[0]), sum(widths) + len(columns)), np.uint8)
    kept = np.ones(text.shape, bool)
    end = 0
    for column, width in zip(columns, widths, strict=True):
        left = column.astype(np.uint32)
        for place in range(end + width - 1, end - 1, -1):
            rest = left // 10
            text[:, place] = left - 10 * rest + ZERO
            kept[:, place] = left > 0
            left = rest
        end += width
        kept[:, end - 1] = True  # 0 has a digit, too
        text[:, end] = BLANK
        end += 1
    text[:, -1] = NEWLINE
    return text[kept].tobytes()


def _lines_of_numbers(values: FloatArray) -> bytes:
    """Return a line for each number, as ``%g`` writes it."""
    if values.dtype == np.float32 and ((values >= 1e-4) & (values < 999999)).all():
        return _lines_of_digits(values)
    words = "%g\n" * len(values) % tuple(values.tolist())
    return words.replace("nan", "-nan").encode()


def _lines_of_digits(values: NDArray[np.float32]) -> bytes:
    """Do so for numbers that ``%g`` writes without exponent."""
    power = np.searchsorted([1e-3, 1e-2, 0.1, 1, 10, 100, 1e3, 1e4, 1e5], values, "right") - 4
    number, power = _six_digits(values, power)
    text = np.empty((len(values), 18), np.uint8)
    kept = np.empty(text.shape, bool)
    text[:, :5], text[:, 17] = (ZERO, POINT, ZERO, ZERO, ZERO), NEWLINE
    for place in range(5):  # 0.000
        kept[:, place] = power < min(0, 1 - place)
    left, needed = number.astype(np.uint32), np.zeros(len(values), bool)
    for place in range(5, -1, -1):
        rest = left // 10
        digit = left - 10 * rest
        text[:, 5 + 2 * place], text[:, 6 + 2 * place] = digit + ZERO, POINT
        kept[:, 6 + 2 * place] = needed & (power == place)
        needed |= digit > 0
        kept[:, 5 + 2 * place] = needed | (power >= place)
        left = rest
    kept[:, 17] = True
    return text[kept].tobytes()


def _six_digits(values: NDArray[np.float32], power: IntArray) -> tuple[IntArray, AnyArray]:
    """Round numbers of the size ``10 ** power`` to six digits, exactly, halves to even.

    A single is a whole number of 24 bits times a power of two, and 24 bits times 10 ** 9 are a
    number of 64 bits.
    """
    part, exponent = np.frexp(values)
    scaled = (part * np.float32(2**24)).astype(np.int64) * 10 ** (5 - power)
    shift = (24 - exponent).astype(np.int64)
    number, half = scaled >> shift, np.int64(1) << (shift - 1)
    rest = scaled & (2 * half - 1)
    number += (rest > half) | ((rest == half) & (number % 2 == 1))
    over = number == 10**6
    return np.where(over, 10**5, number), power + over
