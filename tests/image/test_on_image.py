"""An image that was built for real: ``make test-image``."""

import json
from pathlib import Path

import pytest

from tests.slurm.jobs import TEMPLATES, digests

from .conftest import ALONE


def ranks_of(report):
    return json.loads(report.read_text())["mpi"]["ranks"]


def test_the_sections_left_their_marks(image):
    shown = image.call(image.inside("env"))
    assert "PYSTAMPS_HPC_CACHE_SEED=/opt/pystamps-hpc/cache\n" in shown.stdout
    version = image.call([*ALONE, image.tool, "run", image.path, "--version"])
    assert version.stdout.startswith("pystamps-hpc ")
    checked = image.call([*ALONE, image.tool, "test", image.path])
    assert checked.returncode == 0, checked.stderr
    assert json.loads(checked.stdout)["ok"]


def test_kernels_compiled_with_the_image_are_copied_where_there_is_no_home(image, tmp_path):
    look = (
        "import os; from pystamps_hpc.cli.environment import prepare; prepare(os.environ); "
        "from pystamps_kernels.native.cache import folder; print(folder())"
    )
    homeless = ("env", f"TMPDIR={tmp_path}", "HOME=/proc/none", "XDG_CACHE_HOME=/proc/none")
    shown = image.call(image.inside(*homeless, "python", "-c", look))
    assert shown.returncode == 0, shown.stderr
    copy = Path(shown.stdout.strip())
    assert copy.parent.parent == tmp_path
    assert list(copy.rglob("*.nbi"))


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
    poison["PYSTAMPS_HPC_MPI"] = "on"
    doctor = image.call(image.inside("pystamps-hpc", "doctor", "mpi"), **poison)
    assert doctor.returncode == 0, doctor.stderr
    assert json.loads(doctor.stdout)["mpi"]["enabled"]


def test_c096_ranks_inside_one_container(image, dataset, undisturbed, tmp_path):
    report = tmp_path / "report.json"
    run = ("pystamps-hpc", "run", "--dataset", dataset, "--report", report)
    ended = image.call(image.inside("mpirun", "-n", "2", *run, bind=[dataset]))
    assert ended.returncode == 0, ended.stderr
    assert len(ranks_of(report)) == 2
    assert digests(dataset) == undisturbed


def test_the_mpirun_of_the_host_starts_a_container_for_each_rank(
    image, mpirun, dataset, undisturbed, tmp_path
):
    report = tmp_path / "report.json"
    launcher = [mpirun, "-n", "2", "--oversubscribe"]
    run = ("pystamps-hpc", "run", "--dataset", dataset, "--report", report)
    ended = image.call([*launcher, *image.inside(*run, bind=[dataset])])
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
    launcher = [mpirun, "-n", "2", "--oversubscribe"]
    inside = image.inside("python", "-c", look, bind=[home])
    ended = image.call([*launcher, *inside], **library)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == ["2", "True"] * 2


def srun(image, nodes, ranks, mib):
    shape = (f"-N{nodes}", f"--ntasks-per-node={ranks // nodes}", f"--mem-per-cpu={mib}M")
    return ["srun", f"--mpi={image.pmi}", *shape, "--kill-on-bad-exit=1"]


def test_srun_starts_two_containers_on_each_of_two_nodes(
    cluster, image, dataset, undisturbed, tmp_path
):
    report = tmp_path / "report.json"
    run = ("pystamps-hpc", "run", "--dataset", dataset, "--report", report)
    inside = image.inside(*run, bind=[dataset, cluster.tmpfs()])
    ended = cluster.call(*srun(image, 2, 4, 1000), *inside)
    assert ended.returncode == 0, ended.stderr
    assert sorted(rank["host"] for rank in ranks_of(report)) == ["n1", "n1", "n2", "n2"]
    assert digests(dataset) == undisturbed


def test_without_the_directory_of_slurm_the_doctor_names_the_bind(cluster, image):
    if image.pmi != "pmix":
        pytest.skip("only Open MPI keeps files there")
    *words, _ = srun(image, 2, 4, 500)  # each rank comes to its own end
    ended = cluster.call(*words, *image.inside("pystamps-hpc", "doctor", "mpi"))
    assert ended.returncode == 5, ended.stderr
    assert f"--bind {cluster.tmpfs()}" in ended.stderr


def test_containers_of_one_node_and_of_two_find_each_other(cluster, image):
    inside = image.inside("pystamps-hpc", "doctor", "mpi", bind=[cluster.tmpfs()])
    ended = cluster.call(*srun(image, 2, 4, 500), *inside)
    assert ended.returncode == 0, ended.stderr
    document = json.loads(ended.stdout)
    assert document["mpi"]["size"] == 4
    assert [rank["local_rank"] for rank in document["ranks"]].count(1) == 2


def test_a_temporary_directory_of_the_job_need_not_be_bound(image, site):
    for bind in ([], [site]):
        words = image.inside("mpirun", "-n", "2", "pystamps-hpc", "doctor", "mpi", bind=bind)
        ended = image.call(words, TMPDIR=str(site))
        assert ended.returncode == 0, ended.stderr
        assert ("using /tmp" in ended.stderr) == (not bind)


def test_an_arbitrary_user_without_a_home_runs_it(image, tmp_path):
    tmp_path.chmod(0o777)
    nobody = ["setpriv", "--reuid=4711", "--regid=4711", "--clear-groups", "env", "HOME=/absent"]
    words = [image.tool, "exec", image.path, "pystamps-hpc", "selftest"]
    ended = image.call([*nobody, *words], TMPDIR="/tmp")
    assert ended.returncode == 0, ended.stderr
    assert "atplotlib" not in ended.stderr


def test_the_image_says_what_is_in_it(image):
    shown = image.call(image.inside("cat", "/opt/pystamps-hpc/share/sbom.cdx.json"))
    names = {part["purl"].partition("@")[0] for part in json.loads(shown.stdout)["components"]}
    assert {"pkg:pypi/numpy", f"pkg:pypi/{image.mpi}", "pkg:deb/debian/libgomp1"} <= names


def test_a_template_runs_the_image(cluster, image, dataset, undisturbed, site):
    # the templates call "apptainer"
    tools = site / "bin"
    tools.mkdir()
    apptainer = tools / "apptainer"
    apptainer.write_text(f'#!/bin/sh\nexec {" ".join(ALONE)} {image.tool} "$@"\n')
    apptainer.chmod(0o755)
    sent = cluster.call(
        "sbatch", "--parsable", "--nodes=2", "--ntasks-per-node=2", "--cpus-per-task=1",
        "--mem-per-cpu=1000M", TEMPLATES / "multi_node.sbatch", cwd=site,
        env={
            "DATASET": str(dataset),
            "IMAGE": image.path,
            "MPI_TYPE": image.pmi,
            "PATH": f"{tools}:{cluster.environment['PATH']}",
        },
    )  # fmt: skip
    assert sent.returncode == 0, sent.stderr
    number = sent.stdout.strip()
    job = cluster.wait(number, "COMPLETED", "FAILED", "CANCELLED")
    assert job.state == "COMPLETED", (site / f"pystamps-{number}.log").read_text()
    assert digests(dataset) == undisturbed


def test_a_launcher_that_does_not_fit_is_told(cluster, image):
    doctor = image.inside("pystamps-hpc", "doctor", "mpi")
    ended = cluster.call("srun", "--mpi=none", "-N2", "-n2", "--mem-per-cpu=500M", *doctor)
    assert ended.returncode == 5
    assert "launcher and library do not match" in ended.stderr
