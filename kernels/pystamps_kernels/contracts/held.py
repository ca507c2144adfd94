"""Contract of the smoothing of arcs with known cycles."""

from .model import Array, Kernel

KERNELS: tuple[Kernel, ...] = (
    Kernel(
        "stage6_held_smooth",
        "arc phases smoothed in time where the cycles of some interferograms are known",
        (
            Array("phase", "n m", "f32", "unwrapped phase where known, else wrapped [rad]"),
            Array("known", "n m", "bool", "whose cycles are known"),
            Array("design", "m n_image", "f64", "images to interferograms"),
            Array("in_time", "n_image n_image", "f64", "images to smoothed images"),
        ),
        (Array("smooth", "n m", "f32", "unwrapped smooth phase [rad]"),),
        {"smooth": 1e-5},
    ),
)
