"""Contract of the Goldstein filter."""

from .model import Array, Kernel, Scalar

KERNELS: tuple[Kernel, ...] = (
    Kernel(
        "stage6_goldstein",
        "Goldstein filter of a gridded interferogram",
        (
            Array("raster", "n_row n_col", "c64", "cell sums, zero or NaN where empty"),
            Scalar("window", "window width, even [cells]", int),
            Scalar("alpha", "exponent of the spectral weights"),
        ),
        (Array("filtered", "n_row n_col", "c64", "amplitude of `raster`, filtered phase"),),
        {"filtered": 1e-5},
    ),
)
