"""The solvers of stage 6: each finds the whole cycles of one wrapped raster with given costs.

A solver is a module of this package with a class ``Solver``, which is made once per dataset and
asked once per interferogram. Its name is one of the choices of ``runtime.stage6_solver``.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Protocol

from ....dataset.rows import ComplexArray, FloatArray
from ....parallel.context import Context
from ..costs import EdgeCosts
from ..graph import Graph


class Solver(Protocol):
    """What unwraps a raster."""

    name: str
    """Name and version, for reports and fingerprints."""

    def __init__(self, graph: Graph, costs: EdgeCosts, ctx: Context) -> None: ...

    @staticmethod
    def require_grid(shape: tuple[int, int], size: float) -> None:
        """Refuse a grid that is too large for it, before work.

        Parameters
        ----------
        shape : tuple of int
            Rows and columns.
        size : float
            Cell size [m].

        Raises
        ------
        StageError
            Says which cell size would do.
        """
        ...

    def unwrap(
        self, raster: ComplexArray, turns: FloatArray, ifg: int, check: Callable[[], None]
    ) -> FloatArray:
        """Return the phase of a raster plus whole cycles.

        Parameters
        ----------
        raster : (n_row, n_col) complex64
            Phasor of the nearest node of every cell.
        turns : (n_row, n_col) float64
            Its phase [cycles], (-0.5, 0.5].
        ifg : int
            Unwrapped interferogram (from 0), for its costs and for messages.
        check : callable
            Raises if the work is to stop; asked while it goes on.

        Returns
        -------
        (n_row, n_col) float32
            Unwrapped phase [rad], of the first cell in [0, 2 pi).

        Raises
        ------
        StageError
            There is no solution.
        """
        ...


def chosen_solver(ctx: Context) -> type[Solver]:
    """Return the solver that the configuration names."""
    solver: type[Solver] = import_module(f".{ctx.config.runtime.stage6_solver}", __name__).Solver
    return solver
