"""The contract of every kernel: name, arguments, results, and the tolerance between backends.

One module per subject declares a tuple ``KERNELS``. The kernel ``stage4_edge_stats``, declared in
``contracts/edge_stats.py``, is the function ``edge_stats`` of ``reference/edge_stats.py`` and of
``native/edge_stats.py``; its name begins with the stage that it was made for. A kernel declared
with ``single=True`` has a second form of the name with ``_single`` beside it, for ``arithmetic:
single``: what makes a result that of StaMPS to the last bit.
"""

from dataclasses import replace
from importlib import import_module

from .model import Array, Kernel, Scalar

__all__ = ["SUBJECTS", "Array", "Kernel", "Scalar", "all_kernels"]

SUBJECTS = (
    "amplitude", "geometry", "means", "topofit", "correction", "cells", "clap", "phasors",
    "coherence", "matlab_random", "weed", "edge_stats", "resample", "goldstein", "arcs", "held",
    "annealing", "costs", "chains", "flow", "inversion", "scla", "lad", "scn", "kriging",
    "velocity",
)  # fmt: skip
"""Modules of the contracts and of every backend."""


def all_kernels() -> dict[str, Kernel]:
    """Return every declared kernel by name, in the order of the stages and of the subjects."""
    declared = [
        replace(kernel, module=subject)
        for subject in SUBJECTS
        for kernel in import_module(f"{__name__}.{subject}").KERNELS
    ]
    return {kernel.name: kernel for kernel in sorted(declared, key=lambda kernel: kernel.stage)}
