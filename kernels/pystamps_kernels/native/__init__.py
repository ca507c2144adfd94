"""Numba implementations of the kernels, threaded, of the same names as the reference.

The number of threads is :func:`numba.set_num_threads` of the calling thread. The environment is
set before Numba is imported: the ``omp`` layer lets two Python threads run parallel kernels at
once, and without SVML every loop element comes from the C library's scalar functions.
"""

import os

os.environ.setdefault("NUMBA_THREADING_LAYER", "omp")
os.environ.setdefault("NUMBA_DISABLE_INTEL_SVML", "1")
