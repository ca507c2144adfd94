"""The table of small baselines, and ramps of stage 7, on what StaMPS makes of the golden set."""

import json
from dataclasses import replace

import numpy as np
import pytest

from pystamps_hpc.config import RunConfig
from pystamps_hpc.dataset import parameters
from pystamps_hpc.dataset.mat import write_mat
from pystamps_hpc.parallel.context import Context, QuietLog
from pystamps_hpc.pipeline.loading import load_inputs
from pystamps_hpc.pipeline.table import task
from pystamps_hpc.tools.products.time_series import read_series
from pystamps_hpc.tools.products.values import read_values
from pystamps_hpc.tools.products.velocity_csv import velocity_csv
from pystamps_hpc.tools.verification.compare.consistency import verify_run_alone
from pystamps_kernels.dispatch import table

from .parity import golden_root

pytestmark = [pytest.mark.golden, pytest.mark.usefixtures("golden")]

ALL = np.arange(2927)
WITHOUT_FIRST = np.array([[2.0, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14]])
"""Images from 1, without the first and the master."""


def stored(name):
    return np.load(golden_root() / "products" / "sb-small" / f"{name}.npz")


@pytest.fixture(scope="module")
def root():
    return golden_root() / "sb-small" / "expected"


@pytest.mark.parametrize("arithmetic", ["single", "double"])
@pytest.mark.parametrize("value_type", ["v", "v-d", "v-o", "v-do"])
def test_stage_8_fits_the_velocities_of_the_pairs_that_stamps_plots(
    golden, root, value_type, arithmetic
):
    dataset = golden("sb-small").tree(8, "merged")
    spec, parms = task(8, "merged", "sb").spec, parameters.load(dataset.root)
    config = {"compat.arithmetic": arithmetic, "output.mean_v_type": value_type}
    config = RunConfig().with_values(config)
    ctx = Context(table("native", arithmetic), config.resolved(), log=QuietLog())
    inputs = load_inputs(spec.inputs, dataset.root, parms)
    found = spec.solve(inputs, parms.to_params(spec.params), ctx)
    plotted = stored("default")
    velocity, line = plotted[f"{value_type}.ph_disp"][:, 0], plotted[f"{value_type}.m"]
    np.testing.assert_allclose(found.velocity, velocity, rtol=0, atol=4e-5)
    np.testing.assert_allclose(found.velocity_fit[0, ::11], line[0], rtol=0, atol=3e-6)
    np.testing.assert_allclose(found.velocity_fit[1, ::11], line[1], rtol=0, atol=3e-8)
    values = read_values(root, value_type, config=config)
    np.testing.assert_array_equal(found.velocity_fit.T, values.fit)
    assert found.value_type == value_type
    np.testing.assert_array_equal(found.velocity_ifgs, np.arange(42))


def test_the_table_of_small_baselines_has_the_images(root, tmp_path):
    lines = velocity_csv(root, tmp_path / "velocity.csv").read_text().splitlines()
    dates = lines[0].split(",")[7:]
    assert len(dates) == 14
    assert len(lines) == 2928
    values = np.array([line.split(",")[5:] for line in lines[1:]], float)
    velocity = stored("default")["v-do.ph_disp"][:, 0]
    np.testing.assert_allclose(values[:, 0], velocity, atol=6e-4)
    assert not values[:, 2 + dates.index("2016-09-11")].any()  # the master
    meaning = json.loads((tmp_path / "velocity.json").read_text())
    assert (meaning["value_type"], meaning["displacement_type"]) == ("v-do", "V-do")
    assert (meaning["images"], meaning["interferograms"]) == (14, 42)
    moved = read_series(root)
    expected = np.insert(moved.displacement[:], dates.index("2016-09-11"), 0, axis=1)
    np.testing.assert_allclose(values[:, 2:], expected, atol=6e-3)


@pytest.mark.parametrize(
    ("known", "value_type", "images", "columns"),
    [
        ({"value_type": "v-do", "unwrap_ifg_index": np.arange(3.0, 43)[None]}, "v-do", 14, 40),
        ({"value_type": "V-do", "unwrap_ifg_index": WITHOUT_FIRST}, "V-do", 13, 12),
        ({}, "v-do", 14, 42),
    ],
    ids=["of pairs", "of images", "of StaMPS"],
)
def test_the_table_has_what_the_line_of_mean_v_is_through(
    root, tmp_path, known, value_type, images, columns
):
    for path in root.glob("*.mat"):
        (tmp_path / path.name).symlink_to(path)
    write_mat(tmp_path / "mean_v.mat", {"m": np.zeros((2, len(ALL))), **known})
    velocity_csv(tmp_path, tmp_path / "velocity.csv")
    meaning = json.loads((tmp_path / "velocity.json").read_text())
    assert meaning["value_type"] == value_type
    assert meaning["displacement_type"] == value_type.capitalize()
    assert (meaning["images"], meaning["interferograms"]) == (images, columns)
    of_images = value_type.startswith("V")
    assert meaning["interferograms_are"] == (
        "images against the master" if of_images else "pairs of images"
    )


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
