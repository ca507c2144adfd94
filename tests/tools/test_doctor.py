"""The doctor finds what would stop or spoil a run, names the remedy, and changes nothing."""

import json

import numpy as np
import pytest

from pystamps_hpc.cli import main
from pystamps_hpc.dataset import parameters
from pystamps_hpc.dataset.lock import DatasetLock, new_owner
from pystamps_hpc.dataset.mat import read_mat, write_mat
from pystamps_hpc.dataset.tree import discover_dataset
from pystamps_hpc.errors import BackendUnavailableError
from pystamps_hpc.parallel.team import SerialTeam
from pystamps_hpc.tools.doctor import disk, examine, machine
from pystamps_hpc.tools.doctor.artifacts import examine_files, leftovers

from .. import stub_chain
from ..golden.parity import golden_root
from .conftest import NATIVE


def examined(root, part="dataset"):
    document, code = examine(SerialTeam(), NATIVE, part, root)
    json.dumps(document)
    return document, code


def problem(document, text):
    (row,) = [row for row in document["problems"] if text in row["problem"]]
    return row


def test_a_finished_dataset_is_healthy_and_stays_as_it_is(finished):
    before = stub_chain.tree_digest(finished)
    document, code = examined(finished)
    assert document["problems"] == []
    assert code == 0
    assert document["dataset"]["free_mib"] > 0
    assert document["ranks"][0]["sees_dataset"]
    assert stub_chain.tree_digest(finished) == before


def test_a_dataset_before_its_first_run_is_healthy_and_gets_no_state_directory(simulated):
    document, code = examined(simulated)
    assert (document["problems"], code) == ([], 0)
    assert not (simulated / ".pystamps-hpc").exists()


