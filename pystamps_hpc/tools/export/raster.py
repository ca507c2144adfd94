"""Points on a regular grid of longitude and latitude: means of cells, and nothing between."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ...dataset.rows import FloatArray, IntArray
from ...errors import ConfigError, DatasetError

MOST_CELLS = 50_000_000
"""Cells that one raster may have; several numbers of each are in memory."""

STRIP = 1 << 22
"""Cells of a raster whose gaps are closed at a time: distances and places take 34 bytes of each."""

_STEPS = tuple(
    float(f"{figure}e{power}") for power in range(-5, 1) for figure in (1, 2, 5)
)  # read as text, so that a step is the number that people write


@dataclass(frozen=True)
class Grid:
    """A regular grid, rows from north to south; its edges are multiples of its step.

    Attributes
    ----------
    column, row : int
        Edges in the west and in the north, in steps from longitude and latitude 0.
    step : float
        Side of a cell [deg].
    shape : (int, int)
        Rows and columns.
    """

    column: int
    row: int
    step: float
    shape: tuple[int, int]

    @classmethod
    def around(cls, lonlat: FloatArray, step: float | None = None) -> "Grid":
        """Choose the smallest grid that holds all points.

        Parameters
        ----------
        lonlat : (n_ps, 2) float
            Longitude, latitude [deg]; NaN does not count.
        step : float, optional
            Side of a cell [deg]; by default that with about as many cells as there are points, a
            1, 2 or 5 with noughts.

        Raises
        ------
        ConfigError
            The step is no length, or so small that there would be more than ``MOST_CELLS``.
        DatasetError
            No point has a position.
        """
        known = lonlat[np.isfinite(lonlat).all(axis=1)]
        if not len(known):
            raise DatasetError("no PS has a longitude and a latitude; nothing can be gridded")
        low, high = known.min(axis=0), known.max(axis=0)
        if step is None:
            return _usual(low, high, len(known))
        if not 0 < step <= 10:
            raise ConfigError(f"resolution {step}: must be above 0 and at most 10 degrees")
        grid = _spanning(low, high, step)
        if grid.n_cells > MOST_CELLS:
            enough = next(s for s in _STEPS if _spanning(low, high, s).n_cells <= MOST_CELLS)
            raise ConfigError(
                f"resolution {step:g} degrees: {grid.shape[0]:,} x {grid.shape[1]:,} cells, at "
                f"most {MOST_CELLS:,} are made; take --resolution {enough:g} or coarser"
            )
        return grid

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return self.shape[0] * self.shape[1]

    @property
    def west(self) -> float:
        """Western edge [deg]."""
        return self._edge(self.column)

    @property
    def north(self) -> float:
        """Northern edge [deg]."""
        return self._edge(self.row)

    @property
    def east(self) -> float:
        """Eastern edge [deg]."""
        return self._edge(self.column + self.shape[1])

    @property
    def south(self) -> float:
        """Southern edge [deg]."""
        return self._edge(self.row - self.shape[0])

    def _edge(self, steps: int) -> float:
        return round(steps * self.step, 12)

    def cells_of(self, lonlat: FloatArray) -> IntArray:
        """Return the cell of each point, (n,) int64, counted by rows; -1 without a position."""
        known = np.isfinite(lonlat[:, 0] + lonlat[:, 1])
        column, row = np.floor(np.where(known[:, None], lonlat, 0) / self.step).astype(np.int64).T
        cells = (self.row - 1 - row) * self.shape[1] + (column - self.column)
        return np.where(known, cells, -1)

    def means(self, values: FloatArray, cells: IntArray) -> FloatArray:
        """Return the mean of the points of each cell.

        Parameters
        ----------
        values : (n,) float
            Values; NaN does not count.
        cells : (n,) int64
            See :meth:`cells_of`.

        Returns
        -------
        (n_rows, n_columns) float32
            Means; NaN in cells without a value.
        """
        known = np.isfinite(values) & (cells >= 0)
        inside = cells[known]
        count = np.bincount(inside, minlength=self.n_cells)
        total = np.bincount(inside, values[known], self.n_cells)
        with np.errstate(invalid="ignore"):
            return np.asarray(total / count, np.float32).reshape(self.shape)

    def counts(self, cells: IntArray) -> IntArray:
        """Return the number of points of each cell, (n_rows, n_columns) int64."""
        return np.bincount(cells[cells >= 0], minlength=self.n_cells).reshape(self.shape)


def filled(raster: FloatArray, gap: int) -> FloatArray:
    """Close gaps: a cell without a value takes that of the nearest cell, at most `gap` cells away.

    Parameters
    ----------
    raster : (n_rows, n_columns) float32
        Values, NaN where there is none.
    gap : int
        Distance in cells; nothing is invented farther out.
    """
    if not gap:
        return raster
    closed = np.full_like(raster, np.nan)
    height = max(STRIP // raster.shape[1], 1)
    for first in range(0, len(raster), height):
        # no value comes from farther than the gap
        start = max(first - gap, 0)
        part = _closed(raster[start : first + height + gap], gap)
        closed[first : first + height] = part[first - start : first - start + height]
    return closed


def _closed(raster: FloatArray, gap: int) -> FloatArray:
    from scipy.ndimage import distance_transform_edt

    empty = np.isnan(raster)
    if empty.all():
        return raster
    away, nearest = distance_transform_edt(empty, return_indices=True)
    close: FloatArray = raster[tuple(nearest)]
    close[away > gap] = np.nan
    return close


def halved(raster: FloatArray) -> FloatArray:
    """Return the means of two by two cells, without NaN: a raster of half the size."""
    rows, columns = (-(-side // 2) for side in raster.shape)
    whole = np.full((2 * rows, 2 * columns), np.nan, np.float32)
    whole[: raster.shape[0], : raster.shape[1]] = raster
    parts = [whole[i::2, j::2] for i in (0, 1) for j in (0, 1)]
    count = sum(np.isfinite(part).astype(np.float32) for part in parts)
    total = sum(np.nan_to_num(part) for part in parts)
    with np.errstate(invalid="ignore"):
        return np.asarray(total / count, np.float32)


def tiles(raster: FloatArray, size: int) -> Iterator[tuple[int, int, FloatArray]]:
    """Yield row and column of each square tile with a value, and the tile, padded with NaN."""
    for row in range(0, raster.shape[0], size):
        for column in range(0, raster.shape[1], size):
            part = raster[row : row + size, column : column + size]
            if np.isfinite(part).any():
                tile = np.full((size, size), np.nan, np.float32)
                tile[: part.shape[0], : part.shape[1]] = part
                yield row // size, column // size, tile


def _spanning(low: FloatArray, high: FloatArray, step: float) -> Grid:
    """Return the smallest grid with this step from one corner to the other."""
    # edges are found as cells are counted, so that every point falls inside
    west, south = np.floor(low / step).astype(np.int64).tolist()
    east, north = (np.floor(high / step).astype(np.int64) + 1).tolist()
    return Grid(west, north, step, (north - south, east - west))


def _usual(low: FloatArray, high: FloatArray, n_points: int) -> Grid:
    """Return the coarsest grid of a usual step that has no fewer cells than points, if it may."""
    grids = [_spanning(low, high, step) for step in _STEPS]
    allowed = [grid for grid in grids if grid.n_cells <= MOST_CELLS]
    return next((grid for grid in reversed(allowed) if grid.n_cells >= n_points), allowed[0])
