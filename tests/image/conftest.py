"""The image that ``make test-image`` has built, and the cluster its ranks are started on."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.slurm.conftest import cluster
from tests.slurm.jobs import OUTSIDE, digests, environment, program

__all__ = ["cluster", "dataset", "image", "undisturbed"]


# Each container without privileges: a user namespace of its own, as Apptainer makes it.
ALONE = ("unshare", "--user", "--map-root-user") if os.getuid() == 0 else ()


class Image:
    """An image and the program that runs things in it.

    Nothing of the host is seen inside but home, /tmp, the working directory, /proc, /sys, /dev and
    what is bound.
    """

    def __init__(self, path: str, tool: str, mpi: str) -> None:
        self.path = path
        self.tool = str(Path(shutil.which(tool) or tool).absolute())
        self.mpi = mpi
        self.pmi = {"openmpi": "pmix", "mpich": "pmi2"}[mpi]

    def inside(self, *words, bind=()):
        """Return the command line that runs words in the image, which sees what is bound."""
        binds = ["--bind", ",".join(map(str, bind))] if bind else []
        return [*ALONE, self.tool, "exec", *binds, self.path, *map(str, words)]

    def call(self, words, **variables):
        """Run a command line outside the image."""
        return subprocess.run(
            [str(word) for word in words], capture_output=True, text=True, timeout=600,
            env={**environment(), **variables}, check=False,
        )  # fmt: skip


@pytest.fixture(scope="session")
def image():
    path = os.environ.get("PYSTAMPS_HPC_TEST_IMAGE")
    if not path:
        pytest.skip("runs with make test-image")
    tool = os.environ.get("CONTAINER_TOOL", "apptainer")
    return Image(path, tool, os.environ.get("PYSTAMPS_HPC_TEST_MPI", "openmpi"))


@pytest.fixture(scope="session")
def site():
    """A directory that is not seen inside unless it is bound."""
    OUTSIDE.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="image-", dir=OUTSIDE))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def scene(image, site):
    """A small simulated dataset, made inside the image."""
    root = site / "scene"
    size = ("--candidates", "1500", "--images", "6")
    made = image.call(image.inside("pystamps-hpc", "simulate", root, *size, bind=[site]))
    assert made.returncode == 0, made.stderr
    return root


@pytest.fixture
def dataset(scene, site):
    root = Path(tempfile.mkdtemp(prefix="data-", dir=site))
    shutil.copytree(scene, root, dirs_exist_ok=True)
    yield root
    shutil.rmtree(root)


@pytest.fixture(scope="session")
def undisturbed(image, scene):
    """Digests of all artifacts after a run on one process inside the image."""
    root = shutil.copytree(scene, scene.with_name("undisturbed"))
    words = [image.tool, "run", "--bind", root, image.path, "run", "--dataset", root]
    ended = image.call([*ALONE, *words])
    assert ended.returncode == 0, ended.stderr
    return digests(root)


@pytest.fixture(scope="session")
def mpirun(image):
    """The launcher of the host, from the environment the tests run in: an Open MPI."""
    if image.mpi != "openmpi":
        pytest.skip("the host's mpirun is of another MPI than the image")
    return program().with_name("mpirun")
