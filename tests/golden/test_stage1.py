"""Stage 1 on the golden sets: every key identical, but for angles and interpolated grids."""

import numpy as np
import pytest

from pystamps_hpc.config import RunConfig
from pystamps_hpc.dataset import candidates, parameters
from pystamps_hpc.parallel.context import Context
from pystamps_hpc.stages import stage1
from pystamps_kernels import dispatch

from .parity import golden_root, values_of

pytestmark = pytest.mark.golden

ROUNDING = {"la1.la": 5e-16, "inc1.inc": 5e-16, "ps1.mean_incidence": 1e-14}


def run(golden, name, patch, *, arithmetic="single", backend="native", processor=None):
    """Run stage 1 from the set's input, sensor values resolved as the pipeline does."""
    dataset = golden(name).tree(1)
    values = parameters.load(dataset.directory(patch), dataset.root)
    if processor:
        values = values.with_values({"insar_processor": processor})
    values = values.with_values(candidates.sensor_parameters(dataset.root, values))
    config = RunConfig().with_values({"compat.arithmetic": arithmetic})
    context = Context(dispatch.table(backend, arithmetic), config)
    inputs = stage1.Inputs(candidates.read(dataset.directory(patch), values))
    outputs = stage1.solve(inputs, values.to_params(stage1.Params), context)
    written = {
        f"{artifact}.{key}": value
        for artifact, keys in values_of(outputs).items()
        for key, value in keys.items()
    }
    return written, context.log


def expected(golden, name, patch):
    artifacts = ("ps1", "ph1", "bp1", "la1", "inc1", "da1", "hgt1")
    return {
        f"{artifact}.{key}": value
        for artifact in artifacts
        if golden(name).has(patch, artifact)
        for key, value in golden(name).artifact(patch, artifact).items()
    }


def assert_equal(found, wanted, tolerances):
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        assert found[name].shape == value.shape, name
        assert found[name].dtype == value.dtype, name
        np.testing.assert_allclose(
            found[name], value, rtol=0, atol=tolerances.get(name, 0), err_msg=name
        )


@pytest.mark.parametrize("backend", ["native", "python"])
@pytest.mark.parametrize("patch", ["PATCH_1", "PATCH_2"])
def test_a_snap_patch_is_the_one_of_stamps(golden, patch, backend):
    found, log = run(golden, "ps-small", patch, backend=backend)
    assert_equal(found, expected(golden, "ps-small", patch), ROUNDING)
    assert log.facts == {"candidates": len(found["ps1.ij"])}
    assert log.warnings == []


@pytest.mark.parametrize("arithmetic", ["single", "double"])
@pytest.mark.parametrize("backend", ["native", "python"])
@pytest.mark.parametrize("patch", ["PATCH_1", "PATCH_2"])
def test_a_snap_patch_of_small_baselines_is_the_one_of_stamps(golden, patch, backend, arithmetic):
    found, log = run(golden, "sb-small", patch, backend=backend, arithmetic=arithmetic)
    # baselines are in double, so that the last bits of the look angle show
    last_bits = {"bp1.bperp_mat": 1e-13, "ps1.bperp": 1e-13, "ps1.mean_incidence": 2e-14}
    assert_equal(found, expected(golden, "sb-small", patch), {**ROUNDING, **last_bits})
    assert log.warnings == []


def test_double_arithmetic_changes_nothing_but_the_mean_baselines(golden):
    double, _ = run(golden, "ps-small", "PATCH_1", arithmetic="double")
    wanted = expected(golden, "ps-small", "PATCH_1")
    # the sequential single sum of the reference is off by up to 0.05 m
    assert_equal(double, wanted, {**ROUNDING, "ps1.bperp": 0.05})
    means = np.insert(wanted["bp1.bperp_mat"].astype(np.float64).mean(axis=0), 10, 0)
    np.testing.assert_array_equal(double["ps1.bperp"][:, 0], means.astype(np.float32))


@pytest.mark.parametrize("name", ["doris", "doris-sb"])
def test_a_doris_patch_is_the_one_of_stamps_up_to_the_cut_of_grid_cells(golden, name):
    found, _ = run(golden, name, "PATCH_1")
    inputs = golden(name).tree(1).root
    grids = {"la1.la": [inputs / "look_angle.1.in"], "bp1.bperp_mat": inputs.glob("bperp_*.1.in")}
    cells = {name: max(map(cell_tolerance, paths)) for name, paths in grids.items()}
    cells["la1.la"] *= np.pi / 180
    cells["bp1.bperp_mat"] += 2e-5  # and its rounding to single
    assert_equal(found, expected(golden, name, "PATCH_1"), cells)


def cell_tolerance(path):
    """Largest difference between bilinear and any cut of a cell into two planes."""
    nodes = np.array(path.read_text().split(), float).reshape(50, 50, 2)
    twist = nodes[:-1, :-1] - nodes[1:, :-1] - nodes[:-1, 1:] + nodes[1:, 1:]
    # heights above 1000 m would extrapolate; those of the set do not
    return np.abs(twist).max() / 4


def test_an_isce_patch_is_the_one_of_stamps(golden):
    found, _ = run(golden, "isce", "PATCH_1", processor="isce")
    assert_equal(found, expected(golden, "isce", "PATCH_1"), ROUNDING)


@pytest.mark.usefixtures("golden")
@pytest.mark.parametrize("name", ["ps-small", "loaders/doris", "sb-small", "loaders/doris-sb"])
def test_sensor_values_are_those_that_stamps_stores(name):
    root = golden_root() / name
    values = candidates.sensor_parameters(root / "input", parameters.load(root / "input"))
    stored = parameters.load(root / "expected")
    assert values == {key: stored.value(key) for key in values}
    assert {"heading", "lambda"} <= set(values)
