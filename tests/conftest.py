"""Fixtures that several packages share."""

import os
import shutil
import sys

import pytest

from pystamps_hpc.cli.environment import prepare
from pystamps_hpc.tools.simulate import Options, simulate
from pystamps_kernels.cuda.cupy_device import CupyDevice
from pystamps_kernels.cuda.device import using

from . import stub_chain
from .kernels.cuda.fake_cupy import FakeCupy

prepare(os.environ)  # as the command does, so that both use the same compiled kernels


@pytest.fixture
def stubs(monkeypatch):
    """Replace the stages by stubs, see :mod:`tests.stub_chain`."""
    made = stub_chain.Stubs()
    stub_chain.install(monkeypatch, made)
    yield made
    stub_chain.forget()


@pytest.fixture
def tree(tmp_path):
    """An empty dataset of two patches."""
    return stub_chain.make_tree(tmp_path / "data")


@pytest.fixture(scope="session")
def simulated(tmp_path_factory):
    """Candidates of two patches in 8 images, to be copied or only looked at."""
    root = tmp_path_factory.mktemp("simulated") / "scene"
    simulate(root, Options(candidates=600, images=8, patches=(2, 1)))
    return root


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """Where the CUDA sources are kept that a C++ compiler has compiled, once for all tests."""
    if shutil.which("g++") is None:
        pytest.skip("no g++")
    return tmp_path_factory.mktemp("cuda")


@pytest.fixture
def cupy(built, monkeypatch):
    """What stands in for the module CuPy."""
    made = FakeCupy(built)
    monkeypatch.setitem(sys.modules, "cupy", made)
    return made


@pytest.fixture
def late(cupy):
    """A device in use by CuPy's calls, which does nothing before someone waits for it."""
    with using(CupyDevice(0)) as device:
        yield device
