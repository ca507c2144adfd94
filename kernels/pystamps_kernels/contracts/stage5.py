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
        (Array("ph", "n_ps n_ifg", "c64", "phasors"),),
        (Array("unit", "n_ps n_ifg", "c64", "unit phasors, zero where the modulus is"),),
    ),
    Kernel(
        "stage5_ifg_noise",
        "phase of each point against its filtered phase",
        (
            Array("ph", "n_ps n_ifg", "c64", "phasors, with the master column"),
            Array("ph_patch", "n_ps n_pm", "c64", "filtered phasors, without the master"),
            *_POINTS,
        ),
        (Array("noise", "n_ps n_ifg", "f32", "phase difference [rad]"),),
        tolerance={"noise": 5e-7},
    ),
)
