"""The model of memory: what it reads from a dataset, what it refuses, what it says."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pystamps_hpc.errors import DatasetError
from pystamps_hpc.parallel.memory import MemoryBudget
from pystamps_hpc.pipeline import expected_memory as model
from pystamps_hpc.pipeline.expected_memory import Expected, Extent
from pystamps_hpc.pipeline.table import task, tasks

EXTENT = Extent(300_000, 29, 600_000)
ROWS = {number: task(number, "patch", "ps") for number in (1, 2)}
SPEC = ROWS[2].spec


def positions(folder, lonlat, n_ifg=3, order=">"):
    np.asarray(lonlat, f"{order}f4").tofile(folder / "pscands.1.ll")
    np.zeros(n_ifg * len(lonlat), np.complex64).tofile(folder / "pscands.1.ph")


@pytest.mark.parametrize("row", tasks("ps"), ids=lambda row: f"{row.spec.number} {row.spec.scope}")
def test_every_stage_says_what_it_keeps(row):
    assert row.spec.keeps.point > 0


def test_more_ranks_share_the_merged_stages_but_no_patch():
    merged = task(7, "merged", "ps").spec
    assert model.least(merged, EXTENT, 4) < model.least(merged, EXTENT, 1)
    assert model.least(SPEC, EXTENT, 4) == model.least(SPEC, EXTENT, 1)


def test_a_plan_beyond_the_limit_is_refused_with_the_patch_that_fits():
    budget = MemoryBudget(5e8, 5e8, "runtime.memory_gb")
    expected = [Expected(ROWS[2], "PATCH_7", EXTENT, model.least(SPEC, EXTENT))]
    with pytest.raises(DatasetError, match="PATCH_7: stage 2 takes") as refused:
        model.require_memory(expected, budget)
    fit = model.fitting_points(SPEC, EXTENT, budget.limit)
    assert f"at most {fit:,} candidates" in str(refused.value)
    assert "runtime.memory_gb leaves 477 MiB" in str(refused.value)
    for points, fits in ((int(0.98 * fit), True), (int(1.02 * fit), False)):
        smaller = Extent(points, 29, 2 * points)
        assert (model.least(SPEC, smaller) <= budget.limit) == fits


def test_a_process_that_does_not_fit_alone_has_no_patch_that_would():
    one = Expected(ROWS[2], "PATCH_1", EXTENT, model.least(SPEC, EXTENT))
    with pytest.raises(DatasetError, match="no patch is that small"):
        model.require_memory([one], MemoryBudget(1e8, 1e8, "runtime.memory_gb"))


def test_what_fits_and_what_nothing_limits_is_not_refused():
    one = Expected(ROWS[2], "PATCH_1", EXTENT, 1e9)
    model.require_memory([one], MemoryBudget(1e9, 1e9, "runtime.memory_gb"))
    model.require_memory([replace(one, least=1e15)], MemoryBudget(1e8))
    model.require_memory([], MemoryBudget(1, 1, "runtime.memory_gb"))


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_grid_spans_the_positions_whatever_their_byte_order(tmp_path, order):
    rng = np.random.default_rng(0)
    lonlat = np.column_stack((rng.uniform(11, 11.2, 5000), rng.uniform(59.9, 60, 5000)))
    lonlat[:20] = 0  # no position
    positions(tmp_path, lonlat, order=order)
    extent = model.patch_extent(tmp_path, 50.0)
    assert (extent.points, extent.n_ifg) == (5000, 3)
    assert extent.cells == pytest.approx(0.2 * 0.5 * 0.1 * (111_195 / 50) ** 2, rel=0.05)


def test_a_patch_on_the_date_line_is_not_as_wide_as_the_earth(tmp_path):
    rng = np.random.default_rng(0)
    longitude = (rng.uniform(179.95, 180.05, 3000) + 180) % 360 - 180
    positions(tmp_path, np.column_stack((longitude, rng.uniform(0, 0.1, 3000))))
    cells = model.patch_extent(tmp_path, 50.0).cells
    assert cells == pytest.approx((0.1 * 111_195 / 50) ** 2, rel=0.05)


def test_the_line_says_limit_and_demand_apart():
    expected = [
        Expected(ROWS[1], "PATCH_1", EXTENT, 300 << 20),
        Expected(ROWS[2], "PATCH_1", EXTENT, 400 << 20),
        Expected(ROWS[2], "PATCH_2", EXTENT, 1500 << 20),
    ]
    line = model.memory_line(expected, MemoryBudget(1 << 30))
    assert line == (
        "memory of a rank: up to 1,024 MiB may be used; at least 1,500 MiB are needed "
        "(stage 2, PATCH_2)"
    )
    assert model.memory_line([], MemoryBudget()) == ""


@given(
    arrays(np.float64, st.integers(1, 50), elements=st.floats(-360, 360)),
    st.floats(0, 1),
)
def test_quantiles_are_those_of_numpy(values, share):
    found = model._quantiles(values, share, 1.0)
    assert found == pytest.approx(np.quantile(values, (share, 1.0)).tolist(), abs=1e-9)


def test_the_cells_of_a_large_file_are_those_of_a_small_one(tmp_path, monkeypatch):
    positions(tmp_path, np.random.default_rng(0).uniform((10, 40), (10.2, 40.1), (3000, 2)))
    small = model.patch_extent(tmp_path, 50.0)
    monkeypatch.setattr(model, "SMALL_BYTES", 0)
    model._cells.cache_clear()
    assert model.patch_extent(tmp_path, 50.0) == small
