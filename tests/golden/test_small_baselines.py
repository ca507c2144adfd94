"""The table of small baselines, and ramps of stage 7, on what StaMPS makes of the golden set."""

import json
from dataclasses import replace

import numpy as np
import pytest

from pystamps_hpc.config import RunConfig
from pystamps_hpc.dataset import parameters
from pystamps_hpc.parallel.context import Context, QuietLog
from pystamps_hpc.pipeline.loading import load_inputs
from pystamps_hpc.pipeline.table import task
from pystamps_hpc.tools.products.velocity_csv import velocity_csv
from pystamps_hpc.tools.verification.compare.consistency import verify_run_alone
from pystamps_kernels.dispatch import table

from .parity import golden_root

pytestmark = [pytest.mark.golden, pytest.mark.usefixtures("golden")]

ALL = np.arange(2927)


def stored(name):
    return np.load(golden_root() / "products" / "sb-small" / f"{name}.npz")


@pytest.fixture(scope="module")
def root():
    return golden_root() / "sb-small" / "expected"


def test_the_table_of_small_baselines_has_the_images(root, tmp_path):
    lines = velocity_csv(root, tmp_path / "velocity.csv").read_text().splitlines()
    dates = lines[0].split(",")[7:]
    assert len(dates) == 14
    assert len(lines) == 2928
    values = np.array([line.split(",")[5:] for line in lines[1:]], float)
    velocity = stored("default")["V-do.ph_disp"][:, 0]
    np.testing.assert_allclose(values[:, 0], velocity, atol=6e-4)
    assert not values[:, 2 + dates.index("2016-09-11")].any()  # the master
    assert json.loads((tmp_path / "velocity.json").read_text())["value_type"] == "V-do"


@pytest.fixture(scope="module")
def deramped(golden):
    """Outputs of stages 7 and 8 with scla_deramp."""
    dataset = golden("sb-small").tree(8, "merged")
    parms = parameters.load(dataset.root).with_values({"scla_deramp": "y"})
    look_angle, noise = (task(stage, "merged", "sb").spec for stage in (7, 8))
    ctx = Context(
        table("native", "single"),
        RunConfig().with_values({"compat.arithmetic": "single"}).resolved(),
        log=QuietLog(),
    )
    found = look_angle.solve(
        load_inputs(look_angle.inputs, dataset.root, parms),
        parms.to_params(look_angle.params),
        ctx,
    )
    inputs = replace(
        load_inputs(noise.inputs, dataset.root, parms),
        scla_phase=found.scla_phase,
        offset=found.offset,
        ramp=found.ramp,
    )
    return found, noise.solve(inputs, parms.to_params(noise.params), ctx)


def test_ramps_of_small_baselines_are_those_of_stamps(deramped):
    found, noise = deramped
    expected = stored("scla_deramp-artifacts")
    pairs = {
        "scla2.K_ps_uw": (found.slope, 1e-8),
        "scla2.C_ps_uw": (found.offset, 5e-6),
        "scla2.ph_ramp": (found.ramp, 5e-6),
        "scla_sb2.K_ps_uw": (found.pair_slope, 1e-8),
        "scla_sb2.ph_ramp": (found.pair_ramp, 2e-5),  # coefficients of StaMPS are single
        "scla_smooth_sb2.K_ps_uw": (found.smooth_slope, 1e-8),
        "scn2.ph_hpt": (noise.high_pass, 5e-6),
        "scn2.ph_scn_slave": (noise.scn, 5e-6),
    }
    for name, (values, atol) in pairs.items():
        wanted = expected[name].reshape(-1, *np.asarray(values[:]).shape[1:])
        rows = slice(None) if len(wanted) == len(ALL) else slice(None, None, 11)
        np.testing.assert_allclose(values[:][rows], wanted, rtol=0, atol=atol, err_msg=name)


def test_the_golden_set_holds_what_small_baselines_have_to(root):
    report = verify_run_alone(root)
    assert report.failed == []
