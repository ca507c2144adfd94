"""The image that ``make test-image`` has built, and the cluster its ranks are started on."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.slurm.conftest import cluster
from tests.slurm.jobs import RANKS_ANYWHERE, digests, program

__all__ = ["cluster", "dataset", "image", "undisturbed"]


class Image:
    """An image and the program that runs things in it."""

    def __init__(self, path: str, tool: str) -> None:
        self.path = path
        self.tool = str(Path(shutil.which(tool) or tool).absolute())

    def inside(self, *words):
        """Return the command line that runs words in the image."""
        return [self.tool, "exec", self.path, *map(str, words)]

    def call(self, words, **environment):
        """Run a command line outside the image."""
        return subprocess.run(
            [str(word) for word in words], capture_output=True, text=True, timeout=600,
            env={**os.environ, **RANKS_ANYWHERE, **environment}, check=False,
        )  # fmt: skip


@pytest.fixture(scope="session")
def image():
    path = os.environ.get("PYSTAMPS_HPC_TEST_IMAGE")
    if not path:
        pytest.skip("runs with make test-image")
    return Image(path, os.environ.get("CONTAINER_TOOL", "apptainer"))


@pytest.fixture(scope="session")
def scene(image, tmp_path_factory):
    """A small simulated dataset, made inside the image."""
    root = tmp_path_factory.mktemp("image") / "scene"
    size = ("--candidates", "1500", "--images", "6")
    made = image.call(image.inside("pystamps-hpc", "simulate", root, *size))
    assert made.returncode == 0, made.stderr
    return root


@pytest.fixture
def dataset(scene, tmp_path):
    return shutil.copytree(scene, tmp_path / "data")


@pytest.fixture(scope="session")
def undisturbed(image, scene):
    """Digests of all artifacts after a run on one process inside the image."""
    root = shutil.copytree(scene, scene.with_name("undisturbed"))
    ended = image.call([image.tool, "run", image.path, "run", "--dataset", root])
    assert ended.returncode == 0, ended.stderr
    return digests(root)


@pytest.fixture(scope="session")
def mpirun():
    """The launcher of the host, from the environment the tests run in."""
    return program().with_name("mpirun")
