"""The driver of SNAPHU: the cheapest cycles for given costs, and what happens when it fails."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pystamps_hpc.errors import StageError, ToolMissingError
from pystamps_hpc.programs.snaphu import find_snaphu, require_snaphu, run_snaphu

from ..stages.unwrapping import cheapest, cycles, total_cost, wrap

SNAPHU = find_snaphu("snaphu") or ""
needs_snaphu = pytest.mark.skipif(not SNAPHU, reason="SNAPHU is not installed")


@pytest.fixture(autouse=True)
def _scratch_folders_go_with_the_test(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def never():
    """Do not stop."""


def records(shape, offset=0, sigsq=10):
    """Uniform cost records of arcs with statistics."""
    return np.tile(np.array([offset, sigsq, 32000, -32000], np.int16), (*shape, 1))


def vortex_pair(shape):
    """Two opposite residues on a smooth background."""
    i, j = np.mgrid[: shape[0], : shape[1]]
    middle = shape[0] / 2 - 0.5
    turn = np.arctan2(i - middle, j - 1.5) - np.arctan2(i - middle, j - (shape[1] - 2.5))
    return np.exp(1j * turn).astype(np.complex64)


@needs_snaphu
def test_a_plane_steeper_than_half_a_cycle_is_exact_with_the_matching_gradient():
    i, j = np.mgrid[:12, :15]
    phase = 4.0 * i - 1.0 * j
    raster = np.exp(1j * phase).astype(np.complex64)
    expected = round(200 * (wrap(4.0) - 4.0) / (2 * np.pi))
    rows, cols = records((11, 15), -expected), records((12, 14))
    solution = run_snaphu(raster, rows, cols, SNAPHU, 0, never)
    unwrapped = solution.phase - solution.phase[0, 0] + phase[0, 0]
    np.testing.assert_allclose(unwrapped, phase, atol=1e-4)
    assert solution.cost == total_cost(phase, phase, rows, cols)


@needs_snaphu
def test_a_residue_pair_is_cut_along_the_cheapest_path():
    raster = vortex_pair((6, 8))
    rows, cols = records((5, 8)), records((6, 7))
    rows[2, 2:6, 1] = 5000  # the straight way between the residues is nearly free
    solution = run_snaphu(raster, rows, cols, SNAPHU, 0, never)
    down, right = cycles(np.angle(raster), solution.phase)
    np.testing.assert_array_equal(np.argwhere(down)[:, 0], 2)
    assert np.count_nonzero(down) == np.count_nonzero(down[2, 2:6]) == 4
    assert not right.any()


@needs_snaphu
@pytest.mark.parametrize("seed", range(4))
def test_the_cost_of_the_cycles_is_what_snaphu_reports_and_the_least_there_is(seed):
    """The least among solutions without cycles on corner column arcs, where SNAPHU puts none."""
    rng = np.random.default_rng(seed)
    raster = np.exp(1j * rng.uniform(-np.pi, np.pi, (3, 3))).astype(np.complex64)
    rows, cols = records((2, 3)), records((3, 2))
    for costs in (rows, cols):
        costs[..., 0] = rng.integers(-150, 150, costs.shape[:2])
        costs[..., 1] = rng.integers(1, 400, costs.shape[:2])
    solution = run_snaphu(raster, rows, cols, SNAPHU, 0, never)
    wrapped = np.angle(raster.astype(complex))
    assert solution.cost == total_cost(wrapped, solution.phase, rows, cols)
    assert solution.cost == cheapest(wrapped, rows, cols)


@needs_snaphu
def test_the_reported_cost_is_the_cost_of_the_cycles_on_a_raster_with_many_residues():
    rng = np.random.default_rng(7)
    raster = np.exp(1j * rng.uniform(-np.pi, np.pi, (40, 50))).astype(np.complex64)
    rows, cols = records((39, 50)), records((40, 49))
    for costs in (rows, cols):
        costs[..., 0] = rng.integers(-90, 90, costs.shape[:2])
        without = rng.random(costs.shape[:2]) < 0.3
        costs[without] = [0, 1, 32000, 1]
    solution = run_snaphu(raster, rows, cols, SNAPHU, 0, never)
    wrapped = np.angle(raster.astype(complex))
    assert solution.cost == pytest.approx(total_cost(wrapped, solution.phase, rows, cols), rel=1e-8)


def program(folder, text):
    """An executable that stands for SNAPHU."""
    path = Path(folder) / "solver"
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


LOG = "echo 'Total solution cost: 5';"


def test_a_program_that_cannot_be_started_is_told(tmp_path):
    raster, no_binary = np.ones((4, 4), np.complex64), program(tmp_path, "")
    Path(no_binary).write_bytes(b"\0")
    with pytest.raises(StageError, match=r"Exec format error; see .*snaphu-000001-"):
        run_snaphu(raster, records((3, 4)), records((4, 3)), no_binary, 0, never)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("echo out of cheese; exit 3", "status 3: out of cheese"),
        (LOG, "snaphu.out has 0 bytes, expected 64"),
        (LOG + "head -c 60 /dev/zero > snaphu.out", "has 60 bytes"),
        (LOG + "head -c 64 /dev/zero > snaphu.out", "parts of a cycle in 16 cells"),
        ("head -c 64 /dev/zero > snaphu.out", "parts of a cycle"),
    ],
)
def test_a_failed_run_names_cause_and_kept_folder(tmp_path, text, message):
    raster = np.full((4, 4), 1j, np.complex64)
    with pytest.raises(StageError, match=message) as caught:
        run_snaphu(raster, records((3, 4)), records((4, 3)), program(tmp_path, text), 6, never)
    folder = next(tmp_path.glob("pystamps-snaphu-000007-*"))
    assert str(folder) in str(caught.value)
    assert (folder / "snaphu.costinfile").stat().st_size == 8 * (2 * 16 - 8)


@needs_snaphu
def test_a_good_run_leaves_no_folder_behind(tmp_path):
    run_snaphu(vortex_pair((6, 8)), records((5, 8)), records((6, 7)), SNAPHU, 0, never)
    assert os.listdir(tmp_path) == []


def test_looking_for_snaphu_needs_no_numba():
    code = "import sys, pystamps_hpc.programs.snaphu; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_old_snaphu_is_refused(tmp_path):
    old = program(tmp_path, "echo 'snaphu v2.0.0'; " + LOG)
    with pytest.raises(StageError, match=r"version 2.0.0; 2.0.1 or later"):
        run_snaphu(np.ones((4, 4), np.complex64), records((3, 4)), records((4, 3)), old, 0, never)


def test_a_missing_program_says_how_to_get_it(tmp_path):
    assert find_snaphu(program(tmp_path, "")) == str(tmp_path / "solver")
    with pytest.raises(ToolMissingError, match=r"'no-such' not found .needed by stage 6.*unwrap"):
        require_snaphu("no-such")
