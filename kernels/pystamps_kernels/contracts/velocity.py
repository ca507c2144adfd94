"""Contract of the velocity."""

from .model import Array, Kernel

KERNELS: tuple[Kernel, ...] = (
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
)
