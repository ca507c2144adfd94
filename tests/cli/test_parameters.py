"""``parms`` and ``reset-scla``: where a value goes, what follows from it, and what is not lost."""

import errno
import io
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from pystamps_hpc.cli.commands import parms
from pystamps_hpc.cli.shapes import text_of
from pystamps_hpc.dataset.mat import read_mat, write_mat
from pystamps_hpc.dataset.parameter_advice import ADVICE
from pystamps_hpc.dataset.parameter_table import TABLE
from pystamps_hpc.errors import StageError
from pystamps_hpc.pipeline.state import TargetState
from tests.stub_chain import artifacts, tree_digest


def notes(ended):
    (row,) = ended.document.values()
    return row["notes"]


def disown(root):
    (root / ".pystamps-hpc" / "state.json").unlink()


# -- parms --------------------------------------------------------------------------------


def test_a_parameter_is_explained_with_what_runs_again(command, tree):
    row = command("parms", "--dataset", tree, "explain", "weed_st").document["weed_standard_dev"]
    assert (row["value"], row["default"], row["unit"], row["stages"]) == (1.0, 1.0, "rad", ["4"])
    assert row["runs_again"] == "stages 4 to 8"
    assert row["change_it"].startswith("smaller, 0.6 to 0.8, for fewer and cleaner PS")
    text = text_of(parms.view({"weed_standard_dev": row}), io.StringIO())
    assert "change it" in text
    assert "stages 4 to 8" in text
    for name, again in (("scn_time_win", "stage 8"), ("n_cores", "nothing")):
        (row,) = command("parms", "--dataset", tree, "explain", name).document.values()
        assert row["runs_again"] == again


def test_every_parameter_has_advice():
    assert list(ADVICE) == list(TABLE)


def test_in_a_patch_the_parameters_of_the_dataset_are_meant(command, tree):
    ended = command("parms", "--dataset", tree / "PATCH_1", "set", "clap_win", 16)
    assert f"PATCH_1 is a patch of {tree}; its parameters: {tree}/parms.mat" in ended.err
    assert (tree / "parms.mat").exists()
    shown = command("parms", "--dataset", tree / "PATCH_2", "show", "clap_win")
    assert shown.document["clap_win"]["value"] == 16
    command("parms", "--dataset", tree / "PATCH_1", "--local", "set", "clap_win", 8)
    found = sorted(path.name for path in (tree / "PATCH_1").glob("*.mat"))
    assert found == ["localparms.mat"]


@pytest.mark.parametrize("local", [(), ("--local",)])
def test_what_holds_in_a_patch_alone_stays_out_of_the_dataset(command, tree, local):
    (tree / "lambda.1.in").write_text("0.055")
    (tree / "PATCH_1" / "lambda.1.in").write_text("0.031")
    (tree / "PATCH_1" / "processor.txt").write_text("gamma")
    command("parms", "--dataset", tree / "PATCH_1", *local, "set", "clap_win", 16)
    stored = read_mat(tree / "parms.mat")
    assert float(stored["lambda"].item()) == 0.055
    assert "gamma" not in str(stored["insar_processor"])
    assert float(stored["clap_win"].item()) == (32 if local else 16)


@pytest.mark.parametrize("words", [["parms", "show"], ["parms", "set", "clap_win", "8"], ["status"],
                                   ["reset-scla"], ["run"]])  # fmt: skip
def test_a_directory_that_is_no_dataset_is_refused(command, tmp_path, words):
    ended = command(words[0], "--dataset", tmp_path, *words[1:])
    assert (ended.code, ended.out) == (3, "")
    assert f"no PATCH_* directory under {tmp_path}" in ended.err
    assert list(tmp_path.iterdir()) == []


def test_status_in_a_patch_names_the_dataset(command, finished):
    ended = command("status", "--dataset", finished / "PATCH_1")
    assert ended.code == 3
    assert f"it is a patch itself: use --dataset {finished}" in ended.err


def test_a_changed_parameter_says_what_a_run_makes_again(command, finished):
    ended = command("parms", "--dataset", finished, "set", "unwrap_grid_size", 100)
    assert notes(ended) == [f"pystamps-hpc run --dataset {finished} makes stages 6-8"]
    assert notes(command("parms", "--dataset", finished, "reset", "unwrap_grid_size")) == []
    log = (finished / "STAMPS.log").read_text().splitlines()[-2:]
    assert [line.split(" ", 2)[2] for line in log] == [
        "PYSTAMPS_HPC_set unwrap_grid_size 200 -> 100",
        "PYSTAMPS_HPC_reset unwrap_grid_size 100 -> 200",
    ]


