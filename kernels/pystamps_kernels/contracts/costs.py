"""Contracts of SNAPHU's costs: of edges, as records, of a solution."""

from .model import Array, Kernel, Scalar

_TURNS = Array("turns", "n_row n_col", "f64", "wrapped phase [cycles]")

KERNELS: tuple[Kernel, ...] = (
    Kernel(
        "stage6_edge_costs",
        "offset and width of the cost parabola of each edge",
        (
            Array("unwrapped", "n m", "f32", "arc phase, smooth and noise [rad]"),
            Array("noise", "n m", "f32", "noise [rad]"),
            Array("variance", "n", "f32", "noise variance [cycles^2], NaN without statistics"),
            Array("n_arcs", "n", "i64", "grid arcs that share the edge"),
        ),
        (
            Array("offset", "n m", "i16", "wrapped minus expected phase [1/200 cycle]"),
            Array("sigsq", "n", "i16", "variance in units of the cost; 0 without statistics"),
        ),
    ),
    Kernel(
        "stage6_cost_records",
        "SNAPHU's cost records of one interferogram",
        (
            Array("row_edges", "n_row1 n_col", "i64", "signed edge number, from 1, of row arcs"),
            Array("col_edges", "n_row n_col1", "i64", "signed edge number of column arcs"),
            Array("offset", "n", "i16", "offset of each edge [1/200 cycle]"),
            Array("sigsq", "n", "i16", "variance of each edge, 0 without statistics"),
        ),
        (
            Array("row_costs", "n_row1 n_col 4", "i16", "offset, sigsq, dzmax, laycost"),
            Array("col_costs", "n_row n_col1 4", "i16", "offset, sigsq, dzmax, laycost"),
        ),
    ),
    Kernel(
        "stage6_solution_cost",
        "what SNAPHU would charge for an unwrapped raster",
        (
            _TURNS,
            Array("unwrapped", "n_row n_col", "f32", "phase plus whole cycles [rad]"),
            Array("row_edges", "n_row1 n_col", "i64", "signed edge number, from 1, of row arcs"),
            Array("col_edges", "n_row n_col1", "i64", "signed edge number of column arcs"),
            Array("offset", "n", "i16", "offset of each edge [1/200 cycle]"),
            Array("sigsq", "n", "i16", "variance of each edge, 0 without statistics"),
        ),
        (
            Scalar("statistical", "cost of the arcs with statistics, and inside the nodes", int),
            Scalar("free", "arcs without statistics that carry cycles", int),
            Scalar("most", "largest number of cycles on an arc", int),
        ),
    ),
)
