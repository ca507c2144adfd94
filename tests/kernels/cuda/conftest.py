"""The devices that the CUDA kernels are tested on: the processor in its place, and a real one."""

import pytest

from pystamps_kernels.cuda.cupy_device import CupyDevice
from pystamps_kernels.cuda.device import unavailable_reason, using

from .stand_in import StandIn


@pytest.fixture
def stand_in(built):
    """A device that the processor stands in for, in use."""
    with using(StandIn(built)) as device:
        yield device


@pytest.fixture(params=["processor", "gpu"])
def device(request):
    """A device in use, of either kind."""
    if request.param == "processor":
        yield request.getfixturevalue("stand_in")
        return
    if reason := unavailable_reason():
        pytest.skip(reason)
    with using(CupyDevice(0)) as found:
        yield found
