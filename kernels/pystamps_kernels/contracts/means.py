"""Contracts of means over all rows, one row after the other."""

from .model import Array, Kernel, Scalar

KERNELS: tuple[Kernel, ...] = (
    Kernel(
        "stage1_column_means",
        "mean over all candidates of each column",
        (Array("values", "n_cand n_ifg", "f32 f64", "values, at least one row"),),
        (
            Array(
                "mean", "n_ifg", "f32 f64", "means, in the single form of the class of the values"
            ),
        ),
        tolerance={"mean": 1e-9},
        single=True,
    ),
    Kernel(
        "stage7_sequential_mean",
        "mean of a column in plain single arithmetic, row after row, without NaN",
        (Array("values", "n_ps", "f32", "one column"),),
        (Scalar("mean", "sum in single divided in single; NaN without valid values"),),
    ),
)
