"""Which backend runs which kernel: availability, and the table of bound kernels."""

import ctypes
import importlib
import importlib.util
import os
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from .contracts import Kernel, all_kernels
from .cuda import device

if TYPE_CHECKING:
    from .signatures import Signatures
else:
    Signatures = object

Backend = Literal["python", "native", "cuda"]
Arithmetic = Literal["double", "single"]

PACKAGES: dict[Backend, str] = {"python": "reference", "native": "native", "cuda": "cuda"}
LIBRARIES: dict[Backend, str] = {"python": "numpy", "native": "numba", "cuda": "cupy"}


def installed(backend: Backend) -> bool:
    """Tell whether the library of `backend` is there, in working order or not."""
    return importlib.util.find_spec(LIBRARIES[backend]) is not None


@cache
def threading_layer() -> str:
    """Start the threads of the native kernels; return their layer: omp, tbb or workqueue.

    Raises
    ------
    Exception
        Whatever Numba raises where it is missing, broken, or does not find the layer that
        ``NUMBA_THREADING_LAYER`` names.
    """
    importlib.import_module(f"{__package__}.native")  # sets the environment
    with suppress(OSError):  # the wheel of TBB lies where the loader does not look
        ctypes.CDLL(str(Path(sys.prefix, "lib", "libtbb.so.12")))
    numba = importlib.import_module("numba")
    numba.get_num_threads()
    return str(numba.threading_layer())


def unavailable_reason(backend: Backend) -> str:
    """Say why `backend` cannot run on this machine; an empty string when it can."""
    if backend == "native":
        return _native_reason()
    return device.unavailable_reason() if backend == "cuda" else ""


@cache
def _native_reason() -> str:
    if not installed("native"):
        return "numba is not installed"
    try:
        threading_layer()
    except Exception as error:
        return f"numba is installed but does not start: {_what_numba_says(error)}"
    return ""


def _what_numba_says(error: Exception) -> str:
    """Return the first line of what Numba says, and what it was asked for."""
    said = (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
    asked = [
        f"{name}={os.environ[name]}"
        for name in ("NUMBA_THREADING_LAYER", "NUMBA_NUM_THREADS")
        if name in os.environ
    ]
    where = f" ({', '.join(asked)})" if asked else ""
    return f"{said}{where}; correct the variables, or install numba again"


@cache
def _module(backend: Backend, name: str) -> ModuleType | None:
    package = f"{__package__}.{PACKAGES[backend]}"
    if importlib.util.find_spec(package) is None:
        return None
    if importlib.util.find_spec(f"{package}.{name}") is None:
        return None
    return importlib.import_module(f"{package}.{name}")


def function(kernel: Kernel, backend: Backend, arithmetic: Arithmetic) -> Callable[..., Any] | None:
    """Return the function of a kernel in one backend and arithmetic, or None if there is none."""
    module = _module(backend, kernel.module)
    two = kernel.single or (kernel.native_single and backend == "native")
    suffix = "_single" if two and arithmetic == "single" else ""
    return getattr(module, kernel.function + suffix, None)


def supported_backends(kernel: Kernel) -> list[Backend]:
    """List the backends that implement `kernel` in every form it has, available here or not.

    The modules of a backend are asked; those of the native one need its library.
    """
    return [
        backend
        for backend in PACKAGES
        if not (backend == "native" and unavailable_reason(backend))
        and all(function(kernel, backend, form) is not None for form in kernel.forms)
    ]


@dataclass(frozen=True)
class KernelTable(Signatures):
    """Kernels bound to backends; ``table.stage2_topofit(...)`` checks the call and runs it.

    ``signatures.pyi`` tells type checkers what the contracts say of each call.

    Parameters
    ----------
    backends : mapping
        Kernel name -> backend; every kernel that is used must be listed.
    arithmetic : {"double", "single"}
        Form of the kernels that have two.
    """

    backends: Mapping[str, Backend]
    arithmetic: Arithmetic

    def __hash__(self) -> int:
        return hash((*sorted(self.backends.items()), self.arithmetic))

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Callable[..., Any]:
            if name.startswith("_") or name not in self.backends:
                raise AttributeError(name)
            return self.bound(name)

    def bound(self, name: str) -> Callable[..., Any]:
        """Return a kernel of the table as a call that checks its arguments.

        Raises
        ------
        LookupError
            The backend does not implement the kernel.
        """
        kernel = _contracts()[name]
        run = function(kernel, self.backends[name], self.arithmetic)
        if run is None:
            raise LookupError(f"kernel '{name}' has no '{self.backends[name]}' implementation")

        def call(*values: Any) -> Any:
            kernel.check(values)
            return run(*values)

        def call_alone(*values: Any) -> Any:
            kernel.check(values)
            with _one_at_a_time:
                return run(*values)

        alone = self.backends[name] == "native" and threading_layer() == "workqueue"
        return call_alone if alone else call


_one_at_a_time = threading.Lock()
"""Held during a kernel where Numba's threads end the process if two Python threads use them."""


@cache
def _contracts() -> dict[str, Kernel]:
    return all_kernels()


def table(backend: Backend, arithmetic: Arithmetic) -> KernelTable:
    """Bind every kernel to `backend`, those it does not implement to the reference."""
    contracts = _contracts()
    return KernelTable(
        {
            name: backend if function(kernel, backend, arithmetic) is not None else "python"
            for name, kernel in contracts.items()
        },
        arithmetic,
    )