def test_a_damaged_file_of_a_patch_stops_neither_a_change_nor_half_a_reset(command, finished):
    (finished / "PATCH_2" / "localparms.mat").write_bytes(b"no MAT file")
    ended = command("parms", "--dataset", finished, "set", "unwrap_grid_size", 100)
    assert ended.code == 0
    assert "PATCH_2/localparms.mat" in notes(ended)[0]
    assert float(read_mat(finished / "parms.mat")["unwrap_grid_size"].item()) == 100
    before = artifacts(finished)
    assert command("reset-scla", "--dataset", finished).code == 3
    assert artifacts(finished) == before


def test_results_of_another_program_that_stay_are_named_with_the_remedy(command, finished):
    disown(finished)
    ended = command("parms", "--dataset", finished, "set", "unwrap_grid_size", 100)
    assert notes(ended) == [
        "stage 6 was made by another program and stays; pystamps-hpc run --dataset "
        f"{finished} --start-step 6 --force makes it again"
    ]
    ended = command("run", "--dataset", finished)
    assert ended.code == 0
    assert "Made by another program: stages 5-8; whether with today's parameters" in ended.err


def test_a_list_of_interferograms_that_names_the_master_is_told(command, finished):
    write_mat(finished / "ps2.mat", {"n_ifg": 4.0, "master_ix": 2.0, "n_ps": 1.0,
                                     "lonlat": np.array([[10.0, 50.0]])})  # fmt: skip
    ended = command("parms", "--dataset", finished, "set", "drop_ifg_index", 2)
    assert notes(ended)[0].startswith("2 is the column of the master")


@pytest.mark.parametrize("words", [["ref_lon", "20", "21"], ["ref_lat", "-1", "1"],
                                   ["ref_radius", "500"]])  # fmt: skip
def test_a_reference_area_without_points_is_refused(command, finished, words):
    write_mat(finished / "ps2.mat", {"n_ifg": 4.0, "master_ix": 2.0, "n_ps": 2.0,
                                     "lonlat": np.array([[10.0, 50.0], [11, 51]])})  # fmt: skip
    ended = command("parms", "--dataset", finished, "set", *words)
    assert ended.code == 2
    assert "0 PS in reference area" in ended.err


def test_minus_infinity_is_a_plain_argument(command, tree):
    ended = command("parms", "--dataset", tree, "set", "ref_radius", "-Inf")
    assert ended.document["ref_radius"]["value"] == "-inf"
    assert command("parms", "--dataset", tree, "set", "ref_lon", "-.5", "2").code == 0


# -- reset-scla ---------------------------------------------------------------------------


def test_a_reset_puts_a_pass_with_feedback_out_of_date_and_a_run_makes_a_first_pass(
    command, stubs, finished
):
    first = artifacts(finished)
    assert command("run", "--dataset", finished, "--start-step", 6, "--force").code == 0
    stubs.calls.clear()
    ended = command("reset-scla", "--dataset", finished)
    assert ended.document["out_of_date"] == [6]
    assert ended.document["notes"] == [f"pystamps-hpc run --dataset {finished} makes stages 6-8"]
    status = command("status", "--dataset", finished).document
    reason = "was unwrapped with the look-angle error of a pass before, which was reset"
    assert (status["stale"][0]["stage"], status["stale"][0]["reason"]) == (6, reason)
    assert status["next"]["stages"] == [6, 7, 8]
    ended = command("run", "--dataset", finished)
    assert ended.code == 0
    assert [call[0] for call in stubs.calls] == [6, 7, 8]
    assert artifacts(finished) == first
    assert "scla_smooth2.mat" not in TargetState.load(finished).records[6]["inputs"]
    assert command("status", "--dataset", finished).document["stale"] == []


