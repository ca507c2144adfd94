"""Contract of the fit by least absolute deviations."""

from .model import Array, Kernel

KERNELS: tuple[Kernel, ...] = (
    Kernel(
        "stage7_lad_fit",
        "exact least absolute deviations of every PS against one design (tolerance: unique ones)",
        (
            Array("design", "n_obs n_par", "f64", "regressors of full column rank"),
            Array("values", "n_ps n_obs", "f64", "observations"),
            Array("start", "n_ps n_par", "f64", "least-squares solution; decides between ties"),
        ),
        (Array("solution", "n_ps n_par", "f64", "coefficients of the least absolute deviations"),),
        tolerance={"solution": 1e-9},
    ),
)
