"""What StaMPS' own plotting gave for its finished tree, and what is made of the same tree here."""

import numpy as np
import pytest

from pystamps_hpc.stages.shared.velocity import fit_velocity, line_of_sight_velocity
from pystamps_hpc.tools.products.series import Line, displacements, plain_context, read_series

from .parity import golden_root

pytestmark = pytest.mark.golden

WAVELENGTH = 0.05546576
SINGLE_PLOTTING = 3e-5
"""StaMPS' plotting computes in single [mm/yr]."""


@pytest.fixture(scope="module")
def plotted():
    path = golden_root() / "products" / "ps-small" / "default.npz"
    if not path.exists():
        pytest.skip(f"no values of StaMPS' plotting in {path.parent}")
    return np.load(path)


@pytest.fixture(scope="module")
def series():
    root = golden_root() / "ps-small" / "expected"
    if not root.exists():
        pytest.skip(f"no golden tree {root}")
    return read_series(root, np.arange(9857))


@pytest.mark.parametrize("value_type", ["v", "v-d", "v-o", "v-do"])
def test_velocities_are_those_of_stamps_own_plotting(plotted, series, value_type):
    ctx = plain_context()
    rate = np.asarray(ctx.share(fit_velocity(value_type, series, ctx)))[:, 1]
    np.testing.assert_allclose(
        line_of_sight_velocity(rate, WAVELENGTH),
        plotted[f"{value_type}.ph_disp"].ravel(),
        rtol=0, atol=SINGLE_PLOTTING,
    )  # fmt: skip


@pytest.mark.parametrize("suffix", ["", "-d"])
def test_the_deviation_is_that_of_stamps_resampling_within_a_tenth(plotted, series, suffix):
    line = Line.of(series)
    blocks = displacements(f"v{suffix}", series, WAVELENGTH)
    found = np.concatenate([line.deviation(block) for _, block in blocks])
    ratio = found / plotted[f"vs{suffix}.ph_disp"].ravel()
    assert abs(np.median(ratio) - 1) < 0.1
    assert (np.abs(np.percentile(ratio, (5, 95)) - 1) < 0.4).all()
