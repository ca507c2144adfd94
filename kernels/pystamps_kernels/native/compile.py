"""The two Numba decorators of the native kernels.

``kernel`` compiles a threaded entry point, ``inline`` a function that kernels call in their loops.
Neither enables fast-math, so no sum is reassociated and no product fused; both release the
interpreter lock and keep the compiled code in the Numba cache.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def kernel(function: Function) -> Function:
    """Compile `function` with ``prange`` loops spread over threads."""
    return cast(Function, numba.njit(parallel=True, nogil=True, cache=True)(function))


def inline(function: Function) -> Function:
    """Compile `function` for calls from inside a kernel's loop."""
    return cast(Function, numba.njit(nogil=True, cache=True)(function))
