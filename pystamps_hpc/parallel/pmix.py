"""What a PMIx launcher (``srun --mpi=pmix``, Open MPI's ``mpirun``) has prepared for its processes.

Nothing here starts MPI. Run as a program, this file asks the launcher for the directory of its job
and prints it; a process of its own does that, because MPI cannot be started in one that has asked.
"""

import ctypes
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

LIBRARY = "libpmix.so"
ANSWER_WITHIN_SEC = 20

_DIRECTORY = b"pmix.tmpdir"
_ANY_RANK = 0xFFFFFFFE
_STRING = 3


def loaded(maps: Path = Path("/proc/self/maps")) -> str | None:
    """Return the PMIx library of the MPI library that this process has loaded, if it has one."""
    try:
        lines = maps.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    paths = (line.partition("/")[2] for line in lines)
    return next((f"/{path}" for path in paths if Path(path).name.startswith(LIBRARY)), None)


def hidden_directory(environ: Mapping[str, str], library: str) -> str | None:
    """Return the launcher's directory for the files of its jobs if it cannot be written from here.

    Parameters
    ----------
    environ : mapping
        Environment of the process.
    library : str
        File of the PMIx library.

    Notes
    -----
    In a container that does not show it Open MPI ends with a segmentation fault when it makes a
    communicator. SLURM calls it ``TmpFS``. The launcher is asked only where its own working
    directory, which the environment names, cannot be seen either.
    """
    server = environ.get("PMIX_SERVER_TMPDIR")
    if not server or os.path.isdir(server):
        return None
    command = [sys.executable, "-I", "-S", __file__, library]
    try:
        asked = subprocess.run(
            command, capture_output=True, text=True, timeout=ANSWER_WITHIN_SEC, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    directory = asked.stdout.strip()
    return None if asked.returncode or os.access(directory, os.W_OK) else directory


class _Process(ctypes.Structure):
    """``pmix_proc_t``."""

    _fields_ = (("namespace", ctypes.c_char * 256), ("rank", ctypes.c_uint32))


class _Value(ctypes.Structure):
    """``pmix_value_t`` that holds a string."""

    _fields_ = (("type", ctypes.c_uint16), ("text", ctypes.c_char_p))


def ask(library: str) -> str | None:
    """Ask the launcher for the directory of its jobs; connects this process to it and leaves."""
    pmix = ctypes.CDLL(library)
    me = _Process()
    if pmix.PMIx_Init(ctypes.byref(me), None, ctypes.c_size_t(0)):
        return None
    job = _Process(me.namespace, _ANY_RANK)
    value = ctypes.POINTER(_Value)()
    missing = pmix.PMIx_Get(
        ctypes.byref(job), _DIRECTORY, None, ctypes.c_size_t(0), ctypes.byref(value)
    )
    known = not missing and value.contents.type == _STRING
    directory = os.fsdecode(value.contents.text) if known else None
    pmix.PMIx_Finalize(None, ctypes.c_size_t(0))
    return directory


if __name__ == "__main__":
    found = ask(sys.argv[1])
    os.write(1, os.fsencode(found or ""))  # the answer to the process that has started this one
    sys.exit(found is None)
