"""``pystamps-hpc slurm init``: templates with the numbers of a dataset."""

import dataclasses
import json
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pystamps_hpc.cli import main
from pystamps_hpc.cli.commands.slurm import TEMPLATES as OFFERED
from pystamps_hpc.dataset.mat import write_mat
from pystamps_hpc.errors import ConfigError, DatasetError
from pystamps_hpc.tools.slurm import (
    TEMPLATES,
    Size,
    estimate,
    measure,
    render,
    slurm_time,
    write_job,
)

from .jobs import TEMPLATES as FOLDER

SIZE = Size((40_000, 60_000, 50_000), 30)


@pytest.fixture
def dataset(tmp_path):
    """Two patches of 100 and 40 candidates in 7 interferograms: one before, one after stage 1."""
    root = tmp_path / "it's data"
    for name in ("PATCH_1", "PATCH_2"):
        (root / name).mkdir(parents=True)
    (root / "PATCH_1/pscands.1.ll").write_bytes(bytes(100 * 8))
    (root / "PATCH_1/pscands.1.ph").write_bytes(bytes(100 * 7 * 8))
    write_mat(root / "PATCH_2/ps1.mat", {"n_ps": np.array([[40.0]]), "n_ifg": np.array([[7.0]])})
    return root


def header(text):
    lines = [line[len("#SBATCH --") :] for line in text.splitlines() if line.startswith("#SBATCH")]
    return dict(line.split("=") if "=" in line else (line, "") for line in lines)


def test_the_size_comes_from_the_candidate_files_else_from_ps1(dataset):
    assert measure(dataset) == Size((100, 40), 7, (200.0, 80.0))


def test_a_patch_of_unknown_size_is_refused(dataset):
    (dataset / "PATCH_2/ps1.mat").unlink()
    with pytest.raises(DatasetError, match="PATCH_2: size unknown"):
        measure(dataset)


def test_every_template_of_the_command_is_there():
    assert tuple(TEMPLATES) == OFFERED
    assert {path.name for path in FOLDER.iterdir()} == set(TEMPLATES.values())


@pytest.mark.parametrize("template", OFFERED)
def test_without_a_dataset_the_template_stays_as_it_is(template):
    assert render(template) == (FOLDER / TEMPLATES[template]).read_text()


