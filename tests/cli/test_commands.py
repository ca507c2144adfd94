"""The other commands, and what holds for all: usage errors, locks, marked datasets, help."""

import pytest

from pystamps_hpc.dataset.lock import DatasetLock, new_owner
from pystamps_hpc.dataset.mat import read_mat
from tests.stub_chain import artifacts, make_tree, tree_digest


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rnu"], "did you mean run?\nhelp: pystamps-hpc --help"),
        (["status", "--datset", "x"], "did you mean --dataset?\nhelp: pystamps-hpc status --help"),
        (["prep", "--amp-disperson", "0.3"], "--amp-disperson; did you mean --amp-dispersion?"),
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


def test_c031_status_tells_how_far_a_dataset_is(command, finished):
    document = command("status", "--dataset", finished).document
    assert set(document) == {"schema", "dataset", "merged_stage", "patches", "gaps", "stale",
                             "no_ps", "locked_by", "last_run", "due", "next", "with_feedback",
                             "products", "combined_of"}  # fmt: skip
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


def test_status_of_new_candidates_says_that_all_stages_are_next(command, tmp_path):
    command("simulate", tmp_path / "new", "--candidates", 100, "--images", 4)
    document = command("status", "--dataset", tmp_path / "new").document
    assert (document["next"]["text"], document["next"]["refused"]) == ("stages 1-8", "")


def test_status_of_an_empty_directory_is_refused_and_writes_nothing(command, tmp_path):
    ended = command("status", "--dataset", tmp_path)
    assert ended.code == 3
    assert ended.err == f"no PATCH_* directory under {tmp_path}\n"
    assert list(tmp_path.iterdir()) == []


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


def test_c013_a_simulated_stack_is_prepared(command, tmp_path):
    words = ["--slc", "gamma", "--candidates", 300, "--images", 6]
    ended = command("simulate", tmp_path / "out", *words)
    assert ended.document["stack"] == "gamma"
    ended = command("prep", "--dataset", tmp_path / "out", "--range-patches", 2)
    assert ended.document["processor"] == "gamma"
    assert ended.document["patch_count"] == 2


def test_c015_the_commands_work_on_one_tree_in_their_order(command, stubs, tree):
    assert command("status", "--dataset", tree).document["merged_stage"] == 0
    assert command("run", "--dataset", tree, "--end-step", 7).code == 0
    assert command("status", "--dataset", tree).document["merged_stage"] == 7
    make_tree(tree / "unrelated", ("PATCH_1",))
    assert command("describe-inputs", "--stage", "2,3").code == 0
