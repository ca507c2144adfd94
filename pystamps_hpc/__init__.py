"""Persistent-scatterer InSAR, StaMPS stages 1-8, as an MPI batch tool.

The stable names are imported from here; each is loaded when it is first used, so that importing
the package needs neither NumPy nor anything heavier.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .dataset.mat import read_mat, write_mat
    from .dataset.tree import discover_dataset
    from .pipeline.table import expected_stage_artifact
    from .tools.backends import describe_backend_matrix
    from .tools.console.notebook import view
    from .tools.library import open_dataset
    from .tools.products.values import read_values
    from .tools.status import collect_status
    from .tools.verification.compare import verify_run_against_golden
    from .tools.verification.coverage import native_coverage

_HOMES = {
    "collect_status": "tools.status",
    "describe_backend_matrix": "tools.backends",
    "discover_dataset": "dataset.tree",
    "expected_stage_artifact": "pipeline.table",
    "native_coverage": "tools.verification.coverage",
    "open_dataset": "tools.library",
    "read_mat": "dataset.mat",
    "read_values": "tools.products.values",
    "verify_run_against_golden": "tools.verification.compare",
    "view": "tools.console.notebook",
    "write_mat": "dataset.mat",
}

__all__ = [
    "collect_status",
    "describe_backend_matrix",
    "discover_dataset",
    "expected_stage_artifact",
    "native_coverage",
    "open_dataset",
    "read_mat",
    "read_values",
    "verify_run_against_golden",
    "view",
    "write_mat",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
