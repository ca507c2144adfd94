"""Environment variables that must be set before NumPy, Numba and MPI are imported."""

import os
import platform
import stat
import tempfile
import zlib
from collections.abc import MutableMapping
from contextlib import suppress
from pathlib import Path

from pystamps_kernels.native.seed import LOCAL, SEED

from ..parallel.cpus import visible_cpus

BLAS_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
THROUGH_SHARED_MEMORY = {
    "MPIR_CVAR_CH4_CMA_ENABLE": "0",
    "UCX_TLS": "^cma",
    "UCX_POSIX_USE_PROC_LINK": "n",
}
"""Keep MPICH and UCX from reading the memory of another process; Open MPI sees when it must not."""


def prepare(environ: MutableMapping[str, str]) -> None:
    """Fix what changes results or crashes; what the user has set is kept where that is safe.

    One BLAS thread, because threads belong to the kernels and a threaded BLAS changes bits with
    their number; the ``omp`` layer of Numba's threads where it can be loaded, else ``tbb``, because
    with the last one, ``workqueue``, kernels have to wait for each other; no SVML, because vector
    and remainder elements of a loop would come from different functions; waiting threads that
    sleep, because other ranks need the processors; in a container without privileges, messages
    through shared memory, because its processes must not read the memory of another one's; a cache
    directory that can be written.
    """
    if environ.get("PYSTAMPS_HPC_KEEP_BLAS_THREADS") != "1":
        for name in BLAS_THREADS:
            environ[name] = "1"
    environ.setdefault("NUMBA_NUM_THREADS", str(visible_cpus(environ)))
    environ.setdefault("NUMBA_THREADING_LAYER_PRIORITY", "omp tbb workqueue")
    environ.setdefault("NUMBA_DISABLE_INTEL_SVML", "1")
    environ.setdefault("OMP_WAIT_POLICY", "passive")
    if in_user_namespace():
        for name, value in THROUGH_SHARED_MEMORY.items():
            environ.setdefault(name, value)
    cache = cache_directory(environ)
    _place_seed(environ, cache)
    environ.setdefault("NUMBA_CACHE_DIR", str(cache / f"numba-{processor_type()}"))
    environ.setdefault("CUPY_CACHE_DIR", str(cache / "cupy"))
    if not os.access(environ.get("HOME", ""), os.W_OK):  # Matplotlib would warn and use another
        environ.setdefault("MPLCONFIGDIR", str(cache / "matplotlib"))


def _place_seed(environ: MutableMapping[str, str], cache: Path) -> None:
    """Say where the kernels of an image are copied to: a disk of the node, if there is one."""
    if LOCAL in environ:
        return
    if "NUMBA_CACHE_DIR" in environ:  # the user's own: nothing of an image is put there
        environ.pop(SEED, None)
    elif SEED in environ:
        given = environ.get("PYSTAMPS_HPC_CACHE_DIR")
        environ[LOCAL] = given or str(local_directory() or cache)


def in_user_namespace(uid_map: Path = Path("/proc/self/uid_map")) -> bool:
    """Whether this process is in a user namespace, as that of an unprivileged container."""
    try:
        return uid_map.read_text().split() != ["0", "0", str(2**32 - 1)]
    except OSError:
        return False


def processor_type(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Name the instruction set, so that machines of other types keep their own compiled code."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.machine()
    flags = next((line for line in lines if line.lower().startswith(("flags", "features"))), "")
    return f"{platform.machine()}-{zlib.crc32(flags.encode()):08x}"


def cache_directory(environ: MutableMapping[str, str]) -> Path:
    """Return the first directory for compiled kernels that can be written."""
    if given := environ.get("PYSTAMPS_HPC_CACHE_DIR"):
        return Path(given)
    home = None
    if parent := environ.get("XDG_CACHE_HOME"):
        home = Path(parent) / "pystamps-hpc"
    elif parent := environ.get("HOME"):
        home = Path(parent) / ".cache" / "pystamps-hpc"
    if home is not None and _made(home):
        return home
    return local_directory() or Path(tempfile.mkdtemp(prefix="pystamps-hpc-"))


def local_directory() -> Path | None:
    """Return the user's directory below that for temporary files, which is local to a node."""
    path = Path(tempfile.gettempdir()) / f"pystamps-hpc-{os.getuid()}"
    return path if _made(path) and _private(path) else None


def _made(path: Path) -> bool:
    with suppress(OSError):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.access(path, os.W_OK)
    return False


def _private(path: Path) -> bool:
    """Whether nobody else can have put into a directory what is loaded from it as code."""
    status = path.lstat()
    return (
        stat.S_ISDIR(status.st_mode)
        and status.st_uid == os.getuid()
        and not stat.S_IMODE(status.st_mode) & 0o077
    )
