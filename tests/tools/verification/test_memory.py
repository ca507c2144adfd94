"""A large tree is compared in blocks: memory stays bounded whatever its size."""

import subprocess
import sys

import numpy as np
import pytest

from pystamps_hpc.dataset.mat import Stream, write_mat

N_PS, N_IFG = 1_000_000, 32
LIMIT_MIB = 512

CHILD = """
import sys
from pystamps_hpc.tools.verification.compare import verify_run_against_golden
report = verify_run_against_golden(sys.argv[1], sys.argv[2])
assert [row["failing_keys"] for row in report.failed] == [["ph_uw"]], report.failed
assert report.failed[0]["worst"]["row"] == 765_432
# of this program alone: what getrusage tells begins with the size of the program that started it
status = open("/proc/self/status").read()
print(int(status.partition("VmHWM:")[2].split()[0]) // 1024)
"""


def blocks(dtype, spoilt):
    """Rows of a stack that follow from their number, one value of one row spoilt."""
    step = 50_000
    for first in range(0, N_PS, step):
        row = np.arange(first, first + step, dtype=np.float32)[:, None] * np.float32(1e-5)
        block = row + np.arange(N_IFG, dtype=np.float32)
        block = np.exp(1j * block) if dtype == np.complex64 else block
        if spoilt and first <= 765_431 < first + step:
            block[765_431 - first, 11] += 2 * np.pi
        yield slice(first, first + step), block.astype(dtype)


@pytest.mark.slow
def test_a_tree_of_a_gigabyte_is_compared_in_half_of_that(tmp_path):
    files = {
        "ph2": {"ph": np.complex64},
        "rc2": {"ph_rc": np.complex64, "ph_reref": np.complex64},
        "phuw2": {"ph_uw": np.float32},
        "scla2": {"ph_scla": np.float32},
    }
    size = 0
    for name in ("run", "golden"):
        (tmp_path / name).mkdir()
        for artifact, keys in files.items():
            spoilt = name == "run" and artifact == "phuw2"
            streams = {
                key: Stream((N_PS, N_IFG), np.dtype(dtype), blocks(dtype, spoilt))
                for key, dtype in keys.items()
            }
            path = tmp_path / name / f"{artifact}.mat"
            write_mat(path, streams, fsync=False)
            size += path.stat().st_size
    assert size > 2 * 1e9
    done = subprocess.run(
        [sys.executable, "-c", CHILD, tmp_path / "run", tmp_path / "golden"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    print(f"peak {done.stdout.strip()} MiB for {size / 1e9:.2f} GB")
    assert int(done.stdout) < LIMIT_MIB
