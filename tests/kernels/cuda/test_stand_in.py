"""The device of the tests finds what a real one would answer with silence or with chance."""

import numpy as np
import pytest

from . import stand_in as module

SOUND = """
__global__ void twice(const float *values, i64 n, float *out) {
    for (i64 i = first_item(); i < n; i += all_threads()) { out[i] = 2 * values[i]; }
}
"""
FAULTS = {
    "past the end": ("out[i]", "out[i + 1]", "writes past the end of an array"),
    "before the start": ("out[i]", "out[i - 1]", "writes before an array"),
    "another's result": ("2 * values[i]", "i ? out[i - 1] : 0", "order of the threads shows"),
    "one for all": ("out[i] = 2", "out[0] = i", "order of the threads shows"),
    "barrier in a branch": ("out[i]", "if (i) __syncthreads(); out[i]", "not reached by all"),
    "shared memory": (
        "for (",
        "SHARED(float, room); room[blockDim.x] = 1; for (",
        "shared memory is written past its end",
    ),
}


@pytest.fixture
def device(built, tmp_path, monkeypatch):
    monkeypatch.setitem(module.INSTANCES, "probe", ("twice",))
    common = module.text("samples").partition("// Arithmetic")[0]

    def of(source):
        monkeypatch.setattr(module, "text", lambda _: common + source)
        return module.StandIn(tmp_path)

    return of


def launched(device, n=40):
    values = device.upload(np.arange(n, dtype="f4"))
    out = device.empty((n,), "f4")
    device.launch("probe", "twice", 2, 16, values, n, out, shared=64)
    return np.asarray(out)


def test_a_sound_kernel_runs(device):
    np.testing.assert_array_equal(launched(device(SOUND)), 2 * np.arange(40))


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found(device, name):
    old, new, told = FAULTS[name]
    with pytest.raises(AssertionError, match=told):
        launched(device(SOUND.replace(old, new)))


def test_what_a_kernel_leaves_out_stays_poison(device):
    found = launched(device(SOUND.replace("out[i]", "if (i != 7) out[i]")))
    assert np.isnan(found[7])


def test_a_sum_of_floats_in_the_order_of_the_threads_does_not_compile(device):
    with pytest.raises(AssertionError, match="atomicAdd"):
        launched(device(SOUND.replace("out[i] = 2", "atomicAdd(out, 1.0f); out[i] = 2")))


@pytest.mark.parametrize(
    ("values", "n", "told"),
    [
        (np.zeros(4), 4, "argument 0 is float64, the source has float32"),
        (np.zeros(4, "f4"), 4.0, "the source has int64"),
    ],
)
def test_arguments_of_another_type_are_refused(device, values, n, told):
    probe = device(SOUND)
    with pytest.raises(AssertionError, match=told):
        probe.launch("probe", "twice", 1, 4, probe.upload(values), n, probe.empty((4,), "f4"))


def test_arrays_of_host_and_device_do_not_mix(device):
    probe = device(SOUND)
    with pytest.raises(TypeError, match="do not mix"):
        _ = probe.upload(np.zeros(3)) + np.ones(3)
    with pytest.raises(AssertionError, match="not on the device"):
        probe.launch("probe", "twice", 1, 4, np.zeros(4, "f4"), 4, probe.empty((4,), "f4"))
