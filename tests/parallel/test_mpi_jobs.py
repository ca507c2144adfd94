"""Whole MPI jobs: the team at every size, and how jobs end when a rank goes wrong."""

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from pystamps_hpc.tools import child_run
from tests.mpi import mpi_run

MPI_TESTS = str(Path(mpi_run.__file__).parent)

pytestmark = mpi_run.starts_jobs

START = """
import os, sys, threading, time
from pystamps_hpc.errors import StageError
from pystamps_hpc.parallel.launcher import start_team
team = start_team("auto", os.environ).team
def bad():
    raise StageError("no candidates")
"""


def user_namespaces():
    """Whether processes may make user namespaces here."""
    if shutil.which("unshare") is None:
        return False
    words = ["unshare", "--user", "--map-root-user", "true"]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def job(n, program, timeout=30.0):
    """Run a program that starts with a team."""
    return mpi_run.run(n, ["-c", START + program], timeout)


@pytest.mark.skipif(find_spec("pytest_mpi") is None, reason="pytest-mpi is not installed")
@pytest.mark.parametrize(
    "size", [pytest.param(1, marks=pytest.mark.slow), 2, 3, pytest.param(4, marks=pytest.mark.slow)]
)
def test_the_mpi_team_equals_the_serial_team_at_size(size):
    pytest_options = ["-q", "-x", "--with-mpi", "-p", "no:cacheprovider", "--color=no"]
    ended = mpi_run.run(size, ["-m", "mpi4py", "-m", "pytest", *pytest_options, MPI_TESTS], 120.0)
    assert ended.code == 0, ended.out + ended.err
    assert ended.out.count(" passed") == size


SLEEPING = "team.on_each(lambda: time.sleep(60 * (team.rank == team.size - 1)))\n"
ENDS = {
    "an exception of rank 0": (
        3, f"if team.rank == 0: raise KeyError('typo')\n{SLEEPING}", {70},
        [r"\[r0 \S+\] Traceback \(most recent call last\):", r"\[r0 \S+\] KeyError: 'typo'"],
    ),
    "an exception of rank 1": (
        3, f"if team.rank == 1: raise KeyError('typo')\n{SLEEPING}", {70},
        [r"\[r1 \S+\] Traceback \(most recent call last\):", r"\[r1 \S+\] KeyError: 'typo'"],
    ),
    "an exception in a thread": (
        2, f"if team.rank == 1: threading.Thread(target=bad).start()\n{SLEEPING}", {70}, [],
    ),
    "a keyboard interrupt of one rank": (
        2, "if team.rank == 1: os.kill(os.getpid(), 2)\nteam.on_each(lambda: time.sleep(1))\n",
        {130}, [],
    ),
    "a rank that is done while others work": (
        3, "if team.rank != 1: team.on_root(lambda: 1)\nteam.close()\n", {70},
        ["ranks left the common path: one is at work, another at close"],
    ),
    **{
        f"a rank that leaves in {where}": (
            2, f"with team.agreed():\n    if team.rank == 1: {where}\n    team.on_root(bool)\n",
            set(range(1, 256)), [],
        )
        for where in ("sys.exit(0)", "team.on_each(lambda: sys.exit(0))")
    },
    **{
        f"a rank killed before {where}": (
            3, f"if team.rank == 1: os.kill(os.getpid(), 9)\n{where}\n", set(range(1, 256)), [],
        )
        for where in ("team.on_root(bool)", "team.map_tasks(time.sleep, [0.01] * 99, None, print)")
    },
}  # fmt: skip


@pytest.mark.parametrize("end", ENDS)
def test_what_befalls_one_rank_ends_the_whole_job_in_seconds(end):
    n, program, codes, told = ENDS[end]
    ended = job(n, program)
    assert ended.code in codes
    assert ended.seconds < 10
    for line in told:
        assert re.search(line, ended.err)


def test_an_uncaught_agreed_error_is_printed_by_the_rank_that_met_it():
    ended = job(3, "team.on_each(lambda: bad() if team.rank == 1 else None)\n")
    assert (ended.code, ended.err.count("StageError: no candidates")) == (70, 1)
    assert ended.seconds < 10
    assert "[r1 " in ended.err


def test_all_ranks_leave_with_the_code_of_an_agreed_error():
    ended = job(
        3,
        "try:\n"
        "    with team.agreed():\n"
        "        if team.rank == 2: bad()\n"
        "        team.map_tasks(time.sleep, [0.05] * 9, None, lambda fraction: None)\n"
        "except StageError as error:\n"
        "    if team.rank == 0: print(f'rank {error.rank}: {error}', flush=True)\n"
        "    team.close()\n"
        "    sys.exit(error.exit_code)\n",
    )
    assert ended.code == 1
    assert ended.out == "rank 2: no candidates\n"


def test_the_rest_of_a_program_may_take_longer_on_one_rank():
    ended = job(2, "team.on_root(bool)\ntime.sleep(2 * team.rank)\nprint('end', flush=True)\n")
    assert (ended.code, ended.out) == (0, "end\nend\n")


def test_a_finished_job_ends_well():
    ended = job(2, "team.close()\nprint(team.size, flush=True)\n")
    assert (ended.code, ended.out, ended.err) == (0, "2\n2\n", "")


def test_a_job_that_forgets_to_close_ends_well():
    ended = job(2, "print(team.on_root(lambda: 5), flush=True)\n")
    assert (ended.code, ended.out) == (0, "5\n5\n")


