"""Every command and exit path: one JSON document on stdout, the rest on stderr, the right code."""

import json
import os

import numpy as np
import pytest

from pystamps_hpc.cli import launch
from pystamps_hpc.cli.options import COMMANDS
from pystamps_hpc.dataset.lock import DatasetLock, new_owner
from pystamps_hpc.dataset.mat import read_mat
from pystamps_hpc.errors import MpiEnvironmentError, StageError
from tests.stub_chain import artifacts, make_tree, tree_digest

ROW_KEYS = ["stage", "scope", "target", "status", "details", "duration_sec", "rank", "backend",
            "warnings", "invalidates"]  # fmt: skip
REPORT_KEYS = {
    "schema", "run_id", "version", "command", "dataset", "window", "dry_run", "ok", "exit_code",
    "interrupted", "started_utc", "finished_utc", "wall_sec", "mpi", "backends",
    "science_versions", "counts", "stages", "stale", "funnel", "dropped_patches", "not_started",
    "warnings", "config", "results",
}  # fmt: skip


@pytest.fixture
def finished(command, stubs, tree, monkeypatch):
    """A dataset of stub artifacts, all stages done; no pictures are drawn."""
    from pystamps_hpc.cli import running

    monkeypatch.setattr(running, "make_products", lambda report: None)
    assert command("run", "--dataset", tree).code == 0
    stubs.calls.clear()
    return tree


def fail(_ctx):
    raise StageError("no candidates; look again")


# -- run ----------------------------------------------------------------------------------


def test_c030_run_reports_every_task(command, stubs, tree, monkeypatch):
    from pystamps_hpc.cli import running

    monkeypatch.setattr(running, "make_products", lambda report: None)
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
        "stage", "scope", "wall_sec", "sum_sec", "imbalance", "efficiency",
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


def test_a_wait_for_the_compiler_is_told_before_the_first_task(command, stubs, tree, monkeypatch):
    def compile_kernels(kernels, processes, tell):
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
        (["--cpu-workers", -1], "-1"),
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


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rnu"], "did you mean run?\nhelp: pystamps-hpc --help"),
        (["status", "--datset", "x"], "did you mean --dataset?\nhelp: pystamps-hpc status --help"),
        (["status", "HERE"], "unrecognized arguments: HERE; did you mean --dataset HERE?"),
        (["HERE", "status"], "did you mean --dataset HERE?"),
        (["parms", "shwo"], "did you mean show?"),
        (["--dataset", "HERE", "coverage"], "works on no dataset: leave --dataset out"),
    ],
    ids=str,
)
def test_what_was_meant_is_guessed(command, tmp_path, words, message):
    here = str(tmp_path)
    ended = command(*(word.replace("HERE", here) for word in words))
    assert (ended.code, ended.out) == (2, "")
    assert message.replace("HERE", here) in ended.err


def test_help_is_a_command_too(capsys):
    from pystamps_hpc.cli import main

    def told(*words):
        with pytest.raises(SystemExit):
            main(words)
        return capsys.readouterr().out

    assert told("help") == told("--help")
    assert told("help", "parms") == told("parms", "--help")


@pytest.mark.parametrize("words", [[], ["fly"], ["slurm"], ["stage", 9]])
def test_a_missing_or_unknown_command_ends_with_code_2(command, words):
    ended = command(*words)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("usage: ")


def test_of_several_tasks_one_prints_a_usage_error(command, monkeypatch):
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "4")
    monkeypatch.setenv("OMPI_COMM_WORLD_RANK", "2")
    ended = command("run", "--fly")
    assert (ended.code, ended.out, ended.err) == (2, "", "")
    ended = command("run", "--dataset", "x", "--config", "missing.yaml")
    assert (ended.code, ended.out, ended.err) == (2, "", "")


def test_errors_of_the_dataset_end_with_code_3(command, stubs, tree, tmp_path):
    ended = command("run", "--dataset", tmp_path / "none")
    assert (ended.code, ended.out) == (3, "")
    assert ended.err == f"Data set root does not exist: {tmp_path}/none\n"
    ended = command("run", "--dataset", tree, "--start-step", 6)
    assert (ended.code, ended.out) == (3, "")
    assert ended.err == f"stage 6 needs ph2.mat in {tree}: run stage 5 first\n"


