"""The threads of the native kernels: any layer serves, and one that is asked for must be there."""

import os
import subprocess
import sys

import pytest

TWO_THREADS = """
import sys
from concurrent.futures import ThreadPoolExecutor
import numpy as np
from pystamps_kernels.dispatch import table, threading_layer

kernels = table("native", "double")
phasors = np.exp(1j * np.arange(3e6)).astype(np.complex64).reshape(-1, 10)
with ThreadPoolExecutor(4) as pool:
    found = list(pool.map(lambda _: kernels.stage2_angle(phasors).tobytes(), range(40)))
assert len(set(found)) == 1
print(threading_layer())
"""

SAY_WHY = """
from pystamps_kernels.dispatch import unavailable_reason
print(unavailable_reason("native"))
"""


def python(text, **environment):
    known = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_TH")}
    return subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=False, timeout=300,
        env={**known, "NUMBA_NUM_THREADS": "2", **environment},
    )  # fmt: skip


@pytest.mark.parametrize("layer", ["omp", "tbb", "workqueue"])
def test_every_layer_survives_kernels_in_several_python_threads(layer):
    ended = python(TWO_THREADS, NUMBA_THREADING_LAYER=layer)
    if "threading layer could be loaded" in ended.stderr:
        pytest.skip(f"{layer} is not installed")
    assert (ended.returncode, ended.stdout.strip()) == (0, layer), ended.stderr


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("NUMBA_THREADING_LAYER", "fast", "'fast' is unknown to Numba (NUMBA_THREADING_LAYER=fast"),
        ("NUMBA_NUM_THREADS", "0", "must be > 0 (NUMBA_NUM_THREADS=0)"),
    ],
)
def test_what_keeps_numba_from_starting_is_told_in_one_line(name, value, why):
    ended = python(SAY_WHY, **{name: value})
    (line,) = ended.stdout.splitlines()
    assert line.startswith("numba is installed but does not start: ")
    assert why in line
