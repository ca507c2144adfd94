"""Runs that are stopped in any way go on with the same command and end with the same bytes."""

import os
import random
import signal
import time

import pytest

from pystamps_hpc.dataset.tree import STATE_DIRECTORY
from pystamps_hpc.pipeline.state import TargetState
from tests.mpi.mpi_run import needs_mpi

from . import chains

FORCED = ("--start-step", "6", "--end-step", "8", "--force")
RESUMED = FORCED[:-1]
CODES = {"SIGUSR1": 75, "SIGTERM": 143, "SIGINT": 130}
KILLS = int(os.environ.get("CHAIN_KILLS", "2"))
"""Random kills; ``make test-kill`` asks for 60."""


def of(root, *options, config=None):
    """Return the words of a run."""
    more = ("--config", str(config)) if config else ()
    return ["run", "--dataset", str(root), "-q", *options, *more]


def at_fault(words, fault, folder, ranks=0):
    """Start a run with a fault built in; return its job when the fault has happened."""
    flag = folder / "flag"
    variables = {"CHAIN_FAULT": fault, "CHAIN_FLAG": str(flag)}
    job = chains.start(words, ranks, "tests.chain.faulty", **variables)
    chains.until(flag.exists, job)
    return job


def resume(root, *options, ranks=0, config=None):
    ended = chains.run(of(root, *options, config=config), ranks)
    assert ended.code == 0, ended.err
    return ended


def assert_finished(root, expected):
    """The dataset is that of the run that was not interrupted, and nothing lies about."""
    assert not chains.differing(chains.artifacts(root), chains.artifacts(expected))
    assert not chains.leftovers(root)


@pytest.fixture
def gate(tmp_path, snaphu):
    """A SNAPHU that waits in its third interferogram."""
    with chains.gated_snaphu(tmp_path / "gate", snaphu) as gate:
        yield gate


# --- SIGKILL -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ranks", [pytest.param(0, marks=pytest.mark.slow), pytest.param(2, marks=needs_mpi)]
)
def test_c111_a_forced_run_killed_in_snaphu_goes_on_where_it_was(
    finished, first_pass, snaphu_pass, gate, ranks
):
    job = chains.start(of(finished, *FORCED, config=gate.config), ranks)
    chains.until(lambda: gate.waiting() and len(chains.memos(finished)) == 2, job)
    chains.kill(max(chains.ranks_of(job).items())[1])
    chains.wait(job, chains.HANG_SEC)
    gate.open()
    states = [chains.artifacts(root) for root in (first_pass, snaphu_pass)]
    assert not chains.torn_bundles(finished, *states)
    kept = [path.stat().st_mtime_ns for path in chains.memos(finished)]
    assert len(kept) == 2

    ended = chains.run(["run", "--dataset", str(finished), *RESUMED, "--config", str(gate.config)],
                       ranks)  # fmt: skip
    assert ended.code == 0, ended.err
    assert "a forced run had left 3 tasks to be done again" in ended.err
    assert_finished(finished, snaphu_pass)


@pytest.mark.parametrize(
    ("stage", "kind"),
    [
        (7, "hold"),
        (8, "halfway"),
        pytest.param(7, "halfway", marks=pytest.mark.slow),
        pytest.param(8, "hold", marks=pytest.mark.slow),
    ],
)
def test_a_forced_run_killed_in_a_later_stage_goes_on_where_it_was(
    finished, first_pass, second_pass, tmp_path, stage, kind
):
    job = at_fault(of(finished, *FORCED), f"{kind} {stage} merged -", tmp_path)
    assert TargetState.load(finished).due == set(range(stage, 9))
    chains.kill(job.pid)
    chains.wait(job, chains.HANG_SEC)
    states = [chains.artifacts(root) for root in (first_pass, second_pass)]
    assert not chains.torn_bundles(finished, *states)
    assert not (finished / {7: "scla2.mat", 8: "scn2.mat"}[stage]).exists()

    report = resume(finished, *RESUMED).report
    done = [row["stage"] for row in report["results"] if row["status"] == "completed"]
    assert done == list(range(stage, 9))
    assert_finished(finished, second_pass)


