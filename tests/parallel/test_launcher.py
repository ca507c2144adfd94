"""Which team a process gets, from its launcher's variables and the --mpi option."""

import pytest

from pystamps_hpc.errors import MpiEnvironmentError
from pystamps_hpc.parallel import launcher
from pystamps_hpc.parallel.launcher import Hint, launcher_hint, start_team
from pystamps_hpc.parallel.team import SerialTeam

OPEN_MPI = {"OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "2"}
PMI = {"PMI_SIZE": "3", "PMI_RANK": "1"}
MVAPICH = {"MV2_COMM_WORLD_SIZE": "5", "MV2_COMM_WORLD_RANK": "0"}
SLURM = {"SLURM_STEP_NUM_TASKS": "2", "SLURM_PROCID": "1"}
BATCH_STEP = {"SLURM_NTASKS": "8", "SLURM_PROCID": "0", "SLURM_JOB_ID": "77"}
ONE = {"OMPI_COMM_WORLD_SIZE": "1", "OMPI_COMM_WORLD_RANK": "0"}


class FakeTeam:
    def __init__(self, size):
        self.size = size


@pytest.fixture
def world(monkeypatch):
    """Pretend an MPI world of a size, or an error when it is loaded; None forbids loading."""

    def pretend(size):
        def mpi_world():
            assert size is not None, "MPI was loaded"
            if isinstance(size, Exception):
                raise size
            return size, "Some MPI 1.0"

        monkeypatch.setattr(launcher, "mpi_world", mpi_world)
        monkeypatch.setattr(launcher, "ranks_meet", lambda: True)
        monkeypatch.setattr(launcher, "mpi_team", lambda: FakeTeam(size))

    return pretend


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        (OPEN_MPI, Hint("Open MPI mpirun", 4, 2)),
        (PMI, Hint("PMI launcher", 3, 1)),
        (MVAPICH, Hint("MVAPICH2 mpirun", 5, 0)),
        (SLURM, Hint("SLURM srun", 2, 1)),
        (SLURM | MVAPICH | PMI | OPEN_MPI, Hint("Open MPI mpirun", 4, 2)),
        (SLURM | MVAPICH | PMI, Hint("PMI launcher", 3, 1)),
        (SLURM | MVAPICH, Hint("MVAPICH2 mpirun", 5, 0)),
        (BATCH_STEP, None),
        ({"PMI_SIZE": "many"}, None),
        ({"PMI_SIZE": "3"}, Hint("PMI launcher", 3, 0)),
    ],
)
def test_the_first_launcher_that_speaks_is_believed(environ, expected):
    assert launcher_hint(environ) == expected


@pytest.mark.parametrize("environ", [{}, ONE, BATCH_STEP])
@pytest.mark.parametrize("mode", ["auto", "off"])
def test_one_process_runs_serially_without_loading_mpi(world, environ, mode):
    world(None)
    start = start_team(mode, environ)
    assert isinstance(start.team, SerialTeam)
    assert start.warnings == ()


def test_mpi_off_in_a_job_of_many_is_serial_with_a_warning(world):
    world(None)
    start = start_team("off", OPEN_MPI)
    assert isinstance(start.team, SerialTeam)
    assert start.warnings == (
        "--mpi off although 4 tasks were launched; only one of them can take the lock",
    )


@pytest.mark.parametrize("mode", ["auto", "on"])
@pytest.mark.parametrize("environ", [OPEN_MPI, PMI, MVAPICH, SLURM])
def test_a_job_of_many_runs_with_mpi(world, mode, environ):
    size = launcher_hint(environ).size
    world(size)
    start = start_team(mode, environ)
    assert start.team.size == size
    assert start.warnings == ()
    assert (start.hint.name == launcher.OPEN_MPI) == (environ is OPEN_MPI)


@pytest.mark.parametrize("environ", [{}, ONE])
def test_mpi_on_with_one_process_is_a_world_of_one(world, environ):
    world(1)
    assert start_team("on", environ).team.size == 1


@pytest.mark.parametrize("mode", ["auto", "on"])
def test_a_library_that_sees_a_world_of_one_is_refused_and_one_process_says_so(world, mode):
    world(1)
    for rank in range(4):
        with pytest.raises(MpiEnvironmentError) as caught:
            start_team(mode, OPEN_MPI | {"OMPI_COMM_WORLD_RANK": str(rank)})
        assert str(caught.value) == (
            "4 tasks were launched (Open MPI mpirun) but the MPI library (Some MPI 1.0) sees a "
            "world of 1: launcher and library do not match. Try srun --mpi=pmix (see srun "
            "--mpi=list), or mpirun from the same MPI as the library, or the image variant built "
            "for this MPI."
        )
        assert caught.value.exit_code == 5
        assert caught.value.quiet == (rank > 0)


def test_what_mpi_would_crash_on_is_told_by_one_process(world):
    world(MpiEnvironmentError("/local cannot be written in this container"))
    for rank in range(2):
        with pytest.raises(MpiEnvironmentError, match=r"^/local cannot be written") as caught:
            start_team("auto", SLURM | {"SLURM_PROCID": str(rank)})
        assert caught.value.quiet == (rank > 0)


def test_ranks_that_cannot_exchange_messages_are_refused_with_what_to_try(world, monkeypatch):
    world(2)
    monkeypatch.setattr(launcher, "ranks_meet", lambda: False)
    with pytest.raises(MpiEnvironmentError, match=r"Some MPI 1.0.*--sharens.*OMPI_MCA_btl"):
        start_team("auto", SLURM)


def test_mpich_is_told_of_its_own_pmi(monkeypatch):
    monkeypatch.setattr(launcher, "mpi_world", lambda: (1, "MPICH Version: 5.0.2"))
    with pytest.raises(MpiEnvironmentError, match="Try srun --mpi=pmi2"):
        start_team("auto", SLURM)


def test_another_world_size_is_believed_with_a_warning(world):
    world(3)
    start = start_team("auto", OPEN_MPI)
    assert start.team.size == 3
    assert start.warnings == ("4 tasks were launched but MPI has 3 ranks; going on with 3",)


@pytest.mark.parametrize(
    "error", [ModuleNotFoundError("No module named 'mpi4py'"), RuntimeError("cannot load MPI")]
)
def test_a_library_that_cannot_be_loaded_is_named(world, error):
    world(error)
    with pytest.raises(MpiEnvironmentError) as caught:
        start_team("auto", SLURM)
    assert str(caught.value) == f"mpi4py cannot be loaded ({error}) but 2 tasks were launched"
    assert caught.value.quiet
    with pytest.raises(MpiEnvironmentError, match="but MPI was asked for") as caught:
        start_team("on", {})
    assert not caught.value.quiet
