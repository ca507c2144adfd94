"""Which kernels there are, which backends run them here, and which external programs are found."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from pystamps_kernels.contracts import all_kernels
from pystamps_kernels.dispatch import Backend, supported_backends, unavailable_reason

from ..config import RunConfig
from ..config.sections import RUNTIME_BACKENDS
from ..programs.snaphu import find_snaphu

PROVIDERS: dict[Backend, tuple[str, list[str]]] = {
    "python": ("NumPy reference, the definition", ["cpu"]),
    "native": ("Numba, threaded", []),
    "cuda": ("CuPy", ["gpu"]),
}


def describe_backend_matrix(config: RunConfig | None = None) -> dict[str, Any]:
    """Return the document ``pystamps-hpc/backends/1``."""
    config = config or RunConfig()
    providers: dict[str, dict[str, Any]] = {}
    for name, (description, aliases) in PROVIDERS.items():
        reason = unavailable_reason(name)
        providers[name] = {
            "description": description,
            "aliases": aliases,
            "available": not reason,
            "unavailable_reason": reason,
            **({"devices": _devices(reason)} if name == "cuda" else {}),
        }
    kernels = {}
    for kernel in all_kernels().values():
        supported = supported_backends(kernel)
        kernels[kernel.name] = {
            "summary": kernel.summary,
            "forms": list(kernel.forms),
            "supported_backends": supported,
            "available_backends": [name for name in supported if not unavailable_reason(name)],
            "baseline_backend": "python",
        }
    triangle = "triangle (Python binding)" if find_spec("triangle") is not None else None
    return {
        "schema": "pystamps-hpc/backends/1",
        "providers": providers,
        "kernels": kernels,
        "external_tools": {"triangle": triangle, "snaphu": find_snaphu(config.tools.snaphu)},
        "runtime_backends": list(RUNTIME_BACKENDS),
    }


def _devices(reason: str) -> list[dict[str, Any]]:
    if reason:
        return []
    runtime = import_module("cupy").cuda.runtime
    found = []
    for index in range(runtime.getDeviceCount()):
        properties = runtime.getDeviceProperties(index)
        name, size = properties["name"].decode(), properties["totalGlobalMem"] // 2**20
        found.append({"index": index, "name": name, "memory_mib": int(size)})
    return found