@pytest.mark.parametrize("harm", ["truncated", "foreign", "empty"])
def test_a_file_that_cannot_be_read_is_named_with_the_stage_that_makes_it_again(damaged, harm):
    path = damaged / "PATCH_1" / "pm1.mat"
    content = path.read_bytes()
    path.write_bytes(
        {"truncated": content[: len(content) // 2], "foreign": b"x" * 500, "empty": b""}[harm]
    )
    document, code = examined(damaged)
    assert code == 3
    assert len(document["dataset"]["unreadable"]) == 1
    assert "PATCH_1/pm1.mat" in document["dataset"]["unreadable"][0]
    row = document["problems"][0]  # the worst first
    assert "pm1.mat" in row["problem"]
    assert row["stops_run"]
    assert not any(each["stops_run"] for each in document["problems"][1:])
    assert row["remedy"] == "delete it and rerun stage 2"


def test_a_damaged_block_inside_a_compressed_file_is_found(damaged):
    path = damaged / "phuw2.mat"
    values = read_mat(path)
    write_mat(path, values, compress=True)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 8] = bytes(8)
    path.write_bytes(content)
    unreadable, _ = examine_files(discover_dataset(damaged), "ps")
    assert ["phuw2.mat" in each.problem for each in unreadable] == [True]


def test_a_shape_that_contradicts_the_other_files_is_named(damaged):
    path = damaged / "bp2.mat"
    values = read_mat(path)
    values["bperp_mat"] = values["bperp_mat"][:-1]
    write_mat(path, values)
    document, code = examined(damaged)
    (text,) = document["dataset"]["inconsistent"]
    n_ps = len(values["bperp_mat"]) + 1
    assert text.endswith(f"bp2.mat: key 'bperp_mat' has n_ps = {n_ps - 1}, the others have {n_ps}")
    assert problem(document, "bperp_mat")["remedy"] == "delete it and rerun stage 5"
    assert code == 3


@pytest.mark.golden
@pytest.mark.parametrize(("name", "mode"), [("ps-small", "ps"), ("sb-small", "sb")])
def test_the_artifacts_of_stamps_fit_each_other(name, mode):
    root = golden_root() / name / "expected"
    if not root.exists():
        pytest.skip("no golden data")
    assert examine_files(discover_dataset(root), mode) == ([], [])


def test_a_missing_key_is_named(damaged):
    path = damaged / "PATCH_2" / "select1.mat"
    values = read_mat(path)
    del values["coh_ps2"]
    write_mat(path, values)
    document, _ = examined(damaged)
    assert problem(document, "select1.mat: key 'coh_ps2' is missing")


def test_what_would_stop_the_plan_is_found_stale_work_does_not_stop_a_run(damaged):
    own = parameters.load(damaged)
    parameters.save(own.set_value("unwrap_spatial_cost_func_flag", "y", False))
    document, code = examined(damaged)
    (stops,) = [row["problem"] for row in document["problems"] if row["stops_run"]]
    assert stops == "unwrap_spatial_cost_func_flag=y is not supported in stage 6"
    assert code == 3
    parameters.save(own.set_value("scn_time_win", 200.0, False))
    document, code = examined(damaged)
    assert [row["reason"] for row in document["dataset"]["stale"]] == [
        "parameters changed: scn_time_win"
    ]
    assert problem(document, "stale")["remedy"].startswith("nothing: the next run makes")
    assert code == 0


def test_a_gap_says_from_where_to_run(damaged):
    (damaged / "PATCH_1" / "select1.mat").unlink()
    document, _ = examined(damaged)
    row = problem(document, "stage 3 lacks select1.mat")
    assert row["remedy"] == "run --start-step 3"


def test_what_dead_runs_left_is_listed_and_left_alone(damaged):
    state = damaged / "PATCH_1" / ".pystamps-hpc"
    (state / "tmp" / "20260101T000000Z-abcdef-2").mkdir(parents=True)
    (state / "memo" / "6-0123").mkdir(parents=True)
    lock = damaged / ".pystamps-hpc" / "lock" / "root.json"
    lock.parent.mkdir(exist_ok=True)
    dead = {**DatasetLock(damaged, {}).owner, "pid": 2**22 + 1, "pid_start": 1, "run_id": "x"}
    lock.write_text(json.dumps(dead))
    document, code = examined(damaged)
    assert set(document["dataset"]["leftovers"]) == {
        ".pystamps-hpc/lock/root.json",
        "PATCH_1/.pystamps-hpc/tmp/20260101T000000Z-abcdef-2",
        "PATCH_1/.pystamps-hpc/memo/6-0123",
    }
    assert code == 0
    assert lock.exists()


def test_while_a_run_works_its_files_are_no_leftovers_and_the_lock_stops_others(damaged):
    (damaged / ".pystamps-hpc" / "tmp" / "run-6").mkdir(parents=True)
    with DatasetLock(damaged, new_owner("20260101T000000Z-abcdef", ["run"])):
        assert leftovers(discover_dataset(damaged)) == []
        document, code = examined(damaged)
    row = problem(document, "data set is in use: run 20260101T000000Z-abcdef")
    assert row["remedy"] == "wait, or remove the lock with --break-lock"
    assert code == 3


def test_a_protected_dataset_is_not_written_to(damaged):
    (damaged / ".golden").touch()
    before = stub_chain.tree_digest(damaged)
    document, code = examined(damaged)
    assert problem(document, "marked golden")["remedy"] == "work on a copy"
    assert code == 3
    assert stub_chain.tree_digest(damaged) == before


def test_a_tree_without_its_patches_is_reported_not_raised(tmp_path):
    (tmp_path / "patch.list").write_text("PATCH_1\n")
    document, code = examined(tmp_path)
    assert problem(document, "missing patch directories: PATCH_1")["stops_run"]
    assert code == 3


def test_a_file_system_without_links_cannot_lock(damaged, monkeypatch):
    def refuse(*arguments, **options):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(disk.os, "link", refuse)
    (row,) = disk.examine_disk(damaged)
    assert "no hard links" in row.problem
    assert row.stops_run


def test_a_directory_that_cannot_be_written_says_so(tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(disk.Path, "mkdir", refuse)
    (row,) = disk.examine_disk(tmp_path)
    assert row.problem == f"data set is not writable: {tmp_path} (Permission denied)"


def test_too_little_space_is_said_in_numbers(simulated, monkeypatch):
    usage = disk.shutil.disk_usage(simulated)._replace(free=2**20 // 2)
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda path: usage)
    free, (row,) = disk.examine_space(discover_dataset(simulated))
    assert free == 0
    assert row.problem.startswith("0 MiB free, the chain may need ")
    assert not row.stops_run


def test_missing_programs_and_useless_caches_have_remedies(tmp_path):
    found = {"stage6_solver": "snaphu", "snaphu": None, "snaphu_starts": False,
             "triangle": None, "matplotlib": "3"}  # fmt: skip
    texts = [row.problem for row in machine.tool_problems(found)]
    assert [text.split()[0] for text in texts] == ["SNAPHU", "Triangle"]
    assert all("unwrap" in row.remedy for row in machine.tool_problems(found))
    (other,) = machine.tool_problems(found | {"stage6_solver": "auto"})
    assert other.problem.startswith("Triangle")
    (empty,) = machine.cache_problems(machine.caches({"NUMBA_CACHE_DIR": str(tmp_path)}))
    assert empty.remedy == "run pystamps-hpc warmup once"
    closed = {"path": "/x", "writable": False, "files": 0}
    (problem,) = machine.cache_problems({"numba": closed, "image": {"path": None, "files": 0}})
    assert "PYSTAMPS_HPC_CACHE_DIR" in problem.remedy


def test_kernels_of_the_image_for_this_processor_are_no_problem(tmp_path):
    from pystamps_kernels.native.cache import fingerprint

    image, empty = tmp_path / "image", tmp_path / "cache"
    environ = {"NUMBA_CACHE_DIR": str(empty), "PYSTAMPS_HPC_CACHE_SEED": str(image)}
    (image / "kernels-0").mkdir(parents=True)
    (image / "kernels-0" / "a.nbc").touch()
    (other,) = machine.cache_problems(machine.caches(environ))
    assert other.problem.startswith("image is of another type of processor")
    (image / "kernels-0").rename(image / f"kernels-{fingerprint()}")
    assert not list(machine.cache_problems(machine.caches(environ)))


def test_the_layer_of_the_threads_and_a_better_one_are_told(monkeypatch):
    assert machine.tools(NATIVE)["threading_layer"] in ("omp", "tbb", "workqueue")
    assert not list(machine.thread_problems({"threading_layer": "omp"}))
    (slow,) = machine.thread_problems({"threading_layer": "workqueue"})
    assert "libgomp1" in slow.remedy
    assert not slow.stops_run
    monkeypatch.setattr(machine, "unavailable_reason", lambda name: "numba is odd; mend it")
    (broken,) = machine.thread_problems({"threading_layer": None})
    assert (broken.problem, broken.remedy) == ("no native kernels: numba is odd", "mend it")
    assert broken.exit_code == BackendUnavailableError.exit_code


def test_memory_is_what_machine_and_control_groups_leave(tmp_path):
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/meminfo").write_text("MemTotal:  8388608 kB\nMemFree: 1 kB\n")
    assert machine.memory_limit_mib(tmp_path) == 8192
    (tmp_path / "proc/self/cgroup").write_text("0::/job/step\n")
    group = tmp_path / "sys/fs/cgroup/job"
    (group / "step").mkdir(parents=True)
    (group / "step/memory.max").write_text("max\n")
    (group / "memory.max").write_text(f"{2 * 2**30}\n")
    assert machine.memory_limit_mib(tmp_path) == 2048


def test_the_parts_say_only_what_they_are_about(finished):
    gpu, code = examined(finished, "gpu")
    assert set(gpu) == {"schema", "launcher", "mpi", "ranks", "devices", "problems"}
    assert isinstance(gpu["ranks"][0]["devices"], list)
    assert code == 0
    whole, _ = examined(finished, None)
    assert {"tools", "caches", "dataset"} <= set(whole)
    assert np.isfinite(whole["ranks"][0]["memory_limit_mib"])


def test_the_command_prints_advice_and_gives_the_code(damaged, capsys):
    (damaged / "ph2.mat").write_bytes(b"")
    assert main(["doctor", "dataset", "--dataset", str(damaged)]) == 3
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert document["schema"] == "pystamps-hpc/doctor/1"
    assert "STOPS RUN" in err
    assert "-> delete it and rerun stage 5" in err
    assert "1 problem, 1 note" in err
    assert main(["doctor", "dataset"]) == 3
