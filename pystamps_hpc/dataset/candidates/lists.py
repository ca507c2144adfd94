"""The lists of candidates that a preparation leaves in a patch."""

from pathlib import Path

import numpy as np

from ..rows import FloatArray, IntArray

ROWS = 1 << 17  # candidates that are written at a time


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
    with (folder / "pscands.1.ij").open("w") as ij, (folder / "pscands.1.da").open("w") as da:
        for first in range(0, len(azimuth), ROWS):
            rows = slice(first, first + ROWS)
            number = np.arange(first + 1, first + 1 + len(azimuth[rows]))
            places = np.column_stack([number, azimuth[rows], sample[rows]])
            ij.write("%d %d %d\n" * len(places) % tuple(places.ravel().tolist()))
            words = "%g\n" * len(places) % tuple(dispersion[rows].tolist())
            da.write(words.replace("nan", "-nan"))
    np.column_stack([sample, azimuth]).astype(">i4").tofile(folder / "pscands.1.ij.int")
