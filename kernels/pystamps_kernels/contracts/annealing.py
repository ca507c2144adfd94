"""Contract of the annealing of arcs."""

from .model import Array, Kernel

KERNELS: tuple[Kernel, ...] = (
    Kernel(
        "stage6_anneal",
        "smooth phase of noisy arcs: rate and two harmonics by simulated annealing",
        (
            Array("phasors", "n m", "c64", "phasors, arcs by interferograms"),
            Array("edge", "n", "i64", "number of each arc, which seeds its random numbers"),
            Array("pairs", "m 2", "i64", "first and second image of each interferogram, 0-based"),
            Array("day", "n_image", "f64", "acquisition of each image, ascending [days]"),
            Array("whitener", "m m", "f64", "upper triangle: noise to unit variance [1/rad]"),
        ),
        (Array("smooth", "n m", "f32", "unwrapped smooth phase [rad]"),),
        {"smooth": 1e-5},
    ),
)