@needs_mpi
def test_a_rank_killed_while_it_writes_its_rows_leaves_nothing_but_a_staged_file(
    finished, first_pass, second_pass, tmp_path
):
    job = at_fault(of(finished, *FORCED), "writing 7 merged 1", tmp_path, 2)
    assert len(list(finished.glob(f"{STATE_DIRECTORY}/tmp/*/scla2.mat"))) == 1
    chains.kill(chains.ranks_of(job)[1])
    chains.wait(job, chains.HANG_SEC)
    states = [chains.artifacts(root) for root in (first_pass, second_pass)]
    assert not chains.torn_bundles(finished, *states)
    assert not (finished / "scla2.mat").exists()
    resume(finished, *RESUMED, ranks=2)
    assert_finished(finished, second_pass)


@needs_mpi
@pytest.mark.parametrize("number", range(KILLS))
def test_a_random_rank_killed_at_a_random_time(
    few_candidates, first_pass, second_pass, tmp_path, number
):
    """No hang, no torn artifact, and the same command ends with the same bytes."""
    chance = random.Random(1000 * number + int(os.environ.get("CHAIN_SEED", "0")))
    forced = number % 2 == 0
    ranks = chance.choice([2, 3])
    source, expected = (first_pass, second_pass) if forced else (few_candidates, first_pass)
    options = (FORCED, RESUMED) if forced else ((), ())
    root = chains.copy(source, tmp_path / "data")
    states = [chains.artifacts(path) for path in (first_pass, second_pass)]

    job = chains.start(of(root, *options[0]), ranks)
    processes = chains.wait_for_ranks(job, ranks)
    # nearly all of a run's time is before the lock: programs start and modules are loaded
    began_at = root / STATE_DIRECTORY / "lock" / "root.json"
    if chance.random() < 0.9:
        chains.until(lambda: began_at.exists() or job.poll() is not None, job)
    time.sleep(chance.uniform(0, 1.0 if forced else 3.0))
    chains.kill(processes[chance.randrange(ranks)])
    ended = chains.wait(job, chains.HANG_SEC)

    wrong = chains.torn_bundles(root, *states)
    assert not wrong, (number, ended.err)
    marked = (root / STATE_DIRECTORY / "state.json").exists() and TargetState.load(root).due
    began = not forced or marked or ended.code == 0 or chains.artifacts(root) != states[0]
    resume(root, *options[1 if began else 0], ranks=ranks)
    assert_finished(root, expected)


# --- signals -------------------------------------------------------------------------------------


def assert_stopped(ended, name, root, *states):
    """The run left with the signal's code, in time, and published nothing partial."""
    assert ended.seconds < chains.SIGNAL_SEC
    assert ended.report["interrupted"]
    assert {row["details"].partition(" (rank")[0] for row in chains.failed(ended)} == {
        f"interrupted by {name}"
    }
    assert not chains.torn_bundles(root, *states)
    assert not list(root.rglob(f"{STATE_DIRECTORY}/tmp/*"))
    assert not list(root.rglob(f"{STATE_DIRECTORY}/lock/*"))


@pytest.mark.parametrize(
    "name",
    [name if name == "SIGTERM" else pytest.param(name, marks=pytest.mark.slow) for name in CODES],
)
def test_a_signal_in_snaphu_stops_a_run_in_good_order(
    finished, first_pass, snaphu_pass, gate, name
):
    job = chains.start(of(finished, *FORCED, config=gate.config))
    chains.until(lambda: gate.waiting() and len(chains.memos(finished)) == 2, job)
    chains.kill(job.pid, getattr(signal, name))
    ended = chains.wait(job, chains.SIGNAL_SEC)
    assert ended.code == CODES[name]
    assert_stopped(ended, name, finished, *map(chains.artifacts, (first_pass, snaphu_pass)))
    assert len(chains.memos(finished)) == 2
    gate.open()
    resume(finished, *RESUMED, config=gate.config)
    assert_finished(finished, snaphu_pass)


@needs_mpi
@pytest.mark.parametrize(
    ("name", "to"),
    [
        ("SIGUSR1", "all"),
        pytest.param("SIGUSR1", "rank 0", marks=pytest.mark.slow),
        pytest.param("SIGUSR1", "rank 1", marks=pytest.mark.slow),
        pytest.param("SIGTERM", "all", marks=pytest.mark.slow),
        ("SIGINT", "rank 1"),
    ],
)
def test_a_signal_to_ranks_stops_all_of_them(finished, first_pass, snaphu_pass, gate, name, to):
    job = chains.start(of(finished, *FORCED, config=gate.config), 2)
    chains.until(lambda: gate.waiting() and len(chains.memos(finished)) == 2, job)
    for rank, pid in chains.ranks_of(job).items():
        if to in ("all", f"rank {rank}"):
            chains.kill(pid, getattr(signal, name))
    if to != "all":
        gate.open()  # the other rank has not been asked, it ends its interferogram
    ended = chains.wait(job, chains.SIGNAL_SEC)
    assert ended.code == CODES[name], ended.err
    assert_stopped(ended, name, finished, *map(chains.artifacts, (first_pass, snaphu_pass)))
    gate.open()
    resume(finished, *RESUMED, ranks=2, config=gate.config)
    assert_finished(finished, snaphu_pass)


