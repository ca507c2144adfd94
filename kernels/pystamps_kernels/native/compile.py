"""The Numba decorators of the native kernels.

``kernel`` compiles a threaded entry point, ``serial`` one without threads, ``inline`` a function
that kernels call in their loops. None enables fast-math, so no sum is reassociated and no product
fused but where a kernel says so (``lanes.fused``); all release the interpreter lock. The compiled
code of entry points, that of the functions they call included, is kept in the cache.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

from .cache import LOCATORS

numba.config.CACHE_LOCATOR_CLASSES = LOCATORS  # type: ignore[attr-defined]

Function = TypeVar("Function", bound=Callable[..., Any])

ENTRY_POINTS: dict[str, Any] = {}
"""Module and function, as ``phasors.angle`` -> what is called from Python."""


def kernel(function: Function) -> Function:
    """Compile `function` with ``prange`` loops spread over threads."""
    return cast(Function, _entry_point(numba.njit(parallel=True, nogil=True, cache=True)(function)))


def serial(function: Function) -> Function:
    """Compile `function` for one thread."""
    return cast(Function, _entry_point(numba.njit(nogil=True, cache=True)(function)))


def inline(function: Function) -> Function:
    """Compile `function` for calls from inside a kernel's loop."""
    return cast(Function, numba.njit(nogil=True)(function))


def _entry_point(compiled: Any) -> Any:
    function = compiled.py_func
    module = function.__module__.rpartition(".")[2]
    ENTRY_POINTS[f"{module}.{function.__name__}"] = compiled
    return compiled
