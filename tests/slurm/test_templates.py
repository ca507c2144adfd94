"""The job scripts, run with stand-ins for SLURM's commands."""

import os
import re
import shlex
import shutil
import subprocess

import pytest

from .jobs import ALL, BATCH, TEMPLATES

STAND_IN = """\
#!/usr/bin/env bash
[ "$*" != "show config" ] || { echo "TmpFS                   = $TMPFS"; exit; }
printf '%q ' "${0##*/}" "$@" >>"$CALLS"; echo >>"$CALLS"
"""
# srun writes the report the run would have written, and ends like the run
SRUN = """
while [ $# -gt 0 ]; do [ "$1" != --report ] || report=$2; shift; done
printf '{\\n  "exit_code": %s\\n}\\n' "${REPORTED-${CODE:-0}}" >"$report"
[ -n "${REPORTED-any}" ] || rm "$report"
echo '{"to": "stdout"}'
exit "${CODE:-0}"
"""
SCONTROL = """
exit "${REFUSED:-0}"
"""
SBATCH = """
[ "$(wc -l <"$CALLS")" != "${REFUSED_CALL:-}" ] || exit 1
echo "$(wc -l <"$CALLS");cluster"
"""


class Desk:
    """A directory with stand-ins on the path that record how they are called."""

    def __init__(self, folder):
        self.folder = folder
        self.calls_file = folder / "calls"
        programs = folder / "bin"
        programs.mkdir()
        self.calls_file.touch()
        for name, more in {"srun": SRUN, "sbatch": SBATCH, "scontrol": SCONTROL}.items():
            path = programs / name
            path.write_text(STAND_IN + more)
            path.chmod(0o755)
        self.dataset = folder / "my data"
        for patch in ("PATCH_1", "PATCH_2", "PATCH_3"):
            (self.dataset / patch).mkdir(parents=True)
        self.environment = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "CALLS": str(self.calls_file),
            "DATASET": str(self.dataset),
            "TMPFS": "/tmp",
        }

    def run(self, template, **environment):
        """Run a script as a job would, or on the login node, see ``SLURM_JOB_ID``."""
        return subprocess.run(
            ["bash", str(TEMPLATES / template)], cwd=self.folder, capture_output=True, text=True,
            env={**self.environment, **environment}, timeout=60, check=False,
        )  # fmt: skip

    def job(self, template, **environment):
        job = {
            "SLURM_JOB_ID": "7",
            "SLURM_SUBMIT_DIR": str(self.folder),
            "SLURM_CPUS_PER_TASK": "3",
        }
        return self.run(template, **job, **environment)

    @property
    def calls(self):
        return [shlex.split(line) for line in self.calls_file.read_text().splitlines()]


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


@pytest.mark.parametrize("template", ALL)
def test_a_template_is_sound_bash(template):
    subprocess.run(["bash", "-n", TEMPLATES / template], check=True)
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", TEMPLATES / template], check=True)


@pytest.mark.parametrize("template", ALL)
def test_a_template_has_two_lines_to_edit_and_nothing_of_a_site(template):
    text = (TEMPLATES / template).read_text()
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert lines[0].startswith("DATASET=${DATASET:-/path/to/dataset} ")
    assert lines[1].startswith("IMAGE=${IMAGE:-} ")
    assert lines[2] == "set -euo pipefail"
    header = re.findall(r"^#SBATCH (\S+)$", text, re.MULTILINE)
    assert {"--signal=USR1@180", "--requeue", "--open-mode=append"} <= set(header)
    assert not re.search(r"--(partition|account|qos|constraint|mail)|module load", text)
    assert "--kill-on-bad-exit=1" in text
    assert '--cpus-per-task="$SLURM_CPUS_PER_TASK"' in text


@pytest.mark.parametrize("template", BATCH)
def test_a_job_prints_and_starts_the_run(desk, template):
    ended = desk.job(template)
    assert ended.returncode == 0, ended.stderr
    (call,) = desk.calls
    report = str(desk.folder / "pystamps-7.json")
    device = ["--backend", "gpu"] if template == "gpu.sbatch" else []
    assert call == [
        *["srun", "--mpi=pmix", "--cpus-per-task=3", "--kill-on-bad-exit=1", "pystamps-hpc"],
        *["run", "--dataset", str(desk.dataset), "--start-step", "1", "--end-step", "8"],
        *[*device, "--report", report],
    ]
    assert shlex.split(ended.stdout) == call


