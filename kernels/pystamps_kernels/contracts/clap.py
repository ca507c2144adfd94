"""Contracts of the CLAP filter."""

from .model import Array, Kernel, Scalar

KERNELS: tuple[Kernel, ...] = (
    Kernel(
        "stage2_clap_grid",
        "CLAP filter of every plane of a grid",
        (
            Array("ph_grid", "n_i n_j m", "c64", "gridded phasors; NaN counts as 0"),
            Scalar("alpha", "exponent of the adaptive response"),
            Scalar("beta", "weight of the adaptive response"),
            Scalar("n_win", "cells of a window", int),
            Scalar("n_pad", "cells of zeros after a window", int),
            Array("low_pass", "e e", "f64", "low-pass response, zero frequency first"),
        ),
        (Array("ph_filt", "n_i n_j m", "c64", "filtered phasors, not normalised"),),
        {"ph_filt": 1e-3},
        native_single=True,
    ),
    Kernel(
        "stage3_clap_cells",
        "CLAP filter at single cells, each without its own contribution",
        (
            Array("ph_grid", "n_i n_j m", "c64", "gridded phasors; NaN counts as 0"),
            Array("cells", "n_c 2", "i64", "row and column of each cell, from 0"),
            Scalar("n_w", "cells of the window", int),
            Scalar("alpha", "exponent of the adaptive response"),
            Scalar("beta", "weight of the adaptive response"),
            Array("low_pass", "n_w n_w", "f64", "low-pass response, zero frequency first"),
            Scalar("slc_osf", "oversampling factor of the SLCs", int),
        ),
        (Array("filtered", "n_c m", "c128", "filtered phasors; 0 where the grid is too small"),),
        {"filtered": 1e-9},
        single=True,
        native_double={"filtered": 2e-6},
    ),
)
