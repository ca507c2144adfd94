"""Velocities of small baselines, and ramps of stage 7, on what StaMPS makes of the golden set."""

import json
from dataclasses import replace

import numpy as np
import pytest

from pystamps_hpc.config import RunConfig
from pystamps_hpc.dataset import parameters
from pystamps_hpc.parallel.context import Context, QuietLog
from pystamps_hpc.pipeline.loading import load_inputs
from pystamps_hpc.pipeline.table import task
from pystamps_hpc.stages.shared.reference_area import ReferenceArea, reference_ps
from pystamps_hpc.stages.shared.velocity import fit_velocity, line_of_sight_velocity
from pystamps_hpc.tools.products.files import read_artifact
from pystamps_hpc.tools.products.series import displacements, read_series
from pystamps_hpc.tools.products.velocity_csv import velocity_csv
from pystamps_hpc.tools.verification.compare.consistency import verify_run_alone
from pystamps_kernels.dispatch import table

from .parity import golden_root

pytestmark = [pytest.mark.golden, pytest.mark.usefixtures("golden")]

ALL = np.arange(2927)
CIRCLE = {"ref_centre_lonlat": (12.305, 44.095), "ref_radius": 700.0}


def stored(name):
    return np.load(golden_root() / "products" / "sb-small" / f"{name}.npz")


def context(arithmetic="single"):
    config = RunConfig().with_values({"compat.arithmetic": arithmetic})
    return Context(table("python", arithmetic), config.resolved(), log=QuietLog())


def rates(value_type, series, arithmetic="single"):
    ctx = context(arithmetic)
    return np.asarray(ctx.share(fit_velocity(value_type, series, ctx)))


@pytest.fixture(scope="module")
def root():
    return golden_root() / "sb-small" / "expected"


def towards(fit, root):
    return line_of_sight_velocity(fit[:, 1], parameters.load(root).value("lambda"))


@pytest.mark.parametrize("arithmetic", ["single", "double"])
@pytest.mark.parametrize("value_type", ["v", "v-d", "v-o", "v-do"])
def test_velocities_of_the_images_are_those_of_stamps(root, value_type, arithmetic):
    fit = rates(value_type, read_series(root, ALL), arithmetic)
    expected, name = stored("default"), value_type.capitalize()
    np.testing.assert_allclose(towards(fit, root), expected[f"{name}.ph_disp"][:, 0], atol=4e-6)
    np.testing.assert_allclose(fit[::11].T[0], expected[f"{name}.m"][0], atol=1e-6)
    np.testing.assert_allclose(fit[::11].T[1], expected[f"{name}.m"][1], atol=2e-9)


def test_dropped_pairs_do_not_change_the_velocity_of_images(root):
    fit = rates("v", read_series(root, ALL))
    np.testing.assert_allclose(towards(fit, root), stored("drop")["V.ph_disp"][:, 0], atol=2e-6)


def test_velocities_relative_to_a_circle_are_those_of_stamps(root):
    area = replace(parameters.load(root).to_params(ReferenceArea), **CIRCLE)
    points = read_artifact(root, "ps2", "lonlat", "xy", "ll0")
    chosen = reference_ps(area, points["lonlat"], points["xy"], points["ll0"])
    expected = stored("refcircle")
    np.testing.assert_array_equal(chosen + 1, expected["ref_ps"])
    velocity = towards(rates("v", read_series(root, chosen)), root)
    np.testing.assert_allclose(velocity, -expected["Vs.mean_v"], atol=3e-6)


def test_velocities_of_some_images_are_those_of_stamps(root):
    series = read_series(root, ALL)
    some = np.array([1, 2, 3, 8, 9, 10])  # of the list that StaMPS was given, without the master
    at = np.searchsorted(series.fitted, some)
    fit = rates("v", replace(series, fitted=some, covariance=series.covariance[np.ix_(at, at)]))
    np.testing.assert_allclose(towards(fit, root), -stored("list")["Vs.mean_v"], atol=5e-6)


@pytest.mark.parametrize("value_type", ["v", "v-do"])
def test_displacements_of_the_images_are_those_of_stamps(root, value_type):
    some = slice(0, None, 3)  # of which StaMPS wrote series
    whole = read_series(root, None)
    series = replace(
        whole,
        phase=whole.phase[:][some],
        scla_phase=whole.scla_phase[:][some],
        master_phase=whole.master_phase[some],
        xy=whole.xy[some],
        ref_ps=np.arange(976),
    )
    wavelength = parameters.load(root).value("lambda")
    found = np.vstack([mm for _, mm in displacements(value_type, series, wavelength)])
    path = golden_root() / "products" / "exports" / "sb-cut3" / "timeseries.npz"
    expected = np.load(path)[f"ts0_{value_type.capitalize()}.ph_mm"]
    np.testing.assert_allclose(found, expected, atol=2e-5)


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
