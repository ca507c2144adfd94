"""How large a stack may be on a device is known before work."""

import numpy as np
import pytest

from benchmarks.nvrtc import Idle
from pystamps_kernels.cuda.device import DeviceMemoryError, using
from pystamps_kernels.cuda.limits import LIMITS

from .test_kernels import CUDA, arguments_of, results, some_rows

H100, V100 = 227 * 1024, 96 * 1024

IMAGES = {
    "stage6_network_smooth": lambda call: len(call[1]),
    "stage6_held_smooth": lambda call: call[2].shape[1],
    "stage6_anneal": lambda call: len(call[3]),
}
"""Number of images of a call."""

OF_MORE = {
    "stage6_look_angle", "stage3_bootstrap_deviation", "stage8_spatial_variogram",
    "stage8_edge_noise",
}  # fmt: skip
"""Kernels whose shared memory depends on more than the stack, or not on it."""


@pytest.fixture
def idle():
    """A device in use on which nothing is computed."""
    with using(Idle()) as device, np.errstate(all="ignore"):
        yield device


def few(name):
    call = arguments_of(name)[0]
    if "edge_stats" in name:
        return (call[0], call[1][:40], call[2][:40], *call[3:])
    return some_rows((name, ""), call, slice(0, 2))


@pytest.mark.parametrize("name", LIMITS)
def test_a_kernel_asks_for_the_shared_memory_that_is_told_before_work(idle, name):
    call = few(name)
    images = IMAGES.get(name, lambda call: 0)(call)
    idle.shared_bytes = LIMITS[name].room(call[0].shape[1], images)
    results((name, "double"), call)
    assert max(shared for _, shared in idle.blocks.values()) <= idle.shared_bytes
    idle.shared_bytes -= 1
    with pytest.raises(DeviceMemoryError, match="set its backend to native"):
        results((name, "double"), call)


def test_no_kernel_has_a_limit_that_is_not_known(idle):
    idle.shared_bytes, limited = 64, set()
    for form in CUDA:
        try:
            results(form, few(form[0]))
        except DeviceMemoryError:  # there is enough of the other memory
            limited.add(form[0])
    assert limited == LIMITS.keys() | OF_MORE


@pytest.mark.parametrize("form", CUDA, ids=" ".join)
def test_a_kernel_without_memory_says_what_it_needs_before_it_asks_for_any(idle, monkeypatch, form):
    monkeypatch.setattr(idle, "free_bytes", lambda: 256)
    for taking in ("empty", "zeros", "upload"):
        monkeypatch.setattr(idle, taking, lambda *what: pytest.fail("memory is taken"))
    with pytest.raises(DeviceMemoryError, match=r"device 0 has 0 MiB free, \d+ MiB needed"):
        results(form, few(form[0]))


@pytest.mark.parametrize(
    ("name", "shared", "stack", "told"),
    [
        ("stage6_held_smooth", H100, (500, 170), "170 images take 233920 bytes"),
        ("stage6_held_smooth", V100, (500, 170), "enough for 109"),
        ("stage6_anneal", H100, (1482, 100), "enough for 1481"),
        ("stage6_anneal", V100, (1482, 100), "the device has 98304, enough for 598"),
        ("stage2_topofit", H100, (6000, 0), "6000 interferograms take"),
    ],
)
def test_what_is_too_long_is_told_with_the_number_that_is_not(name, shared, stack, told):
    limit = LIMITS[name]
    found = limit.exceeded(*stack, shared)
    assert told in found
    most = int(found.rpartition(" ")[2])
    largest = (stack[0], most) if limit.counted == "images" else (most, stack[1])
    assert limit.exceeded(*largest, shared) == ""
    assert limit.exceeded(largest[0] + 1, largest[1] + 1, shared)