def test_a_reset_that_is_stopped_while_it_removes_has_put_the_pass_out_of_date(
    command, stubs, finished, monkeypatch
):
    assert command("run", "--dataset", finished, "--start-step", 6, "--force").code == 0
    unlink = Path.unlink

    def refuse(path, missing_ok=False):
        if path.name == "scla_smooth2.mat":
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        unlink(path, missing_ok=missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        assert command("reset-scla", "--dataset", finished).code == 1
    assert (finished / "scla_smooth2.mat").exists()
    assert command("run", "--dataset", finished).code == 0
    assert "scla_smooth2.mat" not in TargetState.load(finished).records[6]["inputs"]


def test_estimates_of_another_program_are_not_reset_unasked(command, finished):
    disown(finished)
    before = tree_digest(finished)
    for more in ([], ["--dry-run"]):
        ended = command("reset-scla", "--dataset", finished, *more)
        assert ended.code == 3
        assert "scla2.mat, scla_smooth2.mat: not made by pystamps-hpc" in ended.err
    assert tree_digest(finished) == before
    ended = command("reset-scla", "--dataset", finished, "--force")
    assert ended.document["removed"] == ["scla2.mat", "scla_smooth2.mat"]


def test_an_estimate_of_ours_that_a_new_stage_6_spared_is_reset(command, finished):
    assert command("stage", 6, "--dataset", finished).code == 0
    ended = command("reset-scla", "--dataset", finished)
    assert (ended.code, ended.document["removed"]) == (0, ["scla_smooth2.mat"])
    assert command("run", "--dataset", finished).code == 0


# -- one stage ----------------------------------------------------------------------------


def test_one_stage_tells_what_it_would_remove_and_asks_before_it_costs_others_results(
    command, finished
):
    before = tree_digest(finished)
    ended = command("stage", 6, "--dataset", finished, "--dry-run")
    assert (ended.code, ended.document["results"][0]["status"]) == (0, "planned")
    assert "6  merged  scn2.mat, mean_v.mat, scla2.mat" in ended.err
    assert tree_digest(finished) == before
    disown(finished)
    ended = command("stage", 6, "--dataset", finished)
    assert ended.code == 3
    assert "phuw2.mat" in ended.err
    assert "insist with --force" in ended.err
    assert command("stage", 6, "--dataset", finished, "--force").code == 0


def test_a_run_says_before_work_what_it_removes(command, finished):
    ended = command("run", "--dataset", finished, "--start-step", 7, "--force")
    first = ended.err.splitlines()[0]
    assert first == ("replaces results and removes what was made from them: scn2.mat, mean_v.mat")


def test_status_tells_what_is_left_of_a_stopped_forced_run(command, stubs, finished):
    def fail(_ctx):
        raise StageError("no")

    stubs.acts[7, "root"] = fail
    assert command("run", "--dataset", finished, "--start-step", 6, "--force").code == 1
    ended = command("status", "--dataset", finished)
    assert ended.document["due"] == 2
    assert ended.document["with_feedback"]
    assert ended.document["next"]["stages"] == [7, 8]
    stubs.acts.clear()
    ended = command("run", "--dataset", finished)
    assert "a forced run had left 2 tasks to be done again" in ended.err
    assert "still to be done" not in ended.err


def test_what_comes_next_repeats_the_configuration_file(command, finished, tmp_path):
    config = tmp_path / "run.yaml"
    config.write_text("output: {compress: true}\n")
    shutil.rmtree(finished / ".pystamps-hpc" / "runs")  # of the same second, maybe
    assert command("--config", config, "run", "--dataset", finished).code == 0
    for words in ([], ["--config", config]):
        ended = command("status", "--dataset", finished, *words)
        assert ended.document["next"]["options"] == f" --config {config}"
    config.write_text("compat: {arithmetic: single}\n")
    assert command("--config", config, "run", "--dataset", finished, "--force").code == 0
    ended = command("status", "--dataset", finished)
    reason = "configuration changed: compat.arithmetic single -> double (default)"
    assert {row["reason"] for row in ended.document["stale"]} == {reason}
    assert ended.document["next"]["stages"] == []
    config.unlink()
    assert command("status", "--dataset", finished).document["last_run"]["config"] is None


def test_a_configuration_file_is_named_wherever_one_stands(
    command, finished, tmp_path, monkeypatch
):
    config = tmp_path / "run.yaml"
    config.write_text("output: {compress: true}\n")
    shutil.rmtree(finished / ".pystamps-hpc" / "runs")
    monkeypatch.chdir(tmp_path)
    assert command("run", "--config", "run.yaml", "--dataset", finished).code == 0
    words = ("parms", "--config", "run.yaml", "--dataset", finished, "set", "unwrap_grid_size", 100)
    advised = f"pystamps-hpc run --dataset {finished} --config {config} makes stages 6-8"
    assert notes(command(*words)) == [advised]
    monkeypatch.chdir(finished)
    ended = command("status", "--dataset", finished)
    assert ended.document["last_run"]["config"] == str(config)
    assert ended.document["next"]["options"] == f" --config {config}"


def test_the_type_of_velocity_is_an_option_of_run(command, finished):
    ended = command("run", "--dataset", finished, "--mean-v-type", "v", "--dry-run")
    assert ended.document["config"]["output"]["mean_v_type"] == "v"
    assert command("run", "--dataset", finished, "--mean-v-type", "w").code == 2
