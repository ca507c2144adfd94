"""The doctor under mpirun: one document about all ranks."""

import os

import pytest

from pystamps_hpc.parallel.launcher import launcher_hint
from tests.mpi import mpi_run

pytestmark = [
    pytest.mark.skipif(bool(mpi_run.why_not()), reason=mpi_run.why_not() or "MPI runs"),
    pytest.mark.skipif(
        launcher_hint(os.environ) is not None, reason="jobs are not started from inside a job"
    ),
]


def examined(*words):
    ended = mpi_run.run(2, ["-m", "pystamps_hpc", "doctor", *words], 60.0)
    return ended, ended.report


def test_every_rank_says_where_it_runs_and_whether_it_sees_the_dataset(tree):
    ended, document = examined("mpi", "--dataset", str(tree))
    assert ended.code == 0, ended.err
    assert document["mpi"]["enabled"]
    assert document["mpi"]["size"] == 2
    assert document["launcher"]["hint_size"] == 2
    assert [rank["rank"] for rank in document["ranks"]] == [0, 1]
    assert all(rank["sees_dataset"] for rank in document["ranks"])
    assert not (tree / ".pystamps-hpc").exists()


def test_a_damaged_dataset_is_one_advice_and_code_3_on_all_ranks(tree):
    (tree / "ph2.mat").write_bytes(b"no MAT file" * 30)
    ended, document = examined("dataset", "--dataset", str(tree))
    assert ended.code == 3
    assert "ph2.mat" in document["dataset"]["unreadable"][0]
    assert ended.err.count("make it again with --start-step 5 --force") == 1
