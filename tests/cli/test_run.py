"""``run`` and ``stage``: one JSON document on stdout, the rest on stderr, the right code."""

import gc
import json
import os

import numpy as np
import pytest

from pystamps_hpc.cli import launch
from pystamps_hpc.errors import MpiEnvironmentError, StageError
from tests.stub_chain import tree_digest

ROW_KEYS = ["stage", "scope", "target", "status", "details", "duration_sec", "rank", "backend",
            "warnings", "invalidates"]  # fmt: skip
REPORT_KEYS = {
    "schema", "run_id", "version", "command", "dataset", "window", "dry_run", "ok", "exit_code",
    "interrupted", "started_utc", "finished_utc", "wall_sec", "mpi", "backends",
    "science_versions", "counts", "stages", "stale", "funnel", "dropped_patches", "not_started",
    "warnings", "config", "results",
}  # fmt: skip


def fail(_ctx):
    raise StageError("no candidates; look again")


def test_c030_run_reports_every_task(command, stubs, tree, monkeypatch):
    monkeypatch.setattr("pystamps_hpc.tools.run_products.make_products", lambda report, team: None)
    ended = command("run", "--dataset", tree, "--progress", "plain")
    report = ended.document
    assert ended.code == 0
    assert set(report) >= REPORT_KEYS
    assert report["schema"] == "pystamps-hpc/run-report/1"
    assert report["command"] == ["run", "--dataset", str(tree), "--progress", "plain"]
    assert report["counts"] == {
        "completed": 14, "skipped_existing": 0, "skipped": 0, "planned": 0, "failed": 0,
    }  # fmt: skip
    assert [list(row)[: len(ROW_KEYS)] for row in report["results"]] == [ROW_KEYS] * 14
    assert {key for row in report["stages"] for key in row} == {
        "stage", "scope", "wall_sec", "sum_sec", "imbalance", "efficiency", "root_sec",
    }  # fmt: skip
    (rank,) = report["mpi"]["ranks"]
    assert set(rank) >= {"rank", "host", "local_rank", "threads", "device", "cpu", "peak_rss_mib",
                         "busy_sec"}  # fmt: skip
    assert set(report["mpi"]) >= {"enabled", "launcher", "library", "size"}
    assert report["mpi"]["enabled"] is False
    assert report["config"]["runtime"]["backend"] == "auto"
    assert report["funnel"][0]["candidates"] == 5
    assert "stage 2 PATCH_1 [r0] stage 2\n" in ended.err
    assert "\x1b" not in ended.err


def test_c009_a_second_run_says_that_there_is_nothing_to_do(command, finished):
    ended = command("run", "--dataset", finished)
    assert ended.code == 0
    assert ended.document["counts"]["skipped_existing"] == 14
    assert "nothing to do: all selected stages are complete (use --force to recompute)" in ended.err


def test_a_second_run_without_ps_in_a_patch_says_so_too(command, stubs, tree):
    stubs.empty.add((3, "PATCH_2"))
    assert command("run", "--dataset", tree).code == 0
    ended = command("run", "--dataset", tree)
    assert ended.document["counts"]["skipped"] == 2
    assert "nothing to do: all selected stages are complete" in ended.err


def test_c007_a_dry_run_answers_without_writing(command, finished):
    before = tree_digest(finished)
    ended = command("run", "--dataset", finished, "--force", "--dry-run")
    assert ended.code == 0
    assert ended.document["counts"]["planned"] == 14
    assert ended.document["backends"]
    plan = [line.split() for line in ended.err.splitlines()]
    assert ["2", "patch", "2", "planned", "Would", "produce", "pm1.mat:", "forced"] in plan
    assert ["8", "merged", "1", "planned", "Would", "produce", "scn2.mat", "and", "extend"] in [
        words[:9] for words in plan
    ]
    assert tree_digest(finished) == before


@pytest.fixture
def waiting(monkeypatch):
    """The collector of cycles waits, as in a process of its own."""
    monkeypatch.setattr(gc, "freeze", lambda: None)
    gc.disable()
    yield
    gc.enable()


def test_the_collector_of_cycles_waits_until_the_first_task(command, stubs, tree, waiting):
    seen = []
    stubs.acts[1, "PATCH_1"] = lambda ctx: seen.append(gc.isenabled())
    assert command("run", "--dataset", tree, "--dry-run").code == 0
    assert command("status", "--dataset", tree).code == 0
    assert not gc.isenabled()
    command("run", "--dataset", tree, "--end-step", "1")
    assert seen == [True]


def test_the_collector_of_cycles_works_for_commands_without_a_plan(command, finished, waiting):
    assert command("parms", "--dataset", finished, "show").code == 0
    assert gc.isenabled()


