"""A call of a kernel, and the work that the kernel does in it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Case:
    """One call of a kernel.

    Parameters
    ----------
    arguments : tuple
        Positional arguments.
    rows : bool
        Whether the first axis of the arrays is that of the points and may be cut without changing
        results.
    flops : float
        Additions, multiplications and divisions.
    pairs : float
        Evaluations of transcendental functions, in cosine and sine pairs.
    windows : float
        Windows of a filter, whose time each is told.
    roots : float
        Square roots that are taken in lanes.
    single_flops, single_roots : float
        What the native kernel does of both in single precision, besides.
    """

    arguments: tuple[Any, ...]
    rows: bool = False
    flops: float = 0.0
    pairs: float = 0.0
    windows: float = 0.0
    roots: float = 0.0
    single_flops: float = 0.0
    single_roots: float = 0.0

    @property
    def all_flops(self) -> float:
        """Additions, multiplications and divisions in either precision."""
        return self.flops + self.single_flops


Cases = dict[str, Callable[[], Case]]
