"""How this process was started, and the team that follows from it."""

import atexit
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ..errors import Exit, MpiEnvironmentError
from .team import SerialTeam, Team

if TYPE_CHECKING:
    from .mpi import MpiTeam

MpiMode = Literal["auto", "on", "off"]

# Launcher, variables of job size and rank, in the order they are believed. SLURM_NTASKS is not
# among them: a batch script has it where one process runs.
LAUNCHERS = (
    ("Open MPI mpirun", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"),
    ("PMI launcher", "PMI_SIZE", "PMI_RANK"),
    ("MVAPICH2 mpirun", "MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK"),
    ("SLURM srun", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID"),
)
OPEN_MPI = LAUNCHERS[0][0]


@dataclass(frozen=True)
class Hint:
    """What the environment says about the job this process belongs to."""

    name: str
    size: int
    rank: int


@dataclass(frozen=True)
class Start:
    """The team of this process, and what the user should know about how it came about."""

    team: Team
    hint: Hint | None = None
    warnings: tuple[str, ...] = ()


def launcher_hint(environ: Mapping[str, str]) -> Hint | None:
    """Read the variables that MPI launchers and SLURM set for each process they start."""
    for name, size, rank in LAUNCHERS:
        if environ.get(size, "").isdecimal():
            place = environ.get(rank, "")
            return Hint(name, int(environ[size]), int(place) if place.isdecimal() else 0)
    return None


def start_team(mode: MpiMode, environ: Mapping[str, str]) -> Start:
    """Decide between a serial and an MPI run, and start the team.

    Parameters
    ----------
    mode : {"auto", "on", "off"}
        Whether to use MPI; ``auto`` uses it where a launcher started several processes.
    environ : mapping
        Environment of the process.

    Raises
    ------
    MpiEnvironmentError
        The library cannot be loaded, or does not see the processes the launcher started. The
        error is the same in all processes; its ``quiet`` is true in those that should not print.

    Notes
    -----
    mpi4py is imported only where MPI is used. With MPI, an
    uncaught exception ends the whole job from here on.
    """
    hint = launcher_hint(environ)
    tasks = hint.size if hint else 1
    if mode == "off":
        if tasks == 1:
            return Start(SerialTeam(), hint)
        return Start(SerialTeam(), hint, (_off_warning(tasks),))
    if mode == "auto" and tasks == 1:
        return Start(SerialTeam(), hint)
    try:
        size, library = mpi_world()
    except MpiEnvironmentError as error:
        raise _refusal(str(error), hint) from None
    except (ImportError, RuntimeError, OSError) as error:
        cause = "MPI was asked for" if tasks == 1 else f"{tasks} tasks were launched"
        raise _refusal(f"mpi4py cannot be loaded ({error}) but {cause}", hint) from error
    if hint is not None and tasks > 1 and size == 1:
        raise _refusal(_mismatch(hint, library), hint)
    if not ranks_meet():
        raise _refusal(_apart(library), hint)
    team = mpi_team()
    if tasks > 1 and team.size != tasks:
        return Start(team, hint, (_size_warning(tasks, team.size),))
    return Start(team, hint)


def mpi_world() -> tuple[int, str]:
    """Initialise MPI; return the number of processes it sees and its name and version."""
    from .world import MPI, library_version

    return MPI.COMM_WORLD.size, library_version()


def ranks_meet() -> bool:
    """Whether all ranks can exchange messages; where not, this process ends without MPI's help."""
    from .world import meet

    if meet():
        return True
    # finishing MPI would wait for the messages that do not come
    atexit.register(os._exit, Exit.LAUNCHER)
    return False


def mpi_team() -> "MpiTeam":
    """Make the team of all MPI processes, which end together whatever happens."""
    from .abort import install_abort_hook
    from .mpi import MpiTeam

    team = MpiTeam()
    install_abort_hook(team)
    return team


def _refusal(message: str, hint: Hint | None) -> MpiEnvironmentError:
    error = MpiEnvironmentError(message)
    error.quiet = hint is not None and hint.rank > 0
    return error


def _mismatch(hint: Hint, library: str) -> str:
    pmi = "pmi2" if "MPICH" in library else "pmix"
    return (
        f"{hint.size} tasks were launched ({hint.name}) but the MPI library ({library}) sees a "
        f"world of 1: launcher and library do not match. Try srun --mpi={pmi} (see srun "
        "--mpi=list), or mpirun from the same MPI as the library, or the image variant built "
        "for this MPI."
    )


def _apart(library: str) -> str:
    return (
        f"MPI ({library}) started but its ranks cannot exchange messages: in an image with several "
        "ranks on a node try apptainer exec --sharens (CONTAINER_OPTIONS of the job scripts), else "
        "another network of the library: OMPI_MCA_pml=ob1 and OMPI_MCA_btl=^ofi,uct,openib for "
        "Open MPI, UCX_TLS=tcp,self,sm or FI_PROVIDER=tcp for MPICH"
    )


def _off_warning(tasks: int) -> str:
    return f"--mpi off although {tasks} tasks were launched; only one of them can take the lock"


def _size_warning(tasks: int, size: int) -> str:
    return f"{tasks} tasks were launched but MPI has {size} ranks; going on with {size}"
