"""Which backend runs which kernel: availability, and the table of bound kernels."""

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from .contracts import Kernel, all_kernels

Backend = Literal["python", "native", "cuda"]
Arithmetic = Literal["double", "single"]

PACKAGES: dict[Backend, str] = {"python": "reference", "native": "native", "cuda": "cuda"}


@cache
def unavailable_reason(backend: Backend) -> str:
    """Say why `backend` cannot run on this machine; an empty string when it can."""
    if backend == "native":
        try:
            importlib.import_module("numba")
        except Exception as error:
            return f"numba cannot be imported: {error}"
    if backend == "cuda" and importlib.util.find_spec(f"{__package__}.cuda") is None:
        return "there are no CUDA kernels yet"
    if backend == "cuda":
        try:
            cupy = importlib.import_module("cupy")
        except Exception as error:
            return f"cupy cannot be imported: {error}"
        if not cupy.cuda.is_available():
            return "no CUDA device is visible"
    return ""


@cache
def _module(backend: Backend, stage: str) -> ModuleType | None:
    package = f"{__package__}.{PACKAGES[backend]}"
    if importlib.util.find_spec(package) is None:
        return None
    if importlib.util.find_spec(f"{package}.{stage}") is None:
        return None
    return importlib.import_module(f"{package}.{stage}")


def function(kernel: Kernel, backend: Backend, arithmetic: Arithmetic) -> Callable[..., Any] | None:
    """Return the function of a kernel in one backend and arithmetic, or None if there is none."""
    module = _module(backend, kernel.module)
    suffix = "_single" if kernel.single and arithmetic == "single" else ""
    return getattr(module, kernel.function + suffix, None)


def compiled_before() -> bool:
    """Tell whether native kernels lie compiled in the cache; True where there is no compiler."""
    if unavailable_reason("native"):
        return True
    kernel: Any = function(all_kernels()["stage2_unit_phasors"], "native", "double")
    return any(Path(kernel.stats.cache_path).glob("*.nbi"))


def supported_backends(kernel: Kernel) -> list[Backend]:
    """List the backends that implement `kernel` in every form it has, available here or not.

    The sources of a backend are asked, so a backend whose library is missing is left out.
    """
    forms: tuple[Arithmetic, ...] = ("double", "single") if kernel.single else ("double",)
    return [
        backend
        for backend in PACKAGES
        if not unavailable_reason(backend)
        and all(function(kernel, backend, form) is not None for form in forms)
    ]


@dataclass(frozen=True)
class KernelTable:
    """Kernels bound to backends; ``table.stage2_topofit(...)`` checks the call and runs it.

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

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_") or name not in self.backends:
            raise AttributeError(name)
        kernel = _contracts()[name]
        bound = function(kernel, self.backends[name], self.arithmetic)
        if bound is None:
            raise LookupError(f"kernel '{name}' has no '{self.backends[name]}' implementation")

        def call(*values: Any) -> Any:
            kernel.check(values)
            return bound(*values)

        return call


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