@pytest.mark.parametrize("template", BATCH)
def test_a_job_takes_its_settings_from_the_environment(desk, template):
    desk.job(
        template, IMAGE="/images/my image.sif", START="2", END="6", CONFIG="run.yaml",
        EXTRA="--stale rerun", MPI_TYPE="pmi2", CONTAINER_OPTIONS="--sharens --no-home",
    )  # fmt: skip
    (call,) = desk.calls
    assert call[1] == "--mpi=pmi2"
    container = call[call.index("apptainer") : call.index("pystamps-hpc")]
    assert container[1] == "exec"
    places = f"{desk.dataset},{desk.folder},{desk.folder}/run.yaml"
    assert container[-3:] == ["--bind", places, "/images/my image.sif"]
    device = ["--nv"] if template == "gpu.sbatch" else []
    assert container[2:-3] == [*device, "--sharens", "--no-home"]
    run = call[call.index("pystamps-hpc") + 1 :]
    assert run[:3] == ["--config", f"{desk.folder}/run.yaml", "run"]
    assert run[5:9] == ["--start-step", "2", "--end-step", "6"]
    assert run[-2:] == ["--stale", "rerun"]


@pytest.mark.parametrize("template", ALL)
@pytest.mark.parametrize(
    ("tmpfs", "tmpdir", "bound"),
    [
        ("/usr/lib", "/usr/share", ["/usr/lib", "/usr/share"]),
        ("/usr/lib/slurm.%n/tmp", "/usr/absent", ["/usr/lib"]),
        ("/usr/absent", "/usr/share", ["/usr/share"]),
        ("/tmp", "/var/tmp/job.7", []),  # every container sees these
    ],
)
def test_the_image_sees_where_slurm_and_the_site_keep_the_files_of_a_job(
    desk, template, tmpfs, tmpdir, bound
):
    # any directory outside of /tmp will do: nothing is written there
    ended = desk.job(template, IMAGE="a", PYSTAMPS_PART="merged", TMPFS=tmpfs, TMPDIR=tmpdir)
    assert ended.returncode == 0, ended.stderr
    (call,) = desk.calls
    seen = call[call.index("--bind") + 1].split(",")
    assert seen == [str(desk.dataset), str(desk.folder), *bound]


@pytest.mark.parametrize("template", ALL)
@pytest.mark.parametrize("code", ["0", "1", "5", "143"])
def test_the_exit_code_of_the_run_is_that_of_the_job(desk, template, code):
    ended = desk.job(template, CODE=code, PYSTAMPS_PART="merged")
    assert ended.returncode == int(code)
    assert [call[0] for call in desk.calls] == ["srun"]


@pytest.mark.parametrize("template", ALL)
@pytest.mark.parametrize(("code", "reported"), [("75", ""), ("75", "75"), ("143", "75")])
def test_a_run_that_stopped_in_good_order_is_requeued(desk, template, code, reported):
    desk.job(template, CODE=code, REPORTED=reported, PYSTAMPS_PART="merged")
    assert desk.calls[1:] == [["scontrol", "requeue", "7"]]


@pytest.mark.parametrize("template", ALL)
@pytest.mark.parametrize(
    ("code", "state", "told"),
    [("137", "", True), ("1", "OUT_OF_MEMORY", True), ("1", "FAILED", False), ("0", "", False)],
)
def test_a_run_killed_for_its_memory_is_told_what_was_expected(desk, template, code, state, told):
    sacct = desk.folder / "bin" / "sacct"
    sacct.write_text(f"#!/usr/bin/env bash\necho '{state}'\n")
    sacct.chmod(0o755)
    for run, size in (("20260101T000000Z-a", "7 MiB"), ("20260102T000000Z-a", "812 MiB")):
        folder = desk.dataset / ".pystamps-hpc" / "runs" / run
        folder.mkdir(parents=True)
        (folder / "memory.txt").write_text(f"at least stage 2 {size}\n")
    ended = desk.job(template, CODE=code, PYSTAMPS_PART="merged")
    assert ended.returncode == int(code)
    assert ("killed, it seems for its memory" in ended.stderr) == told
    assert ("stage 2 812 MiB" in ended.stderr) == told


@pytest.mark.parametrize("template", ALL)
def test_a_site_that_does_not_requeue_gets_the_exit_code(desk, template):
    assert desk.job(template, CODE="75", REFUSED="1", PYSTAMPS_PART="merged").returncode == 75


@pytest.mark.parametrize("template", ALL)
def test_the_report_of_an_earlier_start_is_not_believed(desk, template):
    (desk.folder / "pystamps-7.json").write_text('{\n  "exit_code": 75\n}\n')
    ended = desk.job(template, CODE="1", REPORTED="", PYSTAMPS_PART="merged")
    assert ended.returncode == 1
    assert [call[0] for call in desk.calls] == ["srun"]


