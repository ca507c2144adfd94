"""The MPI library; the one module that imports mpi4py.

Importing it initialises MPI, so it is imported only once a run is known to use MPI.
"""

import os
from typing import NoReturn

import mpi4py

# The task queue answers from a thread of its own while the rank works.
mpi4py.rc.thread_level = "multiple"

from mpi4py import MPI  # noqa: E402

__all__ = ["MPI", "leave", "library_version", "threads_allowed"]


def library_version() -> str:
    """Return name and version of the MPI library, one line."""
    text = MPI.Get_library_version().rstrip("\0").strip()
    return text.splitlines()[0].split(", package:")[0].strip()


def threads_allowed() -> bool:
    """Say whether several threads of a rank may talk at the same time."""
    return bool(MPI.Query_thread() == MPI.THREAD_MULTIPLE)


def leave(code: int) -> NoReturn:
    """Finish MPI and end the process at once, without the interpreter's tidying up."""
    MPI.Finalize()
    os._exit(code)
