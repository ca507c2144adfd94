"""Start programs under mpirun, quietly, on a machine that has fewer cores than ranks.

Also a command: ``python tests/mpi/mpi_run.py 2 -m pytest --with-mpi tests/mpi``.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

SETTINGS = {
    # mpirun refuses to run as root, as containers and test machines often do.
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    # Do not look for network fabrics: that takes a second of every start. Excluded by name,
    # because Open MPI 4.1 does not start with the list "self,sm".
    "OMPI_MCA_pml": "ob1",
    "OMPI_MCA_btl": "^ofi,uct,openib",
    # Two runs at once must not be bound to the same core (Open MPI 5, then 4.1).
    "PRTE_MCA_hwloc_default_binding_policy": "none",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
    # More ranks than cores: let mpirun start them, and give the core away while waiting.
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_mpi_yield_when_idle": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
# Inside a SLURM allocation Open MPI 5 would put every rank on the first node.
NOT_UNDER_SLURM = {"PRTE_MCA_rmaps_default_mapping_policy", "OMPI_MCA_rmaps_base_oversubscribe"}


def mpirun() -> str | None:
    """Find the mpirun beside this interpreter, else on PATH."""
    beside = str(Path(sys.executable).parent)
    return shutil.which("mpirun", path=beside) or shutil.which("mpirun")


def why_not() -> str:
    """Say why MPI programs cannot be started here; an empty string if they can."""
    if importlib.util.find_spec("mpi4py") is None:
        return "mpi4py is not installed"
    return "" if mpirun() else "mpirun was not found"


def environment() -> dict[str, str]:
    """Return the environment for mpirun; what the caller has set wins."""
    settings = {
        name: value
        for name, value in SETTINGS.items()
        if not ("SLURM_JOB_ID" in os.environ and name in NOT_UNDER_SLURM)
    }
    paths = [str(ROOT), str(ROOT / "kernels"), os.environ.get("PYTHONPATH", "")]
    return {**settings, **os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def command(n: int, arguments: list[str]) -> list[str]:
    """Return the command line that runs Python with `arguments` on `n` ranks."""
    return [mpirun() or "mpirun", "-n", str(n), sys.executable, *arguments]


def run(n: int, arguments: list[str], timeout: float = 60.0) -> subprocess.CompletedProcess[str]:
    """Run Python with `arguments` on `n` ranks; a run that hangs is ended and fails the test."""
    started = command(n, arguments)
    with subprocess.Popen(
        started,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as job:
        try:
            out, err = job.communicate(timeout=timeout)
        except subprocess.TimeoutExpired as late:
            job.terminate()  # mpirun then ends its ranks, which a kill would leave behind
            out, err = job.communicate()
            raise AssertionError(f"{n} ranks hang after {timeout} s\n{out}\n{err}") from late
    return subprocess.CompletedProcess(started, job.returncode, out, err)


def main() -> None:
    if reason := why_not():
        sys.exit(reason)
    started = command(int(sys.argv[1]), sys.argv[2:])
    os.execve(started[0], started, environment())


if __name__ == "__main__":
    main()
