"""Every CUDA source compiles, and for the devices that clusters have without spilling registers."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from benchmarks import nvrtc
from pystamps_kernels.cuda.sources import INSTANCES

ARCHITECTURES = ("sm_70", "sm_80", "sm_90", "sm_100")
LIBRARIES = nvrtc.libraries()


def compiler_for(architecture):
    """Return the newest compiler that knows an architecture; sm_70 went with CUDA 13."""
    for path in LIBRARIES:
        found = nvrtc.compiler(path)
        if int(architecture.partition("_")[2]) in found.architectures():
            return found
    return None


@pytest.fixture(scope="module")
def compiled():
    """Return what the assembler says, ``compiled(source, architecture)``; all cores compile."""
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        logs = {
            (source, architecture): pool.submit(found.compiled, source, architecture)
            for architecture in ARCHITECTURES
            if (found := compiler_for(architecture))
            for source in INSTANCES
        }
        yield lambda *wanted: logs[wanted].result()
        for log in logs.values():
            log.cancel()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("source", INSTANCES)
def test_a_source_compiles(source, architecture):
    virtual = architecture.replace("sm", "compute")  # not assembled, which takes four times as long
    if not (found := compiler_for(virtual)):
        pytest.skip(f"no NVRTC for {virtual}: pip install 'pystamps-hpc[nvrtc]'")
    found.compiled(source, virtual)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("source", INSTANCES)
def test_a_source_is_assembled(request, source, architecture):
    if not compiler_for(architecture):
        pytest.skip(f"no NVRTC for {architecture}: pip install 'pystamps-hpc[nvrtc]'")
    log = request.getfixturevalue("compiled")(source, architecture)
    found = list(nvrtc.resources(log))
    assert {row.kernel for row in found} == set(INSTANCES[source])
    assert not any(row.spilled for row in found), found


def test_what_the_assembler_says_is_read():
    log = (
        "ptxas info    : Compiling entry function '_Z3fitI6float2dEvPKT_' for 'sm_90'\n"
        "ptxas         .     40 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n"
        "ptxas info    : Used 80 registers, used 1 barriers\n"
    )
    assert list(nvrtc.resources(log)) == [nvrtc.Resources("fit<float2, double>", 80, 0)]


def test_a_name_with_classes_of_two_words_is_read():
    assert nvrtc.demangled("_Z9add_pairsItEvPKfS1_") == "add_pairs<unsigned short>"
    assert nvrtc.demangled("_Z9histogramIdEvPKT_") == "histogram<double>"


def test_registers_threads_and_shared_memory_bound_the_warps_in_use():
    assert nvrtc.occupancy(32, 256) == 1
    assert nvrtc.occupancy(80, 256) == 3 * 8 / 64
    assert nvrtc.occupancy(80, 32) == 25 / 64
    assert nvrtc.occupancy(32, 256, 100 * 1024) == 2 * 8 / 64
    assert nvrtc.occupancy(32, 32) == 32 / 64
