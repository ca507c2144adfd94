"""The sources of the CUDA kernels on a device that the processor stands in for."""

import pytest

from pystamps_kernels.cuda.device import using

from .stand_in import COMPILER, StandIn


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """Where the compiled sources are kept."""
    return tmp_path_factory.mktemp("cuda")


@pytest.fixture
def device(built):
    if COMPILER is None:
        pytest.skip("no g++")
    with using(StandIn(built)) as made:
        yield made
