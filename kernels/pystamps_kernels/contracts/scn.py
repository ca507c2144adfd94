"""Contracts of the filters in time and space that find spatially correlated noise."""

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
            Scalar("width", "cells per row of the grid", int),
            Scalar("sigma", "standard deviation [m]"),
            Scalar("first", "first PS that is filtered", int),
            Scalar("stop", "end of the PS that are filtered", int),
        ),
        (Array("low_pass", "n_row n_use", "f64", "low-passed phase of the rows [rad]"),),
        tolerance={"low_pass": 1e-12},
    ),
)
