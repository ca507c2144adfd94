"""NumPy definitions of the kernels: short and readable; called ``python`` in configurations."""