@pytest.mark.parametrize(
    "words",
    [
        ["run", "--dataset", "ROOT"],
        ["stage", "8", "--dataset", "ROOT"],
        ["stage", "2", "--patch", "ROOT/PATCH_1"],
        ["parms", "--dataset", "ROOT", "set", "clap_win", "16"],
        ["parms", "--dataset", "ROOT", "reset", "clap_win"],
        ["reset-scla", "--dataset", "ROOT"],
    ],
    ids=" ".join,
)
def test_c079_a_golden_dataset_is_written_by_no_command(command, finished, words):
    (finished / ".golden").touch()
    before = tree_digest(finished)
    ended = command(*(word.replace("ROOT", str(finished)) for word in words))
    assert (ended.code, ended.out) == (3, "")
    assert ended.err == f"data set is marked golden ({finished}/.golden): work on a copy\n"
    assert tree_digest(finished) == before


def test_a_locked_dataset_is_refused_and_can_still_be_looked_at(command, finished):
    with DatasetLock(finished, new_owner("other", ["run"])):
        for words in (["run"], ["reset-scla"], ["stage", 8]):
            ended = command(*words, "--dataset", finished)
            assert (ended.code, ended.out) == (3, "")
            assert ended.err.startswith("data set is in use: run other by ")
        assert command("status", "--dataset", finished).document["locked_by"]["run_id"] == "other"
        assert command("run", "--dataset", finished, "--dry-run").code == 0
        ended = command("run", "--dataset", finished, "--break-lock")
        assert ended.code == 0
        assert any("lock of run other" in text for text in ended.document["warnings"])


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


def test_quiet_says_only_errors(command, stubs, tree):
    assert command("run", "-q", "--dataset", tree, "--end-step", 1).err == ""
    stubs.acts[2, "PATCH_1"] = fail
    ended = command("-q", "run", "--dataset", tree, "--end-step", 2)
    assert len(ended.err.splitlines()) == 1
    assert "FAILED stage 2 PATCH_1" in ended.err


def test_verbose_tells_the_science_and_twice_backends_and_configuration(command, finished):
    once = command("run", "-v", "--dataset", finished, "--force", "--end-step", 2).err
    assert "[r0]   candidates: 5" in once
    assert "native" not in once
    twice = command("run", "-vv", "--dataset", finished).err
    assert '"stage2_topofit": "native"' in twice
    assert '"stale_policy": "rerun"' in twice


# -- stage --------------------------------------------------------------------------------


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


# -- status -------------------------------------------------------------------------------


def test_c031_status_tells_how_far_a_dataset_is(command, finished):
    document = command("status", "--dataset", finished).document
    assert set(document) == {"schema", "dataset", "merged_stage", "patches", "gaps", "stale",
                             "no_ps", "locked_by", "last_run", "due", "next", "with_feedback",
                             "products"}  # fmt: skip
    assert document["schema"] == "pystamps-hpc/status/1"
    assert document["merged_stage"] == 8
    assert document["patches"] == [
        {"patch": "PATCH_1", "stage": 5}, {"patch": "PATCH_2", "stage": 5},
    ]  # fmt: skip
    assert document["gaps"] == document["stale"] == document["no_ps"] == []
    assert document["locked_by"] is None
    assert set(document["last_run"]) == {"run_id", "exit_code", "finished_utc", "config"}


def test_what_is_complete_behind_a_gap_does_not_count_and_is_told(command, finished):
    (finished / "PATCH_2" / "pm1.mat").unlink()
    (finished / "uw_grid.mat").unlink()
    (finished / "mean_v.mat").unlink()
    document = command("status", "--dataset", finished).document
    assert [row["stage"] for row in document["patches"]] == [5, 1]
    assert document["merged_stage"] == 5
    assert document["gaps"] == [
        {"target": "PATCH_2", "stage": 2, "missing": ["pm1.mat"]},
        {"target": "root", "stage": 6, "missing": ["uw_grid.mat"]},
    ]


