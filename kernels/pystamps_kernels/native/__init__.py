"""Numba implementations of the kernels, threaded, of the same names as the reference.

The number of threads is :func:`numba.set_num_threads` of the calling thread. The environment is
set before Numba is imported: the layers that let two Python threads run parallel kernels at once,
``omp`` and ``tbb``, come before ``workqueue``, which does not; without SVML every loop element
comes from the C library's scalar functions, and threads that wait sleep instead of spinning, so
that ranks and other programs on the same processors get them.
"""

import os

os.environ.setdefault("NUMBA_THREADING_LAYER_PRIORITY", "omp tbb workqueue")
os.environ.setdefault("NUMBA_DISABLE_INTEL_SVML", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
