"""Numerical kernels of pystamps-hpc: arrays in, arrays out.

No files, no MPI and no configuration objects: every kernel is declared once in
:mod:`pystamps_kernels.contracts`, defined in :mod:`pystamps_kernels.reference` (NumPy) and
implemented for speed in :mod:`pystamps_kernels.native` (Numba) and, many of them, in
:mod:`pystamps_kernels.cuda`. :mod:`pystamps_kernels.dispatch` binds the names to one backend.
"""
