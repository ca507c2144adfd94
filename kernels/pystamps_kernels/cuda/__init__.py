"""CUDA implementations of the kernels, of the same names as the reference.

The arithmetic stands in ``sources/*.cu``, one file per subject, in a subset of CUDA C++ that a
plain C++ compiler can run as well: grids and blocks of one dimension, barriers, dynamic shared
memory; no warp intrinsics, no float atomics. Every sum has a fixed order, so results depend neither
on the device nor on where rows are cut. The modules of this package lay arrays out, choose grids
and launch; they know a device by :class:`.device.Device` only and import without CuPy.
"""
