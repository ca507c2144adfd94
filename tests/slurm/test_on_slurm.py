"""Jobs on a real SLURM of two nodes: ``make test-slurm``."""

import json
import os
import shutil
import time

import pytest

from .jobs import TEMPLATES, contents, digests, program

SMALL = ("--cpus-per-task=1", "--mem-per-cpu=700M")
SHAPES = {
    "single_node.sbatch": ("--ntasks-per-node=2",),
    "multi_node.sbatch": ("--nodes=2", "--ntasks-per-node=1"),
    "gpu.sbatch": ("--gpus-per-node=1",),
}
# long enough to be interrupted: the reference kernels
SLOW = {"EXTRA": "--stage2-kernel-backend python"}


def submit(cluster, dataset, template, *options, **environment):
    """Submit a template from the directory beside the dataset; return the number of the job."""
    words = ["sbatch", "--parsable", *SMALL, *SHAPES[template], *options, TEMPLATES / template]
    sent = cluster.call(*words, cwd=dataset.parent, env={"DATASET": str(dataset), **environment})
    assert sent.returncode == 0, sent.stderr
    return sent.stdout.strip().split(";")[0]


def log_of(dataset, number):
    path = dataset.parent / f"pystamps-{number}.log"
    return path.read_text() if path.exists() else ""


def report_of(dataset, number):
    return json.loads((dataset.parent / f"pystamps-{number}.json").read_text())


def wait_for_text(dataset, number, text):
    """Wait until a job has said something."""
    for _ in range(240):
        if text in log_of(dataset, number):
            return
        time.sleep(0.5)
    raise AssertionError(log_of(dataset, number))


@pytest.mark.parametrize("template", SHAPES)
def test_c097_a_template_completes_a_dataset_with_the_bytes_of_a_run_without_slurm(
    cluster, dataset, undisturbed, template
):
    # this machine's GPUs are pretended ones: the last --backend counts
    extra = {"EXTRA": "--backend auto"} if template == "gpu.sbatch" else {}
    number = submit(cluster, dataset, template, **extra)
    job = cluster.wait(number, "COMPLETED", "FAILED", "CANCELLED", "NODE_FAIL")
    assert (job.state, job.exit_code) == ("COMPLETED", 0), log_of(dataset, number)
    assert digests(dataset) == undisturbed
    hosts = {rank["host"] for rank in report_of(dataset, number)["mpi"]["ranks"]}
    assert len(hosts) == (2 if template == "multi_node.sbatch" else 1)


def test_c095_srun_with_pmix_starts_ranks_on_both_nodes(cluster, dataset, undisturbed, tmp_path):
    report = tmp_path / "report.json"
    words = ["srun", "--mpi=pmix", "-N2", "-n4", "--mem-per-cpu=700M", "--kill-on-bad-exit=1"]
    ended = cluster.call(*words, program(), "run", "--dataset", dataset, "--report", report)
    assert ended.returncode == 0, ended.stderr
    ranks = json.loads(report.read_text())["mpi"]["ranks"]
    assert [rank["rank"] for rank in ranks] == [0, 1, 2, 3]
    assert len({rank["host"] for rank in ranks}) == 2
    assert digests(dataset) == undisturbed
    assert json.loads(ended.stdout)["exit_code"] == 0


def test_c117_the_array_is_followed_by_the_merge(cluster, dataset, undisturbed):
    sent = cluster.call(
        "bash", TEMPLATES / "patch_array.sh", cwd=dataset.parent,
        env={"DATASET": str(dataset), "SBATCH_OPTIONS": " ".join(SMALL)},
    )  # fmt: skip
    assert sent.returncode == 0, sent.stderr
    array, merge = (line.split("job ")[1].split(",")[0] for line in sent.stdout.splitlines())
    assert cluster.job(merge).state == "PENDING"
    job = cluster.wait(merge, "COMPLETED", "FAILED", "CANCELLED")
    logs = [path.read_text() for path in dataset.parent.glob(f"pystamps-{array}_*.log")]
    assert job.state == "COMPLETED", "\n".join([*logs, log_of(dataset, merge)])
    assert len(logs) == 2
    assert digests(dataset) == undisturbed


def test_a_failed_task_of_the_array_removes_the_merge_and_the_script_goes_on_later(
    cluster, dataset, undisturbed
):
    spoiled = dataset / "PATCH_2" / "pscands.1.ph"
    whole = spoiled.read_bytes()
    spoiled.write_bytes(whole[:-8])
    send = ["bash", TEMPLATES / "patch_array.sh"]
    settings = {"DATASET": str(dataset), "SBATCH_OPTIONS": " ".join(SMALL)}
    sent = cluster.call(*send, cwd=dataset.parent, env=settings)
    array, merge = (line.split("job ")[1].split(",")[0] for line in sent.stdout.splitlines())
    assert cluster.wait(merge, "CANCELLED", "COMPLETED", "FAILED").state == "CANCELLED"
    logs = [path.read_text() for path in dataset.parent.glob(f"pystamps-{array}_*.log")]
    assert sum("pscands.1.ph" in log for log in logs) == 1, logs
    assert (dataset / "PATCH_1" / "ph2.mat").exists()
    assert not (dataset / "ps2.mat").exists()

    spoiled.write_bytes(whole)
    sent = cluster.call(*send, cwd=dataset.parent, env=settings)
    merge = sent.stdout.splitlines()[1].split("job ")[1]
    job = cluster.wait(merge, "COMPLETED", "FAILED", "CANCELLED")
    assert job.state == "COMPLETED", log_of(dataset, merge)
    assert digests(dataset) == undisturbed