@pytest.mark.parametrize(
    ("stage", "scope", "ranks"),
    [
        (2, "patch", 0),
        pytest.param(3, "patch", 2, marks=needs_mpi),
        pytest.param(5, "merged", 2, marks=[needs_mpi, pytest.mark.slow]),
        pytest.param(7, "merged", 2, marks=needs_mpi),
    ],
)
def test_a_signal_in_a_stage_stops_the_run_at_its_next_piece(
    fresh, first_pass, tmp_path, stage, scope, ranks
):
    job = at_fault(of(fresh), f"hold {stage} {scope} {max(ranks - 1, 0)}", tmp_path, ranks)
    chains.kill(max(chains.ranks_of(job).items())[1], signal.SIGUSR1)
    ended = chains.wait(job, chains.SIGNAL_SEC)
    assert ended.code == 75, ended.err
    assert_stopped(ended, "SIGUSR1", fresh, chains.artifacts(first_pass))
    resume(fresh, ranks=ranks)
    assert_finished(fresh, first_pass)


def test_a_second_signal_ends_a_run_at_once(finished, second_pass, tmp_path):
    job = at_fault(of(finished, *FORCED), "halfway 6 merged -", tmp_path)
    for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT):
        chains.kill(job.pid, number)
        time.sleep(0.2)
    assert chains.wait(job, 10).code == 130
    resume(finished, *RESUMED)
    assert_finished(finished, second_pass)


# --- errors of a rank ----------------------------------------------------------------------------

STAGES = [(1, "patch"), (2, "patch"), (3, "patch"), (4, "patch"), (5, "patch"), (5, "merged"),
          (6, "merged"), (7, "merged"), (8, "merged")]  # fmt: skip


@needs_mpi
@pytest.mark.parametrize("odd", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_a_failure_of_any_stage_on_any_rank_is_one_line_and_code_1(
    finished, first_pass, tmp_path, odd
):
    flag = tmp_path / "flag"
    for number, (stage, scope) in enumerate(reversed(STAGES)):  # what a stage reads is still there
        part = {"patch": "patches", "merged": "merged"}[scope]
        window = ("--start-step", str(stage), "--end-step", str(stage), "--part", part, "--force")
        rank = (number + odd) % 2
        flag.unlink(missing_ok=True)
        ended = chains.run(
            of(finished, *window), 2, "tests.chain.faulty",
            CHAIN_FAULT=f"fail {stage} {scope} {rank}", CHAIN_FLAG=str(flag),
        )  # fmt: skip
        where = f"stage {stage} {scope} on rank {rank}: {ended.err}"
        assert ended.code == 1, where
        lines = [line for line in ended.err.splitlines() if "FAILED" in line]
        assert len(lines) == 1, where
        assert f" on rank {rank} (" in lines[0], where
        assert "the stage was made to fail" in lines[0], where
        assert [row["stage"] for row in chains.failed(ended)] == [stage], where
        assert "Traceback" not in ended.err, where
        assert not chains.torn_bundles(finished, chains.artifacts(first_pass)), where
    resume(finished, ranks=2)
    assert_finished(finished, first_pass)


@needs_mpi
@pytest.mark.parametrize(
    ("stage", "scope", "rank"),
    [
        (2, "patch", 1),
        (7, "merged", 0),
        pytest.param(2, "patch", 0, marks=pytest.mark.slow),
        pytest.param(7, "merged", 1, marks=pytest.mark.slow),
    ],
)
def test_an_unexpected_error_of_a_rank_ends_the_job_with_code_70(
    fresh, first_pass, tmp_path, stage, scope, rank
):
    job = at_fault(of(fresh), f"crash {stage} {scope} {rank}", tmp_path, 2)
    ended = chains.wait(job, 10)
    assert ended.code == 70
    assert ended.out == ""
    assert "KeyError: 'an unexpected fault'" in ended.err
    assert "report" in ended.err
    assert not chains.torn_bundles(fresh, chains.artifacts(first_pass))
    resume(fresh, ranks=2)
    assert_finished(fresh, first_pass)
