"""Contracts of the stage 2 kernels: fit of the look-angle error, gridding, CLAP filter."""

from .model import Array, Kernel, Scalar

_PHASOR = Array("cpxphase", "n m", "c64 c128", "phasors of a row; 0 = no data")
_TRIALS = Scalar("n_trial_wraps", "cycles of the largest slope searched over the baseline range")
_FIT = (
    Array("slope", "n", "f64", "look-angle error slope K [rad/m]"),
    Array("offset", "n", "f64", "constant phase C [rad]"),
    Array("coherence", "n", "f64", "temporal coherence gamma"),
    Array("residual", "n m", "c64", "phasors without the slope, offset included"),
)
_FIT_TOLERANCE = {"slope": 5e-9, "offset": 5e-6, "coherence": 1e-6, "residual": 5e-6}

KERNELS: tuple[Kernel, ...] = (
    Kernel(
        "stage2_topofit",
        "look-angle error slope of each row, every row with its own baselines",
        (_PHASOR, Array("bperp", "n m", "f32 f64", "perpendicular baselines [m]"), _TRIALS),
        _FIT,
        _FIT_TOLERANCE,
        single=True,
    ),
    Kernel(
        "stage2_topofit_row_invariant",
        "look-angle error slope of each row, baselines shared by all rows",
        (_PHASOR, Array("bperp", "m", "f32 f64", "perpendicular baselines [m]"), _TRIALS),
        _FIT,
        _FIT_TOLERANCE,
        single=True,
    ),
    Kernel(
        "stage2_topofit_coh_row_invariant",
        "temporal coherence only, baselines shared by all rows",
        (
            Array("cpxphase", "n m", "c128", "unit phasors"),
            Array("bperp", "m", "f32 f64", "perpendicular baselines [m]"),
            _TRIALS,
        ),
        (Array("coherence", "n", "f32 f64", "temporal coherence, of the class of bperp"),),
        {"coherence": 1e-6},
        single=True,
    ),
    Kernel(
        "stage2_ph_weight",
        "phasors without their look-angle error, times a weight",
        (
            Array("ph", "n m", "c64", "unit phasors"),
            Array("bperp", "n m", "f32 f64", "perpendicular baselines [m]"),
            Array("slope", "n", "f64", "look-angle error slope [rad/m]"),
            Array("weight", "n", "f64", "weight of each row"),
        ),
        (Array("ph_weight", "n m", "c64", "weighted phasors"),),
        {"ph_weight": 1e-6},
        single=True,
    ),
    Kernel(
        "stage2_grid_accumulate",
        "sum of the phasors in each grid cell, in ascending row order",
        (
            Array("ph_weight", "n m", "c64", "weighted phasors"),
            Array("grid_lin", "n", "i64", "cell of each row, from 0, row-major"),
            Scalar("n_i", "rows of the grid"),
            Scalar("n_j", "columns of the grid"),
        ),
        (Array("ph_grid", "n_i n_j m", "c64", "cell sums"),),
    ),
    Kernel(
        "stage2_clap_grid",
        "CLAP filter of every plane of a grid",
        (
            Array("ph_grid", "n_i n_j m", "c64", "gridded phasors; NaN counts as 0"),
            Scalar("alpha", "exponent of the adaptive response"),
            Scalar("beta", "weight of the adaptive response"),
            Scalar("n_win", "cells of a window"),
            Scalar("n_pad", "cells of zeros after a window"),
            Array("low_pass", "e e", "f64", "low-pass response, zero frequency first"),
        ),
        (Array("ph_filt", "n_i n_j m", "c64", "filtered phasors, not normalised"),),
        {"ph_filt": 1e-3},
    ),
    Kernel(
        "stage2_unit_phasors",
        "phasors divided by their magnitude, zeros kept",
        (Array("phasors", "n m", "c64", "phasors"),),
        (Array("unit", "n m", "c64", "phasors of magnitude 1, or 0"),),
    ),
    Kernel(
        "stage2_phasors_of_cycles",
        "unit phasors of phases that are given column by column",
        (Array("cycles", "m n", "f64", "phase of each column's rows [cycles], in [0, 1)"),),
        (Array("phasors", "n m", "c128", "unit phasors"),),
        {"phasors": 1e-15},
    ),
    Kernel(
        "stage2_deviation",
        "phasors turned back by the phase of a second set",
        (
            Array("phasors", "n m", "c64", "phasors"),
            Array("model", "n m", "c64", "phasors whose phase is taken off"),
        ),
        (Array("deviation", "n m", "c64", "phasors times the conjugate of the model"),),
    ),
    Kernel(
        "stage2_angle",
        "phase of each phasor",
        (Array("phasors", "n m", "c64", "phasors"),),
        (Array("phase", "n m", "f32", "phase [rad]"),),
        {"phase": 5e-7},
    ),
    Kernel(
        "stage2_histogram",
        "counts of values in bins given by their centres",
        (
            Array("values", "n", "f32 f64", "values; NaN is not counted"),
            Array("centers", "c", "f64", "bin centres, ascending"),
        ),
        (Array("counts", "c", "f64", "counts; a value on a cut is in the lower bin"),),
    ),
    Kernel(
        "stage2_matlab_uniform",
        "draws of MATLAB's legacy 'state' generator",
        (
            Array("state", "35", "i64", "32 words, index, borrow, shift register"),
            Scalar("n", "number of draws"),
        ),
        (
            Array("draws", "n", "f64", "uniform numbers in (0, 1)"),
            Array("state", "35", "i64", "state after the draws"),
        ),
    ),
)