@pytest.mark.timeout(1800)
def test_a_job_at_its_time_limit_is_requeued_and_ends_with_the_same_bytes(cluster, tmp_path):
    # A limit cannot be less than a minute, and SLURM looks at limits every half minute: the signal
    # comes 5 to 35 s after the start. Until then this dataset is not finished.
    expected, dataset = tmp_path / "expected", tmp_path / "data"
    made = cluster.call(program(), "simulate", expected, "--candidates", "80000", "--images", "10")
    assert made.returncode == 0, made.stderr
    shutil.copytree(expected, dataset)

    number = submit(cluster, dataset, "multi_node.sbatch", "--time=1", "--signal=USR1@25", **SLOW)
    cluster.wait(number, "PENDING", restarts=1, seconds=120)
    assert report_of(dataset, number)["exit_code"] == 75
    assert "interrupted by SIGUSR1" in log_of(dataset, number)
    # it would wait two minutes, and not for nothing: at once the nodes would still refuse a job of
    # that number; this time there is no hurry
    change = ("TimeLimit=30", "StartTime=now+15seconds")
    assert cluster.call("scontrol", "update", f"JobId={number}", *change).returncode == 0
    job = cluster.wait(number, "COMPLETED", "FAILED", "TIMEOUT", restarts=1, seconds=900)
    assert job.state == "COMPLETED", log_of(dataset, number)

    number = submit(cluster, expected, "multi_node.sbatch", **SLOW)
    assert cluster.wait(number, "COMPLETED", "FAILED", seconds=900).restarts == 0
    assert len(digests(expected)) > 40
    assert digests(dataset) == digests(expected)


def test_a_cancelled_job_is_not_requeued_and_leaves_a_dataset_that_goes_on(
    cluster, dataset, undisturbed
):
    number = submit(cluster, dataset, "multi_node.sbatch", **SLOW)
    wait_for_text(dataset, number, "Estimate gamma")
    assert cluster.call("scancel", number).returncode == 0
    job = cluster.wait(number, "CANCELLED")
    wait_for_text(dataset, number, "interrupted by SIGTERM")
    assert (cluster.job(number).state, job.restarts) == ("CANCELLED", 0)
    assert digests(dataset) != undisturbed

    number = submit(cluster, dataset, "multi_node.sbatch", EXTRA="--stale rerun")
    job = cluster.wait(number, "COMPLETED", "FAILED")
    assert job.state == "COMPLETED", log_of(dataset, number)
    assert digests(dataset) == undisturbed


def test_srun_without_the_right_plugin_is_refused_before_the_dataset_is_touched(cluster, dataset):
    before = contents(dataset)
    words = ["srun", "--mpi=none", "-N2", "-n2", "--mem-per-cpu=700M"]
    ended = cluster.call(*words, program(), "run", "--dataset", dataset)
    assert ended.returncode == 5, ended.stderr
    assert ended.stderr.count("2 tasks were launched (SLURM srun)") == 1
    assert "srun --mpi=pmix" in ended.stderr
    assert ended.stdout == ""
    assert contents(dataset) == before


def test_a_tmpfs_that_is_not_seen_is_named_before_mpi_crashes_on_it(cluster):
    if os.getuid() != 0:
        pytest.skip("hiding a directory needs root")
    hide = 'mount -t tmpfs -o ro tmpfs "$0" && exec "$@"'
    unseen = ["unshare", "--mount", "--propagation", "private", "sh", "-c", hide, cluster.tmpfs()]
    words = ["srun", "--mpi=pmix", "-N2", "-n4", "--mem-per-cpu=500M", "--kill-on-bad-exit=1"]
    ended = cluster.call(*words, *unseen, program(), "doctor", "mpi")
    assert ended.returncode == 5, ended.stderr
    assert ended.stderr.count("cannot be written in this container") == 1
    assert f"--bind {cluster.tmpfs()}" in ended.stderr
    assert "Segmentation fault" not in ended.stderr


def test_a_refusal_keeps_message_and_code_where_the_first_exit_kills_the_others(cluster):
    words = ["srun", "--mpi=none", "-N2", "-n4", "--mem-per-cpu=500M", "--kill-on-bad-exit=1"]
    ended = cluster.call(*words, program(), "doctor", "mpi")
    assert ended.returncode == 5, ended.stderr
    assert ended.stderr.count("4 tasks were launched") == 1
