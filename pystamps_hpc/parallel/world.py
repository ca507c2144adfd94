"""The MPI library; the one module that imports mpi4py.

Importing it starts MPI, so it is imported only once a run is known to use MPI.
"""

import os
import time
from collections.abc import Mapping
from typing import NoReturn

import mpi4py

from ..errors import MpiEnvironmentError
from . import pmix

# The library is loaded first and started below, after a look at what it would crash on.
mpi4py.rc.initialize = False
mpi4py.rc.finalize = True

from mpi4py import MPI  # noqa: E402

__all__ = ["MPI", "leave", "library_version", "meet", "threads_allowed"]

MEET_WITHIN_SEC = 60.0
"""Ranks come out of the start of MPI together; their first messages take milliseconds."""
_LARGE = 1 << 20
"""A message that ranks of a node pass on without a copy in between [bytes]."""


def library_version() -> str:
    """Return name and version of the MPI library, one line."""
    text = MPI.Get_library_version().rstrip("\0").strip()
    return " ".join(text.splitlines()[0].split(", package:")[0].split())


def threads_allowed() -> bool:
    """Say whether several threads of a rank may talk at the same time."""
    return bool(MPI.Query_thread() == MPI.THREAD_MULTIPLE)


def leave(code: int) -> NoReturn:
    """Finish MPI and end the process at once, without the interpreter's tidying up."""
    MPI.Finalize()
    os._exit(code)


def meet(within_sec: float = MEET_WITHIN_SEC) -> bool:
    """Exchange a large message with both neighbours; whether all ranks did so in time.

    What keeps ranks apart (a fabric that is there but not usable, memory of another container that
    must not be read) shows here, where it can be told, instead of as a job that stands still.
    """
    world = MPI.COMM_WORLD
    sent, received = bytearray(_LARGE), bytearray(_LARGE)
    deadline = time.monotonic() + within_sec
    try:
        requests = [
            world.Irecv([received, MPI.BYTE], (world.rank - 1) % world.size),
            world.Isend([sent, MPI.BYTE], (world.rank + 1) % world.size),
        ]
        return _done(requests, deadline) and _done([world.Ibarrier()], deadline)
    except MPI.Exception:
        return False


def _done(requests: list[MPI.Request], deadline: float) -> bool:
    while not MPI.Request.Testall(requests):
        if time.monotonic() > deadline:
            return False
        time.sleep(1e-3)
    return True


def _start(environ: Mapping[str, str]) -> None:
    """Start MPI; refuse where the library would end the process instead.

    Raises
    ------
    MpiEnvironmentError
        It would crash, or stop with a code of its own.
    """
    library = pmix.loaded()
    if library is not None and (hidden := pmix.hidden_directory(environ, library)):
        raise MpiEnvironmentError(
            f"{hidden}, where the launcher keeps the files of its jobs (SLURM: TmpFS), cannot be "
            f"written in this container, and MPI would crash: bind it, apptainer exec --bind "
            f"{hidden}, or export APPTAINER_BIND={hidden}"
        )
    if library is None and library_version().startswith("MPICH") and _speaks_only_pmix(environ):
        raise MpiEnvironmentError(
            f"the launcher speaks PMIx, the MPI library ({library_version()}) does not: srun "
            "--mpi=pmi2 (see srun --mpi=list), or the image variant built with Open MPI"
        )
    # The task queue answers from a thread of its own while the rank works.
    MPI.Init_thread(MPI.THREAD_MULTIPLE)


def _speaks_only_pmix(environ: Mapping[str, str]) -> bool:
    return "PMIX_NAMESPACE" in environ and not any(name.startswith("PMI_") for name in environ)


if not MPI.Is_initialized():
    _start(os.environ)