@pytest.mark.parametrize("template", ALL)
def test_a_step_that_was_not_launched_is_no_success(desk, template):
    # srun says "task 0 launch failed" and ends with 0
    ended = desk.job(template, CODE="0", REPORTED="", PYSTAMPS_PART="merged")
    assert ended.returncode == 1
    assert "nothing was run" in ended.stderr


def test_the_array_is_submitted_with_the_merge_behind_it(desk):
    ended = desk.run("patch_array.sh", SBATCH_OPTIONS="--partition=short")
    assert ended.returncode == 0, ended.stderr
    array, merge = desk.calls
    assert array[1:5] == [
        *["--parsable", "--partition=short", "--export=ALL,PYSTAMPS_PART=patches"],
        "--array=0-2",
    ]
    assert merge[1:6] == [
        *["--parsable", "--partition=short", "--export=ALL,PYSTAMPS_PART=merged"],
        *["--dependency=afterok:1", "--kill-on-invalid-dep=yes"],
    ]


def test_a_job_that_does_not_know_its_part_submits_nothing(desk):
    ended = desk.job("patch_array.sh")
    assert ended.returncode == 2
    assert "run it outside of one" in ended.stderr
    assert desk.calls == []


@pytest.mark.parametrize("refused", ["1", "2"])
def test_a_submission_that_is_refused_is_no_success(desk, refused):
    ended = desk.run("patch_array.sh", REFUSED_CALL=refused)
    assert ended.returncode != 0
    assert len(desk.calls) == int(refused)


@pytest.mark.parametrize("template", ALL)
@pytest.mark.parametrize(("restarts", "requeued"), [("19", True), ("20", False)])
def test_a_job_is_not_started_again_for_ever(desk, template, restarts, requeued):
    ended = desk.job(template, CODE="75", SLURM_RESTART_COUNT=restarts, PYSTAMPS_PART="merged")
    assert ended.returncode == 75
    assert (["scontrol", "requeue", "7"] in desk.calls) == requeued
    assert ("MAX_RESTARTS" in ended.stderr) != requeued


def test_only_directories_are_patches_and_lists_may_come_from_windows(desk):
    (desk.dataset / "PATCH_4.tar").touch()
    (desk.dataset / "PATCH_5").touch()
    assert desk.run("patch_array.sh", END="4").returncode == 0
    assert "--array=0-2" in desk.calls[0]
    (desk.dataset / "patch.list").write_bytes(b"PATCH_2\r\nPATCH_3\r\n")
    array = {"PYSTAMPS_PART": "patches", "SLURM_ARRAY_TASK_COUNT": "1", "SLURM_ARRAY_TASK_ID": "0"}
    assert desk.job("patch_array.sh", **array).returncode == 0
    assert "PATCH_2,PATCH_3" in desk.calls[-1]


def test_the_tasks_of_the_array_share_the_listed_patches(desk):
    (desk.dataset / "patch.list").write_text("PATCH_3\n# PATCH_9\n\nPATCH_1\nPATCH_2\n")
    array = {"PYSTAMPS_PART": "patches", "SLURM_ARRAY_TASK_COUNT": "2"}
    for task in ("0", "1"):
        assert desk.job("patch_array.sh", SLURM_ARRAY_TASK_ID=task, **array).returncode == 0
    runs = [call[call.index("--start-step") : call.index("--report")] for call in desk.calls]
    window = ["--start-step", "1", "--end-step", "5", "--part", "patches", "--patches"]
    assert runs == [[*window, "PATCH_3,PATCH_2"], [*window, "PATCH_1"]]


def test_the_merge_runs_the_stages_behind_the_patches(desk):
    desk.job("patch_array.sh", PYSTAMPS_PART="merged")
    (call,) = desk.calls
    window = ["--start-step", "5", "--end-step", "8", "--part", "merged"]
    assert call[call.index("--start-step") : call.index("--report")] == window


@pytest.mark.parametrize(("window", "jobs"), [({"END": "4"}, 1), ({"START": "6"}, 1), ({}, 2)])
def test_only_the_parts_in_the_window_are_submitted(desk, window, jobs):
    assert desk.run("patch_array.sh", **window).returncode == 0
    assert len(desk.calls) == jobs
    alone = " ".join(desk.calls[-1])
    assert ("--array" in alone) == ("END" in window)
    assert ("--dependency" in alone) == (jobs == 2)


def test_more_tasks_than_patches_are_not_submitted(desk):
    desk.run("patch_array.sh", TASKS="50")
    assert "--array=0-2" in desk.calls[0]


def test_a_directory_without_patches_is_refused(desk, tmp_path):
    (tmp_path / "empty").mkdir()
    ended = desk.run("patch_array.sh", DATASET=str(tmp_path / "empty"))
    assert ended.returncode == 3
    assert "no PATCH_*" in ended.stderr
    assert not desk.calls