def test_a_wait_for_the_compiler_is_told_before_the_first_task(command, stubs, tree, monkeypatch):
    def compile_kernels(kernels, mode, processes, tell):
        for done in range(54):
            tell(done, 53)

    monkeypatch.setattr("pystamps_hpc.pipeline.stages.compile_kernels", compile_kernels)
    ended = command("run", "--dataset", tree)
    assert ended.err.startswith("compiling kernels for this machine, once: 0/53\n")
    assert ended.err.count("compiling") == 1
    assert "compiling" not in command("--quiet", "run", "--dataset", tree, "--force").err
    assert "compiling" not in command("run", "--dataset", tree).err  # nothing to do


def test_a_failed_task_is_told_once_and_ends_with_code_1(command, stubs, tree):
    stubs.acts[2, "PATCH_1"] = fail
    ended = command("run", "--dataset", tree)
    assert ended.code == 1
    assert ended.document["ok"] is False
    assert ended.document["exit_code"] == 1
    assert ended.document["not_started"]
    told = [line for line in ended.err.splitlines() if "FAILED" in line]
    assert told == [
        f"FAILED stage 2 PATCH_1 on rank 0 ({os.uname().nodename}): no candidates; look again"
    ]


def test_an_unexpected_error_ends_with_code_70_a_traceback_and_a_request(command, stubs, tree):
    def typo(_ctx):
        raise KeyError("typo")

    stubs.acts[3, "PATCH_2"] = typo
    ended = command("run", "--dataset", tree)
    assert (ended.code, ended.out) == (70, "")
    assert "Traceback (most recent call last)" in ended.err
    assert "KeyError: 'typo'" in ended.err
    assert "please report" in ended.err.splitlines()[-1]
    assert not list((tree / ".pystamps-hpc" / "lock").iterdir())


def test_an_interrupted_run_says_how_to_go_on_and_gives_the_lock_back(command, stubs, tree):
    def interrupt(_ctx):
        raise KeyboardInterrupt

    stubs.acts[4, "PATCH_1"] = interrupt
    ended = command("run", "--dataset", tree)
    assert (ended.code, ended.out) == (130, "")
    assert "interrupted; the same command goes on from here" in ended.err
    assert not list((tree / ".pystamps-hpc" / "lock").iterdir())
    stubs.acts.clear()
    assert command("run", "--dataset", tree, "--end-step", 4).code == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--start-step", 6, "--end-step", 3], "--start-step 6 is after --end-step 3"),
        (["--patches", "PATCH_1"], "--patches needs --part patches or --end-step 4 or lower"),
        (["--part", "merged", "--end-step", 4], "--part merged needs --end-step 5 or higher"),
        (["--native-only"], "--native-only requires --backend native and "
         "--stage2-kernel-backend native"),
        (["--backend", "rust"], "unsupported runtime backend 'rust'"),
        (["--kernel-backend", "stage9=native"], "unknown kernel 'stage9'"),
        (["--cpu-workers", -1], "runtime.cpu_workers: must be an integer >= 0"),
        (["--io-workers", 0], "runtime.io_workers: must be an integer >= 1"),
        (["--end-ste", 3], "unrecognized arguments: --end-ste"),
        (["--part", "some"], "invalid choice"),
    ],
)  # fmt: skip
def test_usage_errors_end_with_code_2_and_an_untouched_dataset(
    command, stubs, tree, words, message
):
    ended = command("run", "--dataset", tree, *words)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err
    assert tree_digest(tree) == {}


def test_errors_of_the_dataset_end_with_code_3(command, stubs, tree, tmp_path):
    ended = command("run", "--dataset", tmp_path / "none")
    assert (ended.code, ended.out) == (3, "")
    assert ended.err == f"Data set root does not exist: {tmp_path}/none\n"
    ended = command("run", "--dataset", tree, "--start-step", 6)
    assert (ended.code, ended.out) == (3, "")
    assert ended.err == f"stage 6 needs ph2.mat in {tree}: run stage 5 first\n"


def test_a_backend_that_is_not_there_ends_with_code_4(command, stubs, tree):
    from pystamps_kernels.dispatch import unavailable_reason

    if not unavailable_reason("cuda"):
        pytest.skip("there is a CUDA device")
    ended = command("run", "--dataset", tree, "--backend", "gpu")
    assert (ended.code, ended.out) == (4, "")
    assert ended.err.startswith("backend 'cuda' is not available: ")
    assert tree_digest(tree) == {}


@pytest.mark.parametrize("quiet", [False, True])
def test_a_launcher_that_does_not_fit_ends_with_code_5(command, tree, monkeypatch, quiet):
    def refuse(mode, environ):
        error = MpiEnvironmentError("4 tasks were launched but ...")
        error.quiet = quiet
        raise error

    monkeypatch.setattr(launch, "start_team", refuse)
    ended = command("run", "--dataset", tree)
    assert (ended.code, ended.out) == (5, "")
    assert ended.err == ("" if quiet else "4 tasks were launched but ...\n")


def test_the_report_file_equals_the_document(command, finished, tmp_path):
    path = tmp_path / "reports" / "run.json"
    ended = command("run", "--dataset", finished, "--report", path)
    assert json.loads(path.read_text()) == ended.document


