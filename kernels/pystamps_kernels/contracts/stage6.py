"""Contracts of the stage 6 kernels: from the wrapped phase to SNAPHU's cost records."""

from .model import Array, Kernel, Scalar

# Phases differ between backends by the last bit of the machine's cosf, atan2f and pow.
PHASE = 1e-6

_PHASORS = Array("phasors", "n m", "c64", "phasors, points or arcs by interferograms")

_CHAINS = (
    Array("tail", "n_chain", "i32", "face that a chain leaves"),
    Array("head", "n_chain", "i32", "face that a chain enters"),
    Array("n_arcs", "n_chain", "i32", "arcs of the chain"),
    Array("offset", "n_chain", "i32", "wrapped minus expected phase along it [1/200 cycle]"),
    Array("sigsq", "n_chain", "i32", "variance in units of the cost, 0 without statistics"),
)
_TURNS = Array("turns", "n_row n_col", "f64", "wrapped phase [cycles]")
_STOP = Array("stop", "1", "bool", "set from outside to make the kernel return at once")

KERNELS: tuple[Kernel, ...] = (
    Kernel(
        "stage6_wrapped_phase",
        "unit phasors with the look-angle error of each point put back",
        (
            Array("phase", "n m", "c64", "phasors, points by interferograms"),
            Array("bperp", "n m", "f32", "perpendicular baseline [m]"),
            Array("slope", "n", "f32", "look-angle error slope to put back [rad/m]"),
        ),
        (Array("psi", "n m", "c64", "unit phasors; zero where `phase` is zero"),),
        {"psi": PHASE},
    ),
    Kernel(
        "stage6_subtract_phase",
        "phasors turned back by a phase",
        (_PHASORS, Array("phase", "n m", "f32", "phase to take off [rad]")),
        (Array("turned", "n m", "c64", "phasors times exp(-j phase)"),),
        {"turned": PHASE},
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
        "stage6_goldstein",
        "Goldstein filter of a gridded interferogram",
        (
            Array("raster", "n_row n_col", "c64", "cell sums, zero or NaN where empty"),
            Scalar("window", "window width, even [cells]"),
            Scalar("alpha", "exponent of the spectral weights"),
        ),
        (Array("filtered", "n_row n_col", "c64", "amplitude of `raster`, filtered phase"),),
        {"filtered": 1e-5},
    ),
    Kernel(
        "stage6_nearest_node",
        "nearest occupied cell of every cell",
        (Array("node", "n_row n_col", "i64", "node number, -1 in an empty cell"),),
        (Array("nearest", "n_row n_col", "i64", "number of the nearest node"),),
    ),
    Kernel(
        "stage6_arc_phasors",
        "unit phasors of the arcs, high minus low node",
        (
            Array("phase", "n_node m", "c64", "phasors of the nodes"),
            Array("low", "n", "i64", "low node of each arc"),
            Array("high", "n", "i64", "high node of each arc"),
        ),
        (Array("phasors", "n m", "c64", "unit phasors; NaN where a node is zero"),),
        {"phasors": 3e-7},
    ),
    Kernel(
        "stage6_phase_steps",
        "unit phasors of the steps of a series",
        (_PHASORS,),
        (Array("steps", "n m1", "c64", "unit phasors of column k + 1 minus column k"),),
        {"steps": 3e-7},
    ),
    Kernel(
        "stage6_look_angle",
        "look-angle error of each arc by a periodogram search",
        (
            _PHASORS,
            Array("baseline", "m", "f64", "perpendicular baseline of each column [m]"),
            Scalar("n_trial", "trials on each side of zero"),
        ),
        (Array("slope", "n", "f32", "look-angle error slope [rad/m]; 0 where none is clear"),),
        {"slope": 1e-6},
    ),
    Kernel(
        "stage6_star_smooth",
        "arc phases smoothed in time by local straight lines",
        (
            Array("phasors", "n m", "c64", "unit phasors of a star, in order of date"),
            Array("weights", "m m", "f64", "row k: weights around date k, sum 1"),
            Array("intercepts", "m m", "f64", "row k: intercept at date k from the phases"),
            Scalar("first", "first date next to the centre of the star (from 0)"),
            Scalar("last", "last date next to the centre"),
        ),
        (Array("smooth", "n m", "f32", "unwrapped smooth phase [rad]"),),
        {"smooth": 1e-5},
    ),
    Kernel(
        "stage6_network_smooth",
        "arc phases smoothed in time through the inverted network",
        (
            _PHASORS,
            Array("operator", "n_image m", "f64", "wrapped phases to smoothed images"),
            Array("design", "m n_image", "f32", "images to interferograms"),
        ),
        (Array("smooth", "n m", "f32", "unwrapped smooth phase [rad]"),),
        {"smooth": 1e-5},
    ),
    Kernel(
        "stage6_arc_noise",
        "what is left of the arc phases after the smooth part",
        (
            _PHASORS,
            Array("smooth", "n m", "f32", "smooth phase [rad]"),
            Scalar("limit", "largest standard deviation over interferograms [rad]"),
        ),
        (Array("noise", "n m", "f32", "noise [rad]; NaN in the rows above the limit"),),
        {"noise": PHASE},
    ),
    Kernel(
        "stage6_arc_variance",
        "noise variance of each arc over the interferograms",
        (Array("noise", "n m", "f32", "noise [rad]"),),
        (Array("variance", "n", "f32", "variance [cycles^2]; NaN where any noise is NaN"),),
    ),
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
        "stage6_residues",
        "residues of a wrapped raster",
        (_TURNS,),
        (
            Array(
                "residues", "n_row1 n_col1", "i32", "cycles that each 2 x 2 face does not close by"
            ),
        ),
    ),
    Kernel(
        "stage6_chains",
        "chains of grid arcs that carry the same cycles, between faces where they can change",
        (
            Array("row_edges", "n_row1 n_col", "i64", "signed edge number, from 1, of row arcs"),
            Array("col_edges", "n_row n_col1", "i64", "signed edge number of column arcs"),
            Array("residues", "n_row1 n_col1", "i32", "residue of each face"),
        ),
        (
            Array("row_chains", "n_row1 n_col", "i32", "signed chain number, from 1, of row arcs"),
            Array("col_chains", "n_row n_col1", "i32", "signed chain number of column arcs"),
            Array("tail", "n_chain", "i32", "face that a chain leaves; the last is the outside"),
            Array("head", "n_chain", "i32", "face that a chain enters"),
            Array("n_arcs", "n_chain", "i32", "arcs of the chain"),
            Array("edge", "n_chain", "i32", "signed edge number, from 1"),
            Array("supply", "n_face", "i64", "cycles that have to leave each face"),
        ),
    ),
    Kernel(
        "stage6_cheapest_flow",
        "cycles of least cost, a chain without statistics paying for every cycle",
        (*_CHAINS, Array("supply", "n_face", "i64", "cycles that have to leave each face"), _STOP),
        (
            Array("cycles", "n_chain", "i64", "cycles of each chain"),
            Array("potential", "n_face", "i64", "proof of optimality: what a cycle costs there"),
            Scalar("left", "cycles without a way; after a stop those not yet sent"),
        ),
    ),
    Kernel(
        "stage6_share_free_chains",
        "cycles that cost less where a chain without statistics pays once for any number",
        (
            *_CHAINS,
            Array("cycles", "n_chain", "i64", "cycles of least cost"),
            Array("potential", "n_face", "i64", "their potentials"),
            _STOP,
        ),
        (Array("cycles", "n_chain", "i64", "cycles of each chain"),),
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
            Scalar("statistical", "cost of the arcs with statistics, and inside the nodes"),
            Scalar("free", "arcs without statistics that carry cycles"),
            Scalar("most", "largest number of cycles on an arc"),
        ),
    ),
    Kernel(
        "stage6_to_points",
        "unwrapped phase of the points from that of their nodes",
        (
            _PHASORS,
            Array("grid_phase", "n_node m", "f32", "unwrapped phase of the nodes [rad]"),
            Array("node", "n", "i64", "node of each point, -1 for none"),
        ),
        (Array("unwrapped", "n m", "f32", "phase plus whole cycles [rad]; NaN without node"),),
        {"unwrapped": 1e-5},
    ),
)
