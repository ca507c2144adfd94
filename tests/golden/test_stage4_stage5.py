"""Stages 4 and 5 on the golden sets: masks and row orders identical, noise to the last units."""

import importlib.util

import numpy as np
import pytest

from pystamps_hpc.parallel.context import QuietLog

SETS = ["ps-small", "selection", "residues", "sb-small"]
PATCHES = ["PATCH_1", "PATCH_2"]
BACKENDS = ["native", "python"]

pytestmark = pytest.mark.golden
needs_triangle = pytest.mark.skipif(
    importlib.util.find_spec("triangle") is None, reason="Triangle is not installed"
)


def assert_identical(found, expected, label, without=()):
    assert set(found) == set(expected), label
    for key in set(expected) - set(without):
        if expected[key].size:
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
@pytest.mark.parametrize(
    ("name", "backend"), [*((name, "native") for name in SETS), ("sb-small", "python")]
)
def test_the_merge_is_identical(golden, name, backend, arithmetic):
    found = golden(name).run(5, arithmetic=arithmetic, backend=backend)
    noise, expected = found.pop("ifgstd2")["ifg_std"], golden(name).artifact("root", "ifgstd2")
    np.testing.assert_allclose(
        noise, expected["ifg_std"], rtol=0 if arithmetic == "single" else 5e-6, atol=0
    )
    assert set(found) == {"ps2", "ph2", "pm2", "bp2", "hgt2", "la2", "inc2", "rc2"}
    for artifact, keys in found.items():
        assert_identical(keys, golden(name).artifact("root", artifact), artifact)
