"""Contract of MATLAB's random numbers."""

from .model import Array, Kernel, Scalar

KERNELS: tuple[Kernel, ...] = (
    Kernel(
        "stage2_matlab_uniform",
        "draws of MATLAB's legacy 'state' generator",
        (
            Array("state", "35", "i64", "32 words, index, borrow, shift register"),
            Scalar("n", "number of draws", int),
        ),
        (
            Array("draws", "n", "f64", "uniform numbers in (0, 1)"),
            Array("state", "35", "i64", "state after the draws"),
        ),
    ),
)