def test_waiting_ranks_leave_the_processor_to_others():
    ended = job(
        2,
        "began = time.process_time()\n"
        "team.on_root(lambda: time.sleep(1.0))\n"
        "print(time.process_time() - began < 0.3, flush=True)\n",
    )
    assert ended.out == "True\nTrue\n"


def alone(program, **variables):
    """Run a program in one process, without a launcher."""
    environ = {**mpi_run.environment(), **variables}
    return child_run.wait(
        child_run.start([sys.executable, "-c", START + program], environ), timeout=30
    )


def test_a_serial_run_does_not_import_mpi4py():
    ended = alone("print(type(team).__name__, any('mpi4py' in name for name in sys.modules))")
    assert ended.out == "SerialTeam False\n"


def test_one_process_may_use_mpi():
    ended = alone("team = start_team('on', os.environ).team; print(team.size, team.library)")
    assert ended.out.startswith("1 ")
    assert "MPI" in ended.out


ENTER = """
import os, sys
own_user_namespace = ["unshare", "--user", "--map-root-user"]
os.execvp("unshare", [*own_user_namespace, sys.executable, "-c", sys.argv[1]])
"""
IN_A_CONTAINER = """
import os
from pystamps_hpc.cli.environment import prepare
prepare(os.environ)
from pystamps_hpc.parallel.launcher import start_team
team = start_team("auto", os.environ).team
import numpy as np
class OnDisk:
    shape, dtype = (1 << 20,), np.dtype(np.float64)
    def __getitem__(self, rows):
        return np.arange(rows.start, rows.stop, dtype=float)
large = team.on_each(lambda: bytes(1 << 20))
shared = team.share(OnDisk())
told = team.members[-1].local_rank, sum(map(len, large)), shared[-1], team.n_unshared
if team.rank == 0:
    print(*told, flush=True)
"""


@pytest.mark.skipif(not user_namespaces(), reason="no user namespaces to be had here")
def test_ranks_of_a_node_share_memory_from_user_namespaces_of_their_own():
    """What each ``apptainer exec`` without privileges is."""
    ended = mpi_run.run(3, ["-c", ENTER, IN_A_CONTAINER], 60.0)
    assert ended.code == 0, ended.err
    assert ended.out.split() == ["2", str(3 << 20), str(float((1 << 20) - 1)), "0"]


APART = """
import sys, time
from pystamps_hpc.parallel import world
from pystamps_hpc.cli import main
world.meet.__defaults__ = (0.5,)
if world.MPI.COMM_WORLD.rank == 1:
    time.sleep(60)  # for the others it is as if no message came through
sys.exit(main(["doctor", "mpi"]))
"""


def test_a_job_whose_ranks_do_not_hear_of_each_other_ends_with_what_to_try():
    ended = mpi_run.run(2, ["-c", APART], 30.0)
    assert ended.code == 5
    assert "its ranks cannot exchange messages" in ended.err
    assert "Traceback" not in ended.err


def test_a_launcher_that_the_library_does_not_know_is_found_out_before_work_starts():
    ended = alone("", PMI_SIZE="4", PMI_RANK="1")
    assert "MpiEnvironmentError: 4 tasks were launched (PMI launcher) but" in ended.err


FILLED_BY_OTHERS = """
from pystamps_hpc.parallel.shared import NodeMemory
import numpy as np
class OnDisk:
    shape, dtype = (4 << 20,), np.dtype(np.float64)
    def __getitem__(self, rows):
        return np.arange(rows.start, rows.stop, dtype=float)
step = getattr(NodeMemory, sys.argv[1])
def others_are_faster(self, *arguments):
    self._node.Barrier()
    if self._node.rank == 0:
        free = os.statvfs("/dev/shm")
        with open("/dev/shm/others", "wb") as file:
            file.write(bytes(free.f_bavail * free.f_frsize - int(sys.argv[2])))
    self._node.Barrier()
    return step(self, *arguments)
setattr(NodeMemory, sys.argv[1], others_are_faster)
whole = team.share(OnDisk())
print(team.rank, team.n_unshared, whole[-1], os.listdir("/dev/shm"), flush=True)
team.close()
"""


@pytest.mark.parametrize("step", ["_nameless_file", "_mapped"])
@pytest.mark.parametrize("left", [0, 8 << 20])
def test_shared_memory_that_others_fill_meanwhile_is_replaced_by_copies(tmp_path, step, left):
    """Writing to a page that there is no room for would kill the rank (SIGBUS)."""
    script = tmp_path / "job.py"
    script.write_text(START + FILLED_BY_OTHERS)
    words = " ".join(mpi_run.command(2, [str(script), step, str(left)]))
    small = f"mount -t tmpfs -o size=64m tmpfs /dev/shm || exit 77; exec {words}"
    job = child_run.start(["unshare", "--mount", "sh", "-c", small], mpi_run.environment())
    ended = child_run.wait(job, 120)
    if ended.code in (1, 77) and ("ermi" in ended.err or "unshare:" in ended.err):
        pytest.skip("a small /dev/shm cannot be mounted here")
    assert ended.code == 0, ended.err
    assert sorted(re.sub(r"\[.*\]", "", line).split() for line in ended.out.splitlines()) == [
        [str(rank), "1", f"{(4 << 20) - 1:.1f}"] for rank in (0, 1)
    ]
    assert "pystamps-hpc" not in ended.out
