"""The contract of every kernel: name, arguments, results, and the tolerance between backends.

One module per stage declares a tuple ``KERNELS``. A kernel ``stage4_edge_stats`` is the function
``edge_stats`` of ``reference/stage4.py`` and of ``native/stage4.py``. A kernel declared with
``single=True`` has a second form ``edge_stats_single`` beside it: the reference's mixed single
precision, operation by operation.
"""

from .model import Array, Kernel, Scalar

__all__ = ["STAGES", "Array", "Kernel", "Scalar", "all_kernels"]

STAGES = ("stage1", "stage2", "stage3", "stage4", "stage5", "stage6", "stage7", "stage8")


def all_kernels() -> dict[str, Kernel]:
    """Return every declared kernel by name, in stage order."""
    from importlib import import_module

    modules = (import_module(f"{__name__}.{stage}") for stage in STAGES)
    return {kernel.name: kernel for module in modules for kernel in module.KERNELS}
