"""Contracts of taking the look-angle error off phases, and of putting it back."""

from .model import Array, Kernel

_POINTS = (
    Array("k_ps", "n_ps", "f64", "look-angle error slope [rad/m]"),
    Array("c_ps", "n_ps", "f64", "phase offset [rad]"),
    Array("bperp", "n_ps n_ifg", "f32 f64", "baseline of each point [m], zero at the master"),
)

KERNELS: tuple[Kernel, ...] = (
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
        "stage5_phase_correction",
        "phase without look-angle error and master noise",
        (Array("ph", "n_ps n_ifg", "c64", "phasors"), *_POINTS),
        (Array("ph_rc", "n_ps n_ifg", "c64", "corrected phasors of the same amplitude"),),
    ),
    Kernel(
        "stage5_ifg_noise",
        "phase of each point against its filtered phase",
        (
            Array("ph", "n_ps n_ifg", "c64 c128", "phasors"),
            Array("ph_patch", "n_ps n_ifg", "c64 c128", "filtered phasors, one at the master"),
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
        "stage6_wrapped_phase",
        "unit phasors with the look-angle error of each point put back",
        (
            Array("phase", "n m", "c64", "phasors, points by interferograms"),
            Array("bperp", "n m", "f32", "perpendicular baseline [m]"),
            Array("slope", "n", "f32", "look-angle error slope to put back [rad/m]"),
        ),
        (Array("psi", "n m", "c64", "unit phasors; zero where `phase` is zero"),),
        {"psi": 1e-6},
    ),
)