@pytest.mark.parametrize("template", OFFERED)
def test_the_script_asks_for_what_was_estimated_and_still_runs(template, dataset):
    needs = estimate(SIZE, template, "ps", cpus=8)
    text = render(template, dataset, SIZE, needs, image="images/a.sif")
    asked = header(text)
    assert int(asked["ntasks-per-node"]) == needs.ranks_per_node
    assert int(asked["cpus-per-task"]) == needs.threads
    assert asked["mem-per-cpu"] == f"{needs.mib_per_cpu}M"
    assert asked["time"] == slurm_time(needs.limit_minutes)
    assert asked["signal"] == "USR1@180"
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)
    lines = [line for line in text.splitlines() if line.startswith(("DATASET=${", "IMAGE="))]
    shown = subprocess.run(
        ["bash", "-c", "\n".join([*lines, 'echo "$DATASET|$IMAGE"'])],
        env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert shown.stdout.startswith(f"{dataset}|/")
    assert "150000 candidates and 30 interferograms" in text


@settings(deadline=None)
@given(
    candidates=st.lists(st.integers(1, 10**6), min_size=1, max_size=30),
    n_ifg=st.integers(1, 300),
    template=st.sampled_from(OFFERED),
    cpus=st.sampled_from([1, 2, 16, 48, 128]),
)
def test_an_estimate_fits_the_node(candidates, n_ifg, template, cpus):
    needs = estimate(Size(tuple(candidates), n_ifg), template, "ps", 1, cpus)
    assert needs.ranks_per_node * needs.threads <= cpus
    assert needs.limit_minutes >= max(30, 2.5 * needs.expected_minutes)
    assert needs.mib_per_cpu * needs.threads >= 400


def test_more_nodes_are_not_slower_and_many_patches_use_them():
    size = Size((50_000,) * 64, 60)
    minutes = [
        estimate(size, "multi-node", "ps", nodes, 16).expected_minutes for nodes in (1, 2, 4)
    ]
    assert minutes[0] > 1.8 * minutes[1] > 3.2 * minutes[2]


def test_one_large_patch_gets_threads_rather_than_ranks():
    assert estimate(Size((10**6,), 5), "single-node", "ps", 1, 16).threads > 1
    assert estimate(Size((10**4,) * 160, 200), "single-node", "ps", 1, 16).ranks_per_node == 16


@pytest.mark.parametrize(
    ("minutes", "text"), [(30, "00:30:00"), (90, "01:30:00"), (1500, "1-01:00:00")]
)
def test_time_limits_are_written_as_slurm_reads_them(minutes, text):
    assert slurm_time(minutes) == text


def test_the_command_writes_the_script_and_says_what_it_is_for(dataset, tmp_path, capsys):
    out = tmp_path / "job.sbatch"
    words = ["--template", "multi-node", "--nodes", "4", "--cpus", "8", "--dataset", str(dataset)]
    assert main(["slurm", "init", *words, "--out", str(out)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "pystamps-hpc/slurm-init/1"
    size = {"candidates": [100, 40], "n_ifg": 7, "cells": [200.0, 80.0], "patches": 2}
    assert document["size"] == size
    assert document["estimate"]["nodes"] == 4
    assert document["submit"] == f"sbatch {out}"
    assert header(out.read_text())["nodes"] == "4"


def test_the_header_names_what_is_left_to_edit_and_the_file(dataset, tmp_path, monkeypatch, capsys):
    def head(path):
        return path.read_text().partition("#SBATCH")[0]

    own = tmp_path / "mine.sbatch"
    write_job("single-node", own, dataset)
    assert "Edit IMAGE, then: sbatch mine.sbatch" in head(own)
    write_job("patch-array", tmp_path / "array", dataset, image="a.sif")
    assert "Submit it, on a login\n# node: bash array" in head(tmp_path / "array")
    monkeypatch.chdir(tmp_path)
    assert main(["slurm", "init"]) == 0
    assert "Edit DATASET and IMAGE, then: sbatch single_node.sbatch" in head(
        tmp_path / "single_node.sbatch"
    )
    monkeypatch.chdir(dataset)
    capsys.readouterr()
    assert main(["slurm", "init"]) == 0
    assert json.loads(capsys.readouterr().out)["dataset"] == str(dataset)


def test_a_gpu_job_is_said_to_be_untried(tmp_path):
    assert "not run on a GPU yet" in write_job("gpu", tmp_path / "gpu.sbatch")["warnings"][0]


def test_ranks_without_a_patch_are_told(dataset, tmp_path):
    wide = write_job("multi-node", tmp_path / "wide.sbatch", dataset, nodes=5)
    (warning,) = wide["warnings"]
    assert warning.startswith("5 ranks for 2 patches: 3 of them wait through stages 1 to 5")
    assert write_job("single-node", tmp_path / "one.sbatch", dataset)["warnings"] == []
    assert write_job("patch-array", tmp_path / "array.sh", dataset)["warnings"] == []


def test_no_expectation_is_rounded_to_nothing(dataset, tmp_path):
    job = write_job("single-node", tmp_path / "job.sbatch", dataset)
    assert job["estimate"]["expected_minutes"] > 0
    assert job["expected"] == "less than a minute"
    assert ": less than a minute\n" in (tmp_path / "job.sbatch").read_text()


def test_nodes_gpus_and_cpus_are_set_without_a_dataset():
    assert header(render("multi-node", nodes=9))["nodes"] == "9"
    asked = header(render("gpu", gpus=4))
    assert (asked["gpus-per-node"], asked["ntasks-per-node"]) == ("4", "4")
    assert header(render("single-node", cpus=64))["cpus-per-task"] == "16"
    shared = header(render("gpu", gpus=4, cpus=64))
    assert (shared["ntasks-per-node"], shared["cpus-per-task"]) == ("4", "16")
    few = header(render("single-node", cpus=2))
    assert int(few["ntasks-per-node"]) * int(few["cpus-per-task"]) == 2


def test_an_image_from_a_registry_is_no_path():
    image = "docker://site/pystamps:1"
    assert f"\nIMAGE=${{IMAGE:-{image}}} " in render("multi-node", image=image)


def test_an_existing_file_is_kept(tmp_path):
    out = tmp_path / "job.sbatch"
    out.write_text("mine")
    with pytest.raises(ConfigError, match="exists"):
        write_job("gpu", out)
    assert out.read_text() == "mine"


@pytest.mark.parametrize("wrong", [{"nodes": 3}, {"gpus": 1}])
def test_what_a_template_cannot_have_is_refused(wrong, tmp_path):
    with pytest.raises(ConfigError, match="template single-node"):
        write_job("single-node", tmp_path / "job", **wrong)


def test_gpu_jobs_have_a_rank_for_each_device():
    needs = estimate(SIZE, "gpu", "ps", nodes=2, cpus=32, gpus=4)
    assert dataclasses.astuple(needs)[:3] == (2, 4, 8)
