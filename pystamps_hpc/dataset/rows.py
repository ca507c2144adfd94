"""Two-dimensional data read by rows (PS) or by columns (interferograms), wherever they live."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
ComplexArray = NDArray[np.complexfloating]
AnyArray = NDArray[Any]


class Rows(Protocol):
    """Anything of shape ``(n_ps, n_ifg)`` that is read as ``a[rows]`` or ``a[:, ifgs]``.

    An array in memory, a variable still on disk, or rows distributed over ranks. ``rows`` is a
    slice or an index array, ``ifgs`` an integer, a slice or an index array; the answer is an
    array in memory.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """Numbers of rows and columns."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""
        ...

    def __getitem__(self, key: Any, /) -> AnyArray: ...
