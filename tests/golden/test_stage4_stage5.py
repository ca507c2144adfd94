"""Stages 4 and 5 on the golden sets: masks and row orders identical, noise to the last units."""

import importlib.util
from dataclasses import replace

import numpy as np
import pytest

from pystamps_hpc.config import RunConfig
from pystamps_hpc.dataset import parameters
from pystamps_hpc.dataset.mat import read_mat
from pystamps_hpc.dataset.tree import patch_core
from pystamps_hpc.parallel.context import Context, QuietLog
from pystamps_hpc.pipeline.loading import load_inputs
from pystamps_hpc.stages.base import artifact_fields
from pystamps_hpc.stages.stage5_merge import place, unit_phase
from pystamps_hpc.stages.stage5_merge.merging import PatchPS
from pystamps_hpc.stages.stage5_merge.resample import resampled
from pystamps_kernels import dispatch

from .parity import golden_root

SETS = ["ps-small", "selection", "residues"]
PATCHES = ["PATCH_1", "PATCH_2"]
BACKENDS = ["native", "python"]

pytestmark = pytest.mark.golden
needs_triangle = pytest.mark.skipif(
    importlib.util.find_spec("triangle") is None, reason="Triangle is not installed"
)


def assert_identical(found, expected, label, without=()):
    assert set(found) == set(expected), label
    for key in set(expected) - set(without):
        assert found[key].dtype == expected[key].dtype, f"{label}.{key}"
        np.testing.assert_array_equal(found[key], expected[key], err_msg=f"{label}.{key}")


@needs_triangle
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("arithmetic", ["single", "double"])
@pytest.mark.parametrize("patch", PATCHES)
@pytest.mark.parametrize("name", SETS)
def test_stage_4_keeps_the_same_points(golden, name, patch, arithmetic, backend):
    log = QuietLog()
    found = golden(name).run(4, patch, arithmetic=arithmetic, backend=backend, log=log)["weed1"]
    expected = golden(name).artifact(patch, "weed1")
    assert_identical(found, expected, "weed1", without=("ps_std", "ps_max"))
    for key, tolerance in (("ps_std", 5e-7), ("ps_max", 4e-6)):
        assert found[key].dtype == expected[key].dtype
        np.testing.assert_allclose(found[key], expected[key], rtol=0, atol=tolerance)
    assert log.facts["weeded"] == int(expected["ix_weed"].sum())


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("patch", PATCHES)
@pytest.mark.parametrize("name", SETS)
def test_promotion_is_identical(golden, name, patch, backend):
    found = golden(name).run(5, patch, arithmetic="double", backend=backend)
    assert set(found) == {"ps2", "ph2", "pm2", "bp2", "hgt2", "la2", "rc2"}
    for artifact, keys in found.items():
        assert_identical(keys, golden(name).artifact(patch, artifact), artifact)


@pytest.mark.parametrize("arithmetic", ["single", "double"])
@pytest.mark.parametrize("name", SETS)
def test_the_merge_is_identical(golden, name, arithmetic):
    found = golden(name).run(5, arithmetic=arithmetic)
    noise, expected = found.pop("ifgstd2")["ifg_std"], golden(name).artifact("root", "ifgstd2")
    np.testing.assert_allclose(
        noise, expected["ifg_std"], rtol=0 if arithmetic == "single" else 5e-6, atol=0
    )
    assert set(found) == {"ps2", "ph2", "pm2", "bp2", "hgt2", "la2", "inc2", "rc2"}
    for artifact, keys in found.items():
        assert_identical(keys, golden(name).artifact("root", artifact), artifact)


@pytest.mark.parametrize("backend", BACKENDS)
def test_cells_of_the_resampling_merge_are_identical(backend):
    root = golden_root() / "sb-small"
    if not root.exists():
        pytest.skip(f"no golden data in {root}")
    config = RunConfig().with_values({"compat.arithmetic": "single"})
    ctx = Context(dispatch.table(backend, "single"), config)
    values = parameters.load(root / "expected")
    patches = []
    for name in PATCHES:
        patch = load_inputs(PatchPS, root / "expected" / name, values)
        patch = replace(patch, core=patch_core(root / "input" / name))
        patches.append(resampled(patch, values.value("merge_resample_size"), np.inf, ctx))
    row = np.arange(sum(patch.n_ps for patch in patches))
    where, xy, _, _ = place(patches, row, values.value("heading"), ctx)

    expected = {name: read_mat(root / "expected" / f"{name}.mat")
                for name in ("ps2", "ph2", "pm2", "bp2", "rc2", "hgt2", "la2")}  # fmt: skip
    np.testing.assert_array_equal(xy, expected["ps2"]["xy"][:, 1:])
    keys = [f"{field.artifact}.{field.key}" for field in artifact_fields(PatchPS)]
    for key, field in zip(keys, artifact_fields(PatchPS), strict=True):
        artifact, name = key.split(".")
        parts = [getattr(patch, field.name) for patch in patches]
        if artifact not in expected or (artifact == "ps2" and name != "lonlat") or parts[0] is None:
            continue
        found = np.concatenate(parts)[where]
        if name == "ph_rc":
            found = unit_phase(found, ctx.kernels)[:]
        wanted = expected[artifact][name]
        np.testing.assert_array_equal(found.reshape(wanted.shape), wanted, err_msg=key)
    pixel = np.concatenate([patch.ij for patch in patches])[where, 1:]
    np.testing.assert_array_equal(pixel, expected["ps2"]["ij"][:, 1:])
