"""Small baselines from the candidates to velocities in one leg.

The merge resamples to cells and stores their places in single, 0.5 m apart, weighed with coherences
that are off by 5e-7: cells change places in the order of rows, so they are matched by azimuth and
range. One of them takes another place on the grid of stage 6, whose nodes and arcs are then others;
what unwraps alike is alike again.
"""

import re

import numpy as np
import pytest

from pystamps_hpc.dataset.mat import read_mat
from pystamps_hpc.parallel.team import SerialTeam
from pystamps_hpc.pipeline.stages import run_pipeline
from pystamps_hpc.pipeline.types import PipelineContext
from pystamps_hpc.tools.verification.compare import velocity_agreement

from .parity import config_of, golden_root

pytestmark = pytest.mark.golden
EXPECTED = golden_root() / "sb-small" / "expected"


@pytest.fixture(scope="module")
def root(golden):
    """The set after stages 1 to 8 on their own results."""
    root = golden("sb-small").tree(1, copy=True).root
    context = PipelineContext(root, config_of("single", "native"))
    assert run_pipeline(context, team=SerialTeam()).ok
    return root


def rows_of(tree):
    """Return the keys of ps2, rc2 and pm2, and the rows in the order of azimuth and range."""
    keys = {
        **read_mat(tree / "rc2.mat"),
        **read_mat(tree / "pm2.mat"),
        **read_mat(tree / "ps2.mat"),
    }
    return keys, np.lexsort(keys["ij"][:, 2:0:-1].T)


def test_the_cells_are_those_of_stamps_at_their_places_and_with_their_phase(root):
    (run, ours), (golden, theirs) = rows_of(root), rows_of(EXPECTED)
    assert np.array_equal(run["ij"][ours, 1:], golden["ij"][theirs, 1:])
    for key, tolerance in (("lonlat", 2e-5), ("coh_ps", 1e-6), ("K_ps", 1e-7)):
        assert np.abs(run[key][ours] - golden[key][theirs]).max() < tolerance, key
    off = np.angle(run["ph_rc"][ours] * np.conj(golden["ph_rc"][theirs]))
    assert np.quantile(np.abs(off), 0.999) < 1e-4


def test_velocities_are_those_of_stamps_but_where_a_cell_unwraps_otherwise(root):
    told = velocity_agreement(root, EXPECTED)
    found = re.search(
        r"of ([\d,]+) points .* median of ([\d.]+) mm/yr, 99 % by less than (\S+),", told
    )
    assert found is not None, told
    n_ps, median, most = (float(word.replace(",", "")) for word in found.groups())
    assert n_ps == 2927
    assert median < 0.005
    assert most < 0.01
