"""Contracts of points and the cells of a grid: sums, the nearest occupied cell, the way back."""

from .model import Array, Kernel, Scalar

KERNELS: tuple[Kernel, ...] = (
    Kernel(
        "stage2_grid_accumulate",
        "sum of the phasors in each grid cell, in ascending row order",
        (
            Array("ph_weight", "n m", "c64", "weighted phasors"),
            Array("grid_lin", "n", "i64", "cell of each row, from 0, row-major"),
            Scalar("n_i", "rows of the grid", int),
            Scalar("n_j", "columns of the grid", int),
        ),
        (Array("ph_grid", "n_i n_j m", "c64", "cell sums"),),
    ),
    Kernel(
        "stage6_cell_sums",
        "sum of the phasors in each grid cell",
        (
            Array("phasors", "n", "c64", "one interferogram's phasors"),
            Array("members", "n", "i64", "point numbers, cell after cell, ascending in a cell"),
            Array("starts", "n_start", "i64", "first position in `members` of each cell, and n"),
        ),
        (Array("sums", "n_cell", "c64", "sums in single, in ascending order of the points"),),
    ),
    Kernel(
        "stage6_nearest_node",
        "nearest occupied cell of every cell",
        (Array("node", "n_row n_col", "i64", "node number, -1 in an empty cell"),),
        (Array("nearest", "n_row n_col", "i64", "number of the nearest node"),),
    ),
    Kernel(
        "stage6_to_points",
        "unwrapped phase of the points from that of their nodes",
        (
            Array("phasors", "n m", "c64", "phasors, points or arcs by interferograms"),
            Array("grid_phase", "n_node m", "f32", "unwrapped phase of the nodes [rad]"),
            Array("node", "n", "i64", "node of each point, -1 for none"),
        ),
        (Array("unwrapped", "n m", "f32", "phase plus whole cycles [rad]; NaN without node"),),
        {"unwrapped": 1e-5},
        native_single=True,
    ),
)
