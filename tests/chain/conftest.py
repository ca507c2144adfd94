"""Datasets that the chain tests share: simulated once, processed once."""

import json
import os
import subprocess

import pytest

from pystamps_hpc.programs.snaphu import find_snaphu
from pystamps_hpc.tools.simulate import Options, simulate

from . import chains


@pytest.fixture(scope="session")
def snaphu():
    """The real SNAPHU."""
    path = find_snaphu("snaphu")
    if path is None:
        pytest.skip("SNAPHU is not installed")
    return path


@pytest.fixture(scope="session")
def candidates(tmp_path_factory):
    """Four patches, and after stage 5 more than three units of rows: work for four ranks."""
    root = tmp_path_factory.mktemp("chain") / "candidates"
    simulate(root, Options(patches=(2, 2), candidates=17_000, images=6, seed=3))
    return root


@pytest.fixture(scope="session")
def reference(candidates):
    """The chain 1-8 by one process and one thread."""
    root = chains.copy(candidates, candidates.with_name("reference"))
    chains.run_chain(root, "--cpu-workers", "1", "--stage2-native-threads", "1")
    return root


@pytest.fixture(scope="session")
def few_candidates(tmp_path_factory):
    """As small as the stages allow: runs that are stopped many times."""
    root = tmp_path_factory.mktemp("small") / "candidates"
    simulate(root, Options(patches=(2, 1), candidates=3_000, images=8, seed=5))
    return root


@pytest.fixture(scope="session")
def first_pass(few_candidates):
    """The small chain 1-8, not interrupted."""
    root = chains.copy(few_candidates, few_candidates.with_name("first-pass"))
    chains.run_chain(root)
    return root


@pytest.fixture(scope="session")
def second_pass(first_pass):
    """Stages 6-8 forced on the small chain: unwrapped again without the look-angle error."""
    root = chains.copy(first_pass, first_pass.with_name("second-pass"))
    chains.run_chain(root, "--start-step", "6", "--end-step", "8", "--force")
    assert chains.artifacts(root) != chains.artifacts(first_pass)
    return root


@pytest.fixture(scope="session")
def snaphu_pass(first_pass, snaphu):
    """The same second pass, unwrapped by SNAPHU."""
    root = chains.copy(first_pass, first_pass.with_name("snaphu-pass"))
    config = root.with_suffix(".json")
    config.write_text(json.dumps({"runtime": {"stage6_solver": "snaphu"}}))
    chains.run_chain(root, "--start-step", "6", "--end-step", "8", "--force",
                     "--config", str(config))  # fmt: skip
    return root


@pytest.fixture
def fresh(few_candidates, tmp_path):
    """Candidates of two patches."""
    return chains.copy(few_candidates, tmp_path / "data")


@pytest.fixture
def finished(first_pass, tmp_path):
    """A dataset processed through stage 8."""
    return chains.copy(first_pass, tmp_path / "data")


@pytest.fixture
def small_disk(tmp_path):
    """Mount disks of a given size; only root may."""
    mounted = []

    def mount(size):
        folder = tmp_path / "disk"
        folder.mkdir()
        words = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
        done = os.geteuid() == 0 and subprocess.run(words, capture_output=True, check=False)
        if not done or done.returncode:
            pytest.skip("disks cannot be mounted here")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], check=False)
