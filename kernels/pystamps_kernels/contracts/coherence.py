"""Contracts of the statistics of coherence."""

from .model import Array, Kernel, Scalar

KERNELS: tuple[Kernel, ...] = (
    Kernel(
        "stage2_histogram",
        "counts of values in bins given by their centres",
        (
            Array("values", "n", "f32 f64", "values; NaN is not counted"),
            Array("centers", "c", "f64", "bin centres, ascending"),
        ),
        (Array("counts", "c", "f64", "counts; a value on a cut is in the lower bin"),),
    ),
    Kernel(
        "stage3_bootstrap_deviation",
        "spread of the coherence of each row when its interferograms are resampled",
        (
            Array("residual", "n m", "f32", "residual phases [rad]"),
            Array("candidate", "n", "i64", "number of each row, key of its random numbers"),
            Scalar("n_resamples", "resamples of each row", int),
            Scalar("seed", "seed of all rows", int),
        ),
        (Array("deviation", "n", "f64", "sample standard deviation of the coherence"),),
        {"deviation": 1e-12},
    ),
)
