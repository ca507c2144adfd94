"""Commands under mpirun: one document, one message, one code; no rank is left waiting."""

import pytest

from pystamps_hpc.pipeline.stages import run_pipeline
from pystamps_hpc.pipeline.types import PipelineContext
from tests.mpi import mpi_run
from tests.stub_chain import artifacts, make_tree

pytestmark = mpi_run.starts_jobs

PROGRAM = """
import sys
import numpy as np
import pytest
from pystamps_hpc.cli import main
from pystamps_hpc.errors import StageError
from pystamps_hpc.tools import run_products
from tests import stub_chain
stubs = stub_chain.Stubs()
stub_chain.install(pytest.MonkeyPatch(), stubs)
run_products.make_products = lambda report, team: None
def rows_of(part, error):
    def rows(piece):
        if piece.stop > part:
            raise error
        return np.zeros(piece.stop - piece.start)
    return lambda ctx: ctx.map_rows(rows, 3 * 4096, "step")
"""


def job(n, tree, setup="", *words):
    """Run the command on a stub chain; return the ended job and its document."""
    arguments = ["run", "--dataset", str(tree), *words]
    ended = mpi_run.run(n, ["-c", f"{PROGRAM}\n{setup}\nsys.exit(main({arguments!r}))"], 60.0)
    return ended, ended.report


def test_three_ranks_give_one_document_and_the_artifacts_of_one(stubs, tree, tmp_path):
    alone = make_tree(tmp_path / "alone")
    assert run_pipeline(PipelineContext(alone)).ok
    ended, document = job(3, tree)
    assert ended.code == 0
    assert document["counts"]["completed"] == 14
    assert document["mpi"]["size"] == 3
    assert [rank["rank"] for rank in document["mpi"]["ranks"]] == [0, 1, 2]
    assert "1 ranks have no patch in stages 1-5" in document["warnings"]
    keys = [(row["stage"], row["scope"], row["target"]) for row in document["results"]]
    order = [(s, "patch", p) for s in range(1, 6) for p in ("PATCH_1", "PATCH_2")]
    assert keys == order + [(s, "merged", "root") for s in (5, 6, 7, 8)]
    assert artifacts(tree) == artifacts(alone)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("StageError('no arcs; choose a larger grid')", "no arcs"),
        ("MemoryError('9 GiB')", "stage 7 root is out of memory: 9 GiB; use fewer ranks"),
        ("OSError(5, 'Input/output error', 'rc2.mat')", "rc2.mat: Input/output error; check"),
    ],
)
def test_a_known_error_between_the_verbs_of_one_rank_is_a_failed_row_too(tree, error, told):
    setup = f"""
def act(ctx):
    if ctx.team.rank == 1:
        raise {error}
    ctx.map_rows(lambda rows: np.zeros(rows.stop - rows.start), 3 * 4096, "step")
stubs.acts[7, "root"] = act
"""
    ended, document = job(2, tree, setup)
    assert ended.code == 1
    (row,) = [row for row in document["results"] if row["status"] == "failed"]
    assert row["details"].startswith(told)
    assert row["rank"] == 1
    assert ended.seconds < 30


def test_a_warning_of_one_rank_is_told_once(tree):
    setup = """
def act(ctx):
    ctx.warn("all ranks see this")
    if ctx.team.rank == 1:
        ctx.warn("only rank 1 sees this")
stubs.acts[7, "root"] = act
"""
    ended, document = job(3, tree, setup)
    (row,) = [row for row in document["results"] if row["stage"] == 7]
    assert sorted(row["warnings"]) == ["all ranks see this", "only rank 1 sees this"]
    for message in row["warnings"]:
        assert ended.err.count(message) == 1


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
