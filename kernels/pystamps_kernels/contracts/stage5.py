"""Contracts of the stage 5 kernels; all of them compute in single, in both arithmetics."""

from .model import Array, Kernel, Scalar

_POINTS = (
    Array("k_ps", "n_ps", "f64", "look-angle error slope [rad/m]"),
    Array("c_ps", "n_ps", "f64", "phase offset [rad]"),
    Array("bperp", "n_ps n_pm", "f32 f64", "baseline of each point [m], without the master"),
    Scalar("master", "column of the master in ph, from 0"),
)

KERNELS: tuple[Kernel, ...] = (
    Kernel(
        "stage5_phase_correction",
        "phase without look-angle error and master noise",
        (Array("ph", "n_ps n_ifg", "c64", "phasors, with the master column"), *_POINTS),
        (Array("ph_rc", "n_ps n_ifg", "c64", "corrected phasors of the same amplitude"),),
    ),
    Kernel(
        "stage5_unit_phase",
        "phasors divided by their modulus",
        (Array("ph", "n_ps n_ifg", "c64 c128", "phasors"),),
        (Array("unit", "n_ps n_ifg", "c64 c128", "unit phasors, zero where the modulus is"),),
    ),
    Kernel(
        "stage5_ifg_noise",
        "phase of each point against its filtered phase",
        (
            Array("ph", "n_ps n_ifg", "c64 c128", "phasors, with the master column"),
            Array("ph_patch", "n_ps n_pm", "c64 c128", "filtered phasors, without the master"),
            *_POINTS,
        ),
        (Array("noise", "n_ps n_ifg", "f32", "phase difference [rad]"),),
    ),
    Kernel(
        "stage5_wrapped_residual",
        "residual phase without its offset, wrapped",
        (
            Array("residual", "n_ps n_pm", "f32", "residual phase, offset included [rad]"),
            Array("offset", "n_ps", "f32", "phase offset [rad]"),
        ),
        (Array("wrapped", "n_ps n_pm", "f32", "wrapped difference [rad]"),),
    ),
    Kernel(
        "stage5_point_noise",
        "variance and coherence of the noise of each point",
        (Array("noise", "n_ps n_col", "f32", "noise of each interferogram [rad]"),),
        (
            Array("variance", "n_ps", "f32", "variance over the columns [rad^2]"),
            Array("coherence", "n_ps", "f32", "modulus of the mean phasor"),
        ),
    ),
    Kernel(
        "stage5_cell_sums",
        "weighted sums over the points of each cell",
        (
            Array("values", "n_ps n_col", "f32 c64", "values of the points, cell after cell"),
            Array("weight", "n_ps", "f32", "weight of each point"),
            Array("start", "n_start", "i64", "first row of each cell, and the number of rows"),
        ),
        (Array("sums", "n_cell n_col", "f32 c64", "sums in the order of the rows"),),
    ),
)