def test_numbers_that_are_not_finite_become_null(command, stubs, tree):
    stubs.acts[1, "PATCH_1"] = lambda ctx: (
        ctx.fact("share", float("nan")),
        ctx.fact("counts", np.arange(2)),
        ctx.fact("most", np.float32("inf")),
    )
    ended = command("run", "--dataset", tree, "--end-step", 1)
    assert ended.code == 0
    facts = ended.document["results"][0]["facts"]
    assert (facts["share"], facts["counts"], facts["most"]) == (None, [0, 1], None)


def test_a_job_that_slurm_started_again_forces_only_what_it_has_not_forced_yet(
    command, finished, monkeypatch
):
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    words = ("run", "--dataset", finished, "--force")
    assert command(*words).document["counts"]["completed"] == 14
    assert command(*words).document["counts"]["skipped_existing"] == 14
    assert command(*words, "--start-step", 8).document["counts"]["completed"] == 1
    assert command(*words).document["counts"]["skipped_existing"] == 14, "not forgotten meanwhile"
    monkeypatch.setenv("SLURM_JOB_ID", "8")
    assert command(*words, "--start-step", 8).document["counts"]["completed"] == 1
    assert command("stage", 8, "--dataset", finished).document["counts"]["completed"] == 1


@pytest.mark.parametrize("progress", ["auto", "plain", "json", "none", "bar"])
def test_progress_goes_to_stderr_in_every_form(command, stubs, tree, progress):
    stubs.acts[1, "PATCH_1"] = lambda ctx: (ctx.map_rows(lambda rows: np.zeros(1), 1, "step"),
                                            ctx.warn("mind the gap"))  # fmt: skip
    ended = command("--progress", progress, "run", "--dataset", tree, "--end-step", 1)
    assert ended.code == 0
    assert ended.document["results"][0]["warnings"] == ["mind the gap"]
    if progress == "json":
        kinds = [json.loads(line)["kind"] for line in ended.err.splitlines()]
        assert kinds.count("task_started") == kinds.count("task_finished") == 2
        assert "warning" in kinds
    else:
        assert "mind the gap" in ended.err


def test_quiet_says_only_errors(command, stubs, finished):
    assert command("run", "-q", "--dataset", finished, "--force").err == ""
    stubs.acts[2, "PATCH_1"] = fail
    ended = command("-q", "run", "--dataset", finished, "--end-step", 2, "--force")
    assert len(ended.err.splitlines()) == 1
    assert "FAILED stage 2 PATCH_1" in ended.err


def test_verbose_tells_the_science_and_twice_backends_and_configuration(command, finished):
    once = command("run", "-v", "--dataset", finished, "--force", "--end-step", 2).err
    assert "[r0]   candidates: 5" in once
    assert "native" not in once
    twice = command("run", "-vv", "--dataset", finished).err
    assert '"stage2_topofit": "native"' in twice
    assert '"stale_policy": "rerun"' in twice


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["6", "--patch", "ROOT/PATCH_1"], "stage 6 is a merged stage: use --dataset ROOT"),
        (["2", "--dataset", "ROOT"], "stage 2 is a patch stage: use --patch ROOT/PATCH_k"),
        (["5"], "stage 5 needs exactly one of --patch and --dataset"),
        (["5", "--patch", "ROOT/PATCH_1", "--dataset", "ROOT"],
         "stage 5 needs exactly one of --patch and --dataset"),
    ],
)  # fmt: skip
def test_c039_a_stage_in_the_wrong_scope_is_refused(command, finished, words, message):
    words = [word if word == message else word.replace("ROOT", str(finished)) for word in words]
    ended = command("stage", *words)
    assert (ended.code, ended.out, ended.err) == (2, "", f"{message}\n")


def test_c039_a_stage_runs_alone_whether_it_is_finished_or_not(command, stubs, finished):
    ended = command("stage", 3, "--patch", finished / "PATCH_2")
    assert ended.code == 0
    (row,) = ended.document["results"]
    assert (row["stage"], row["target"], row["status"]) == (3, "PATCH_2", "completed")
    assert stubs.calls == [(3, "patch", "PATCH_2")]
    ended = command("stage", 4, "--patch", finished / "PATCH_9")
    assert (ended.code, ended.out) == (3, "")


def test_a_stage_is_that_of_the_directory_one_stands_in(command, stubs, finished, monkeypatch):
    monkeypatch.chdir(finished / "PATCH_2")
    assert command("stage", 3).code == 0
    assert command("stage", 6).err == "stage 6 is a merged stage: use --dataset ROOT\n"
    monkeypatch.chdir(finished)
    assert command("stage", 2).err == "stage 2 is a patch stage: use --patch ROOT/PATCH_k\n"
    assert command("run", "--end-step", 5).code == 0
    assert command("stage", 6).code == 0
    assert stubs.calls[0] == (3, "patch", "PATCH_2")
    assert stubs.calls[-1] == (6, "merged", "root")
