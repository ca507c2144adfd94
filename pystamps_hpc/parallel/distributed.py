"""Rows that are spread over the ranks of a team."""

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from ..dataset.rows import AnyArray

# Shape of one row and type of the elements, for each array of a result.
Layout = list[tuple[tuple[int, ...], np.dtype[Any]]]


class Distributed:
    """An array of which each rank holds one contiguous stretch of rows; satisfies ``Rows``.

    Parameters
    ----------
    block : (stop - start, ...) ndarray
        The rows of this rank.
    start : int
        Number of the first of them.
    n : int
        Number of rows on all ranks together.

    Notes
    -----
    ``a[rows]`` and ``a[rows, columns]`` work without messages where ``rows`` is a slice inside
    the rank's own stretch: what ``map_rows`` hands to its function, for the same number of rows.
    Everything else is refused with IndexError, because its answer would need another rank.
    """

    def __init__(self, block: AnyArray, start: int, n: int) -> None:
        self.block = block
        self.start = start
        self.shape = (n, *block.shape[1:])
        self.dtype = block.dtype

    @property
    def stop(self) -> int:
        """Number of the first row after those of this rank."""
        return self.start + len(self.block)

    def __getitem__(self, key: Any, /) -> AnyArray:
        rows, *columns = key if isinstance(key, tuple) else (key,)
        if not isinstance(rows, slice):
            self._refuse(rows)
        first, last, step = rows.indices(self.shape[0])
        if step != 1 or not self.start <= first <= last <= self.stop:
            self._refuse(rows)
        local: AnyArray = self.block[(slice(first - self.start, last - self.start), *columns)]
        return local

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NoReturn:
        self._refuse(slice(None))

    def _refuse(self, rows: Any) -> NoReturn:
        if isinstance(rows, slice):
            first, last, step = rows.indices(self.shape[0])
            asked = f"rows {first}:{last}" + (f":{step}" if step != 1 else "")
        else:
            asked = f"rows by {type(rows).__name__}"
        raise IndexError(
            f"{asked} asked of distributed rows, of which this rank holds "
            f"{self.start}:{self.stop} of {self.shape[0]}; take ctx.share(rows) first"
        )


def layout(blocks: tuple[AnyArray, ...]) -> Layout:
    """Describe blocks but for their number of rows."""
    if any(block.dtype.hasobject for block in blocks):
        raise TypeError("rows of Python objects cannot be distributed")
    return [(block.shape[1:], block.dtype) for block in blocks]


def common_layout(layouts: Sequence[Layout | None]) -> Layout:
    """Return the layout of the ranks that have rows, which must be one."""
    known = [each for each in layouts if each is not None]
    for other in known[1:]:
        if other != known[0]:
            raise ValueError(f"ranks computed different kinds of rows: {known[0]} and {other}")
    return known[0]


def no_rows(kind: Layout) -> tuple[AnyArray, ...]:
    """Make blocks of no rows with the given layout."""
    return tuple(np.empty((0, *shape), dtype) for shape, dtype in kind)
