"""An image that was built for real: ``make test-image``."""

import json
from pathlib import Path

from tests.slurm.jobs import TEMPLATES, digests


def ranks_of(report):
    return json.loads(report.read_text())["mpi"]["ranks"]


def test_the_sections_left_their_marks(image):
    shown = image.call(image.inside("env"))
    assert "PYSTAMPS_HPC_CACHE_SEED=/opt/pystamps-hpc/cache/" in shown.stdout
    version = image.call([image.tool, "run", image.path, "--version"])
    assert version.stdout.startswith("pystamps-hpc ")
    checked = image.call([image.tool, "test", image.path])
    assert checked.returncode == 0, checked.stderr
    assert "the same bytes on one process and on two ranks" in checked.stdout


def test_kernels_compiled_with_the_image_are_copied_where_there_is_no_home(image, tmp_path):
    look = 'pystamps-hpc describe-backends >/dev/null && ls -d "$TMPDIR"/pystamps-hpc-*/kernels-*'
    homeless = ("env", f"TMPDIR={tmp_path}", "HOME=/proc/none", "XDG_CACHE_HOME=/proc/none")
    shown = image.call(image.inside(*homeless, "sh", "-c", look))
    assert shown.returncode == 0, shown.stderr
    assert list(Path(shown.stdout.strip()).rglob("*.nbi"))


def test_the_python_of_the_host_does_not_come_in(image, tmp_path):
    (tmp_path / "numpy.py").write_text("raise SystemExit('numpy of the host')")
    poison = {
        "PYTHONPATH": str(tmp_path),
        "PYTHONHOME": str(tmp_path),
        "PYTHONSTARTUP": str(tmp_path / "numpy.py"),
        "MPI4PY_LIBMPI": str(tmp_path / "libmpi.so"),
    }
    shown = image.call(
        image.inside("python", "-c", "import numpy; print(numpy.__file__)"), **poison
    )
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith("/opt/pystamps-hpc/")
    doctor = image.call(image.inside("pystamps-hpc", "--mpi", "on", "doctor", "mpi"), **poison)
    assert json.loads(doctor.stdout)["mpi"]["size"] == 1, doctor.stderr


def test_c096_ranks_inside_one_container(image, dataset, undisturbed, tmp_path):
    report = tmp_path / "report.json"
    run = ("pystamps-hpc", "run", "--dataset", dataset, "--report", report)
    ended = image.call(image.inside("mpirun", "-n", "2", "--oversubscribe", *run))
    assert ended.returncode == 0, ended.stderr
    assert len(ranks_of(report)) == 2
    assert digests(dataset) == undisturbed


def test_the_mpirun_of_the_host_starts_a_container_for_each_rank(
    image, mpirun, dataset, undisturbed, tmp_path
):
    report = tmp_path / "report.json"
    launcher = [mpirun, "-n", "2", "--oversubscribe"]
    run = ("pystamps-hpc", "run", "--dataset", dataset, "--report", report)
    ended = image.call([*launcher, *image.inside(*run)])
    assert ended.returncode == 0, ended.stderr
    assert len(ranks_of(report)) == 2
    assert digests(dataset) == undisturbed

    doctor = image.call([*launcher, *image.inside("pystamps-hpc", "doctor", "mpi")])
    assert doctor.returncode == 0, doctor.stderr
    assert json.loads(doctor.stdout)["mpi"]["size"] == 2


def test_the_mpi_of_the_host_can_be_bound(image, mpirun):
    home = mpirun.parent.parent
    look = (
        "from mpi4py import MPI; maps = open('/proc/self/maps').read(); "
        f"print(MPI.COMM_WORLD.size, '{home}/lib/libmpi.so' in maps)"
    )
    library = {"APPTAINERENV_MPI4PY_LIBMPI": f"{home}/lib/libmpi.so.40"}
    container = [image.tool, "exec", "--bind", home, image.path]
    launcher = [mpirun, "-n", "2", "--oversubscribe"]
    ended = image.call([*launcher, *container, "python", "-c", look], **library)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == ["2", "True"] * 2


def test_srun_starts_a_container_for_each_rank(cluster, image, dataset, undisturbed, tmp_path):
    report = tmp_path / "report.json"
    launcher = ["srun", "--mpi=pmix", "-N2", "-n2", "--mem-per-cpu=1000M", "--kill-on-bad-exit=1"]
    run = ("pystamps-hpc", "run", "--dataset", dataset, "--report", report)
    ended = cluster.call(*launcher, *image.inside(*run))
    assert ended.returncode == 0, ended.stderr
    assert len({rank["host"] for rank in ranks_of(report)}) == 2
    assert digests(dataset) == undisturbed


def test_a_template_runs_the_image(cluster, image, dataset, undisturbed, tmp_path):
    # the templates call "apptainer"
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "apptainer").symlink_to(image.tool)
    sent = cluster.call(
        "sbatch", "--parsable", "--nodes=2", "--ntasks-per-node=1", "--cpus-per-task=1",
        "--mem-per-cpu=1000M", TEMPLATES / "multi_node.sbatch", cwd=tmp_path,
        env={
            "DATASET": str(dataset),
            "IMAGE": image.path,
            "PATH": f"{tools}:{cluster.environment['PATH']}",
        },
    )  # fmt: skip
    assert sent.returncode == 0, sent.stderr
    number = sent.stdout.strip()
    job = cluster.wait(number, "COMPLETED", "FAILED", "CANCELLED")
    assert job.state == "COMPLETED", (tmp_path / f"pystamps-{number}.log").read_text()
    assert digests(dataset) == undisturbed


def test_a_launcher_that_does_not_fit_is_told(cluster, image):
    doctor = image.inside("pystamps-hpc", "doctor", "mpi")
    ended = cluster.call("srun", "--mpi=none", "-N2", "-n2", "--mem-per-cpu=500M", *doctor)
    assert ended.returncode == 5
    assert "launcher and library do not match" in ended.stderr
