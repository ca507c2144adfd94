"""The cluster that the tests on a real SLURM run on, see ``make test-slurm``."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from .cluster import Cluster, missing, running_cluster
from .jobs import OUTSIDE, digests, environment, program


@pytest.fixture(scope="session")
def cluster():
    """The cluster of ``$SLURM_CONF``, else one of our own."""
    if not ({"PYSTAMPS_HPC_TEST_SLURM", "PYSTAMPS_HPC_TEST_IMAGE"} & set(os.environ)):
        pytest.skip("runs with make test-slurm")
    folder = str(program().parent)
    settings = {**environment(), "PATH": f"{folder}:{os.environ['PATH']}"}
    if "SLURM_CONF" in os.environ:
        yield Cluster(settings)
        return
    if reason := missing():
        pytest.fail(f"{reason}; apt-get install slurm-wlm munge libpmix-dev, or set SLURM_CONF")
    OUTSIDE.mkdir(exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="slurm-", dir=OUTSIDE))
    try:
        with running_cluster(home) as running:
            yield Cluster({**settings, "SLURM_CONF": running.environment["SLURM_CONF"]})
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def scene(cluster, tmp_path_factory):
    """A small simulated dataset of two patches, candidates only."""
    root = tmp_path_factory.mktemp("slurm") / "scene"
    made = cluster.call(program(), "simulate", root, "--candidates", "1500", "--images", "6")
    assert made.returncode == 0, made.stderr
    return root


@pytest.fixture(scope="session")
def undisturbed(cluster, scene):
    """Digests of all artifacts after a run on one process without SLURM."""
    root = scene.with_name("undisturbed")
    shutil.copytree(scene, root)
    ended = cluster.call(program(), "run", "--dataset", root)
    assert ended.returncode == 0, ended.stderr
    return digests(root)


@pytest.fixture
def dataset(scene, tmp_path):
    """A copy of the scene for one test."""
    return shutil.copytree(scene, tmp_path / "data")
