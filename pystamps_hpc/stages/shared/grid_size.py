"""Grids in proportion: a few points must not ask for more cells than a machine has memory."""

from ...errors import StageError

_ALWAYS = 10_000_000  # cells that no machine minds
_PER_POINT = 20_000  # cells for every point, the most that a sparse scene of islands needs


def check_grid(shape: tuple[int, int], size: float, n_points: int, parameter: str) -> None:
    """Refuse a grid that is absurdly large for its points, before it takes memory.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    size : float
        Cell size [m].
    n_points : int
        Points that are put into it.
    parameter : str
        StaMPS parameter that sets the cell size.

    Raises
    ------
    StageError
        Says how far the points reach.
    """
    n_row, n_col = shape
    if n_row * n_col <= max(_ALWAYS, _PER_POINT * n_points):
        return
    north, east = n_row * size / 1000, n_col * size / 1000
    raise StageError(
        f"{n_points:,} points over {north:,.0f} x {east:,.0f} km need a grid of {n_row:,} x "
        f"{n_col:,} cells of {size:g} m: positions are wrong or lie too far apart; check "
        f"ps1.lonlat, or take a larger {parameter}"
    )
