"""Tables of points of which some are left out, or that are relative to another reference area."""

from dataclasses import replace

import numpy as np

from ...dataset.rows import ComputedRows, FloatArray, IntArray, block
from .points import Points


def only(points: Points, rows: IntArray) -> Points:
    """Return a table of some points.

    Parameters
    ----------
    points : Points
        All of them.
    rows : (n,) int64
        Which, ascending, rows of the table.
    """
    stack = points.displacement
    chosen = ComputedRows(
        (len(rows), stack.shape[1]),
        stack.dtype,
        lambda which, columns: block(stack, rows[which], columns),
    )
    known = {name: values[rows] for name, values in points.known.items()}
    return replace(points, displacement=chosen, known=known)


def mean_displacement(points: Points, rows: IntArray) -> FloatArray:
    """Return the mean displacement of some points at every date, (n_date,) float64 [mm].

    Points without a displacement at a date do not count there; NaN where none has one.
    """
    moved = points.displacement[rows].astype(np.float64)
    known = np.isfinite(moved)
    with np.errstate(invalid="ignore"):
        mean: FloatArray = np.where(known, moved, 0).sum(axis=0) / known.sum(axis=0)
    return mean


def relative_to(points: Points, rows: IntArray) -> Points:
    """Return a table whose velocities and displacements are relative to the mean of some points.

    Parameters
    ----------
    points : Points
        The table of all points; other columns stay as they are.
    rows : (n,) int64
        The reference area, rows of the table.
    """
    stack, reference = points.displacement, mean_displacement(points, rows)
    moved = ComputedRows(
        stack.shape,
        stack.dtype,
        lambda which, columns: (block(stack, which, columns) - reference[columns]).astype(
            stack.dtype
        ),
    )
    velocity = points.velocities.velocity
    relative = velocity - np.nanmean(velocity[rows])
    velocities = replace(points.velocities, velocity=relative, reference=rows)
    known = {**points.known, "velocity": relative}
    if "dem_error" in known:
        known["dem_error"] = known["dem_error"] - np.nanmean(known["dem_error"][rows])
    return replace(points, displacement=moved, velocities=velocities, known=known)
