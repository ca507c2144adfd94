"""Contracts of the arcs between neighbours: phase, look-angle error, smoothing in time, noise."""

from .model import Array, Kernel, Scalar

_PHASORS = Array("phasors", "n m", "c64", "phasors, points or arcs by interferograms")

KERNELS: tuple[Kernel, ...] = (
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
            Scalar("n_trial", "trials on each side of zero", int),
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
            Scalar("first", "first date next to the centre of the star (from 0)", int),
            Scalar("last", "last date next to the centre", int),
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
        {"noise": 1e-6},
        native_single=True,
    ),
    Kernel(
        "stage6_arc_variance",
        "noise variance of each arc over the interferograms",
        (Array("noise", "n m", "f32", "noise [rad]"),),
        (Array("variance", "n", "f32", "variance [cycles^2]; NaN where any noise is NaN"),),
    ),
    Kernel(
        "stage8_edge_noise",
        "phase along arcs, and half its deviation from the mean over interferograms",
        (
            Array("uw_ph", "n_node n_ifg", "c64", "phasors of the nodes"),
            Array("node_a", "n_edge", "i64", "first node of each arc, 0-based"),
            Array("node_b", "n_edge", "i64", "second node of each arc, 0-based"),
        ),
        (
            Array("dph_space_uw", "n_edge n_ifg", "f32", "phase of node b minus node a [rad]"),
            Array("dph_noise", "n_edge n_ifg", "f32", "half the deviation from the row mean [rad]"),
        ),
        tolerance={"dph_space_uw": 1e-6, "dph_noise": 1e-6},
    ),
)
