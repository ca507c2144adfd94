"""Contracts of the stage 8 kernels."""

from .model import Array, Kernel, Scalar

KERNELS: tuple[Kernel, ...] = (
    Kernel(
        "stage8_temporal_highpass",
        "phase of every PS minus its weighted mean over time and minus that of the origin",
        (
            Array("phase", "n_ps n_use", "f32", "phase without look-angle and master error [rad]"),
            Array("weights", "n_use n_use", "f64", "column k: weights at image k, sum one"),
            Array("origin", "n_use", "f64", "high-passed phase of the origin [rad]"),
        ),
        (Array("high_pass", "n_ps n_use", "f64", "phase, high-passed in time [rad]"),),
    ),
    Kernel(
        "stage8_spatial_lowpass",
        "Gaussian mean in space over all PS within four standard deviations",
        (
            Array("phase", "n_ps n_use", "f32", "high-passed phase of all PS [rad]"),
            Array("xy", "n_ps 2", "f32", "positions of all PS [m]"),
            Array("order", "n_ps", "i64", "PS sorted by cell, ascending inside a cell"),
            Array("cells", "n_cell", "i64", "ascending numbers of the occupied cells"),
            Array("starts", "n_start", "i64", "first place of each cell in `order`, and the end"),
            Scalar("width", "cells per row of the grid"),
            Scalar("sigma", "standard deviation [m]"),
            Scalar("first", "first PS that is filtered"),
            Scalar("stop", "end of the PS that are filtered"),
        ),
        (Array("low_pass", "n_row n_use", "f64", "low-passed phase of the rows [rad]"),),
        tolerance={"low_pass": 1e-12},
    ),
    Kernel(
        "stage8_velocity_fit",
        "offset and rate of every PS by a fixed least-squares operator",
        (
            Array("operator", "2 n_fit", "f64", "phase to offset and rate"),
            Array("phase", "n_ps n_fit", "f32", "referenced phase [rad]"),
            Array("reference", "n_fit", "f32", "phase of the reference area [rad]"),
        ),
        (Array("fit", "n_ps 2", "f64", "offset [rad], rate [rad/day]"),),
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
