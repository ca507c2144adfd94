"""Contracts of the resampling merge; all of them compute in single, in both arithmetics."""

from .model import Array, Kernel

KERNELS: tuple[Kernel, ...] = (
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