def test_status_tells_stale_work_and_patches_without_ps(command, stubs, finished):
    command("parms", "--dataset", finished, "set", "scn_wavelength", 50)
    stubs.empty.add((3, "PATCH_2"))
    command("stage", 3, "--patch", finished / "PATCH_2")
    document = command("status", "--dataset", finished, "--detail").document
    assert document["no_ps"] == [{"patch": "PATCH_2", "stage": 3}]
    assert document["patches"][1] == {"patch": "PATCH_2", "stage": 5}
    assert document["funnel"][0]["candidates"] == 5
    assert document["files"]["PATCH_1/ps1.mat"] > 0
    command("run", "--dataset", finished)
    command("parms", "--dataset", finished, "set", "scn_wavelength", 60)
    (stale,) = command("status", "--dataset", finished).document["stale"]
    assert stale["path"] == "scn2.mat"
    assert stale["reason"] == "parameters changed: scn_wavelength"


def test_status_of_an_empty_directory_is_refused_and_writes_nothing(command, tmp_path):
    ended = command("status", "--dataset", tmp_path)
    assert ended.code == 3
    assert ended.err == f"no PATCH_* directory under {tmp_path}\n"
    assert list(tmp_path.iterdir()) == []


# -- other commands -----------------------------------------------------------------------


def test_c033_backends_and_tools_are_described(command):
    from pystamps_kernels.contracts import all_kernels

    document = command("describe-backends").document
    assert document["schema"] == "pystamps-hpc/backends/1"
    assert set(document["providers"]) == {"python", "native", "cuda"}
    for provider in document["providers"].values():
        assert set(provider) >= {"description", "aliases", "available", "unavailable_reason"}
        assert provider["available"] == (provider["unavailable_reason"] == "")
    assert isinstance(document["providers"]["cuda"]["devices"], list)
    assert document["providers"]["python"]["aliases"] == ["cpu"]
    assert document["providers"]["cuda"]["aliases"] == ["gpu"]
    assert set(document["kernels"]) == set(all_kernels())
    for kernel in document["kernels"].values():
        assert set(kernel["available_backends"]) <= set(kernel["supported_backends"])
        assert kernel["baseline_backend"] == "python"
        assert "python" in kernel["supported_backends"]
    assert set(document["external_tools"]) == {"triangle", "snaphu"}
    assert document["runtime_backends"] == ["auto", "threads", "processes", "gpu", "native"]


@pytest.mark.parametrize("stages", ["9", "0", "x", "1,,2", ""])
def test_an_unsupported_stage_of_describe_inputs_is_refused(command, stages):
    ended = command("describe-inputs", "--stage", stages)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("unsupported stage: ")


def test_c116_parameters_are_shown_set_and_reset(command, tree):
    def show(*words):
        rows = command("parms", "--dataset", tree, *words).document
        return {name: {"value": row["value"], "source": row["source"]}
                for name, row in rows.items()}  # fmt: skip

    assert command("parms", "--dataset", tree, "show", "clap_win").document == {
        "clap_win": {
            "value": 32, "source": "default", "default": 32, "unit": "cells",
            "allowed": "an integer >= 1", "stages": ["2", "3"],
            "meaning": "window of the combined low-pass and adaptive (CLAP) filter",
        }
    }  # fmt: skip
    assert tree_digest(tree) == {}
    assert show("set", "clap_win", 16) == {"clap_win": {"value": 16, "source": "parms"}}
    assert float(read_mat(tree / "parms.mat")["clap_win"].item()) == 16
    assert show("show")["weed_standard_dev"]["source"] == "parms"
    assert show("set", "drop_ifg_index", "[3", "12]")["drop_ifg_index"]["value"] == [3, 12]
    assert show("set", "drop_ifg_index", "7", "3:5", "4")["drop_ifg_index"]["value"] == [3, 4, 5, 7]
    assert show("set", "drop_ifg_index", "[]")["drop_ifg_index"]["value"] == []
    assert show("set", "ref_lon", "-10.5", "12")["ref_lon"]["value"] == [-10.5, 12]
    assert show("set", "weed_max_noise", "Inf")["weed_max_noise"]["value"] == "inf"
    assert show("reset", "clap_win")["clap_win"]["value"] == 32
    assert show("--local", "set", "clap_win", 8)["clap_win"]["source"] == "localparms"
    assert show("--local", "reset", "clap_win")["clap_win"]["value"] == 32
    assert show("--patch", "PATCH_1", "show", "clap_win")["clap_win"]["value"] == 32
    assert not (tree / ".pystamps-hpc" / "lock" / "root.json").exists()


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["set", "clap", "1"], 2, "parameter 'clap' is not unique: "),
        (["set", "clap_wni", "1"], 2, "parameter 'clap_wni' is unknown; did you mean clap_win"),
        (["set", "clap_win", "much"], 2, "parameter clap_win='much'"),
        (["set", "drop_ifg_index", "0:2"], 2, "indices from 1, not [0]"),
        (["reset", "small_baseline_flag"], 2, "cannot be reset"),
        (["show", "unwarp_alpha"], 2, "unknown; did you mean unwrap_alpha"),
        (["--patch", "PATCH_7", "show"], 3, "has no patch PATCH_7"),
    ],
)
def test_a_parameter_that_cannot_be_set_is_told(command, tree, words, code, message):
    ended = command("parms", "--dataset", tree, *words)
    assert (ended.code, ended.out) == (code, "")
    assert message in ended.err
    assert not (tree / "parms.mat").exists()


