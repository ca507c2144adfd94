"""Contracts of the stage 3 kernels."""

from .model import Array, Kernel, Scalar

KERNELS: tuple[Kernel, ...] = (
    Kernel(
        "stage3_clap_cells",
        "CLAP filter at single cells, each without its own contribution",
        (
            Array("ph_grid", "n_i n_j m", "c64", "gridded phasors; NaN counts as 0"),
            Array("cells", "n_c 2", "i64", "row and column of each cell, from 0"),
            Scalar("n_w", "cells of the window"),
            Scalar("alpha", "exponent of the adaptive response"),
            Scalar("beta", "weight of the adaptive response"),
            Array("low_pass", "n_w n_w", "f64", "low-pass response, zero frequency first"),
            Scalar("slc_osf", "oversampling factor of the SLCs"),
        ),
        (Array("filtered", "n_c m", "c128", "filtered phasors; 0 where the grid is too small"),),
        {"filtered": 1e-9},
    ),
    Kernel(
        "stage3_bootstrap_deviation",
        "spread of the coherence of each row when its interferograms are resampled",
        (
            Array("residual", "n m", "f32", "residual phases [rad]"),
            Array("candidate", "n", "i64", "number of each row, key of its random numbers"),
            Scalar("n_resamples", "resamples of each row"),
            Scalar("seed", "seed of all rows"),
        ),
        (Array("deviation", "n", "f64", "sample standard deviation of the coherence"),),
        {"deviation": 1e-12},
    ),
)
