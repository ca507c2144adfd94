"""Contracts of arithmetic on phasors, sample by sample."""

from .model import Array, Kernel

KERNELS: tuple[Kernel, ...] = (
    Kernel(
        "stage2_unit_phasors",
        "phasors divided by their magnitude, zeros kept",
        (Array("phasors", "n m", "c64", "phasors"),),
        (Array("unit", "n m", "c64", "phasors of magnitude 1, or 0"),),
    ),
    Kernel(
        "stage2_phasors_of_cycles",
        "unit phasors of phases that are given column by column",
        (Array("cycles", "m n", "f64", "phase of each column's rows [cycles], in (-1, 1)"),),
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
        native_single=True,
    ),
    Kernel(
        "stage5_unit_phase",
        "phasors divided by their modulus",
        (Array("ph", "n_ps n_ifg", "c64 c128", "phasors"),),
        (Array("unit", "n_ps n_ifg", "c64 c128", "unit phasors, zero where the modulus is"),),
    ),
    Kernel(
        "stage6_subtract_phase",
        "phasors turned back by a phase",
        (
            Array("phasors", "n m", "c64", "phasors, points or arcs by interferograms"),
            Array("phase", "n m", "f32", "phase to take off [rad]"),
        ),
        (Array("turned", "n m", "c64", "phasors times exp(-j phase)"),),
        {"turned": 1e-6},
        native_single=True,
    ),
)
