"""Contracts of the filters of a gridded interferogram."""

from .model import Array, Kernel, Scalar

_RASTER = Array("raster", "n_row n_col", "c64", "cell sums, zero or NaN where empty")
_WINDOW = Scalar("window", "window width, even [cells]", int)

KERNELS: tuple[Kernel, ...] = (
    Kernel(
        "stage6_goldstein",
        "Goldstein filter of a gridded interferogram",
        (
            _RASTER,
            _WINDOW,
            Scalar("alpha", "exponent of the spectral weights"),
        ),
        (Array("filtered", "n_row n_col", "c64", "amplitude of `raster`, filtered phase"),),
        {"filtered": 1e-5},
    ),
    Kernel(
        "stage6_low_pass",
        "low-pass of a gridded interferogram",
        (_RASTER, _WINDOW),
        (Array("low", "n_row n_col", "c64", "amplitude of `raster`, low-passed phase"),),
        {"low": 1e-5},
    ),
)