def test_a_dataset_may_be_named_before_and_behind_a_command_and_its_action(command, tree):
    whole = command("parms", "--dataset", tree, "show").document
    for words in (
        ["--dataset", tree, "parms"],
        ["parms", "--dataset", tree],
        ["parms", "show", "--dataset", tree],
    ):
        assert command(*words).document == whole
    assert command("--dataset", tree, "status").document["dataset"] == str(tree)


def test_a_parameter_cut_short_shows_all_that_begin_so(command, tree):
    names = list(command("parms", "--dataset", tree, "show", "unwrap_g").document)
    assert names == ["unwrap_gold_alpha", "unwrap_gold_n_win", "unwrap_grid_size"]


def test_c115_reset_scla_removes_the_feedback_and_nothing_else(command, stubs, finished):
    for name in ("scla2.mat", "scla_smooth_sb2.mat"):
        (finished / "PATCH_1" / name).write_bytes(b"x")
    before = artifacts(finished)
    ended = command("reset-scla", "--dataset", finished, "--dry-run")
    assert ended.code == 3
    assert "PATCH_1/scla2.mat" not in ended.err  # files of a name are told once
    assert "scla2.mat, scla_smooth_sb2.mat: not made by pystamps-hpc" in ended.err
    ended = command("reset-scla", "--dataset", finished, "--dry-run", "--force")
    expected = ["scla2.mat", "scla_smooth2.mat", "PATCH_1/scla2.mat",
                "PATCH_1/scla_smooth_sb2.mat"]  # fmt: skip
    assert ended.document["removed"] == expected
    assert artifacts(finished) == before
    ended = command("reset-scla", "--dataset", finished, "--no-patches")
    assert ended.document["removed"] == expected[:2]
    ended = command("reset-scla", "--dataset", finished, "--force")
    assert ended.document["removed"] == expected[2:]
    assert set(before) - set(artifacts(finished)) == set(expected)
    command("run", "--dataset", finished)
    assert (7, "merged", "root") in stubs.calls
    assert (6, "merged", "root") not in stubs.calls


def test_c013_the_simulator_answers_with_one_document(command, tmp_path):
    words = ["--candidates", 60, "--images", 4, "--patches", "1x1"]
    ended = command("simulate", tmp_path / "out", *words)
    assert ended.code == 0
    assert ended.document["schema"] == "pystamps-hpc/simulate-report/1"
    assert command("simulate", tmp_path / "out", *words).out == ""


def test_the_help_lists_every_command(capsys):
    from pystamps_hpc.cli import main

    with pytest.raises(SystemExit) as leaving:
        main(["--help"])
    text = capsys.readouterr().out
    assert leaving.value.code == 0
    assert all(f"    {name} " in text for name in COMMANDS)


def test_c015_the_commands_work_on_one_tree_in_their_order(command, stubs, tree):
    assert command("status", "--dataset", tree).document["merged_stage"] == 0
    assert command("run", "--dataset", tree, "--end-step", 7).code == 0
    assert command("status", "--dataset", tree).document["merged_stage"] == 7
    make_tree(tree / "unrelated", ("PATCH_1",))
    assert command("describe-inputs", "--stage", "2,3").code == 0
