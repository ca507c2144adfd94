"""Where compiled kernels lie: by what they were compiled from, not by where it is installed.

Numba keeps compiled code per path of the source file, and does not see when a function that a
kernel calls has changed in another file. Here the folder is named by the content of the whole
package but its CUDA kernels, the versions of what compiles it, and the processor. So a second
installation finds what the first has compiled, and a change of any kernel compiles all anew.
"""

import hashlib
import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numba
from llvmlite.binding import get_host_cpu_features, get_host_cpu_name
from numba.core.caching import UserProvidedCacheLocator

from .seed import local_copy

LOCATORS = ",".join(
    (
        f"{__name__}.KernelLocator",
        "UserProvidedCacheLocator",
        "InTreeCacheLocator",
        "UserWideCacheLocator",
        "IPythonCacheLocator",
        "ZipCacheLocator",
    )
)
"""Numba's own after that of the kernels: its other functions stay where they are."""


@cache
def fingerprint() -> str:
    """Return a name for the sources of the kernels, what compiles them, and the processor."""
    digest = hashlib.sha256()
    digest.update(f"{get_host_cpu_name()} {get_host_cpu_features().flatten()} ".encode())
    for package in ("numba", "llvmlite", "numpy"):
        digest.update(f"{package} {version(package)} ".encode())
    digest.update(platform.python_version().encode())
    root = Path(__file__).parents[1]
    for path in sorted(set(root.rglob("*.py")) - set((root / "cuda").rglob("*.py"))):
        digest.update(f"{path.relative_to(root)} {path.stat().st_size} ".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


class KernelLocator(UserProvidedCacheLocator):
    """Numba's locator below ``NUMBA_CACHE_DIR``, for the functions of this package."""

    def get_cache_path(self) -> str:
        """Return the folder of all kernels."""
        return str(folder())

    def get_source_stamp(self) -> str:
        """Return what the sources are known by."""
        return fingerprint()

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> "KernelLocator | None":
        """Return a locator for a kernel, None for any other function or without a cache."""
        if not py_func.__module__.startswith(f"{__package__}."):
            return None
        locator: KernelLocator | None = super().from_function(py_func, py_file)  # type: ignore[no-untyped-call]
        return locator


def folder() -> Path:
    """Return the folder of the kernels: what an image brought along, else in the cache.

    Without a cache it lies beside the sources.
    """
    name = f"kernels-{fingerprint()}"
    return local_copy(name) or Path(directory() or Path(__file__).parent / "__pycache__", name)


def directory() -> str:
    """Return ``NUMBA_CACHE_DIR``, empty where kernels are kept beside their sources."""
    return str(numba.config.CACHE_DIR)  # type: ignore[attr-defined]
