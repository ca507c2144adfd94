"""Octave makes the velocities of our artifacts: by the method's words, and by StaMPS' plotting."""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from pystamps_hpc.dataset.mat import read_mat

from . import chains

SCRIPTS = Path(__file__).parents[1] / "octave"
STAMPS = os.environ.get("STAMPS_ROOT", "")

MEAN_OF_SINGLES = 5e-5
"""Phases are single; so is StaMPS' plotting from there on [mm/yr]."""

pytestmark = pytest.mark.skipif(shutil.which("octave") is None, reason="Octave is not installed")


def by_octave(function, *arguments):
    """Return the numbers that an Octave function writes to its last argument."""
    out = Path(arguments[-1])
    words = ", ".join(f"'{word}'" for word in arguments)
    program = f"addpath('{SCRIPTS}'); {function}({words});"
    ended = subprocess.run(
        ["octave", "--no-gui", "--norc", "--quiet", "--eval", program],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return np.loadtxt(out)


def velocities_of(root):
    return read_mat(root / "mean_v.mat")["mean_v"].ravel()


def test_velocities_are_those_that_octave_makes_of_the_artifacts(first_pass, tmp_path):
    found = by_octave("line_of_sight_velocity", first_pass, tmp_path / "v.txt")
    np.testing.assert_allclose(found, velocities_of(first_pass), rtol=0, atol=MEAN_OF_SINGLES)
    table = np.loadtxt(first_pass / "products" / "velocity.csv", delimiter=",", skiprows=1)
    np.testing.assert_allclose(table[:, 5], found, rtol=0, atol=5.1e-4)


@pytest.mark.skipif(not STAMPS, reason="$STAMPS_ROOT does not say where StaMPS is")
def test_stamps_own_plotting_gives_the_same_velocities(first_pass, tmp_path):
    tree = chains.copy(first_pass, tmp_path / "tree")
    found = by_octave("stamps_velocity", STAMPS, tree, tmp_path / "v.txt")
    np.testing.assert_allclose(found, velocities_of(first_pass), rtol=0, atol=MEAN_OF_SINGLES)
