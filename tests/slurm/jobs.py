"""What the tests of job scripts share."""

import hashlib
import os
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
TEMPLATES = REPOSITORY / "slurm"
BATCH = ("single_node.sbatch", "multi_node.sbatch", "gpu.sbatch")
ALL = (*BATCH, "patch_array.sh")
OUTSIDE = Path("/srv")
"""Not below /tmp, home or the working directory: what lies here a container sees only if bound."""

# Open MPI as root, on machines without a network fabric and with fewer cores than ranks.
RANKS_ANYWHERE = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_pml": "ob1",
    "OMPI_MCA_btl": "^ofi,uct,openib",
    "OMPI_MCA_mpi_yield_when_idle": "1",
}


def environment() -> dict[str, str]:
    """Return the environment of a job: without the caches that the tests themselves have chosen."""
    own = ("NUMBA_", "CUPY_", "PYSTAMPS_HPC_CACHE_")
    return {k: v for k, v in os.environ.items() if not k.startswith(own)} | RANKS_ANYWHERE


def program() -> Path:
    """Return the command of the environment that the tests run in."""
    return Path(sys.executable).with_name("pystamps-hpc")


def digests(root: Path) -> dict[str, str]:
    """Return a digest of every artifact of a dataset."""
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*.mat"))
    }


def contents(root: Path) -> dict[str, int]:
    """Return every file below a directory with its time of change."""
    return {str(path): path.stat().st_mtime_ns for path in sorted(root.rglob("*"))}
