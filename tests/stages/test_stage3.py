"""Stage 3: interferogram index, bins, threshold, re-estimation, keep rule."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from pystamps_hpc.errors import StageError
from pystamps_hpc.stages import stage2, stage3
from pystamps_hpc.stages.shared.coherence import COHERENCE_BINS, RandomCoherence
from pystamps_hpc.stages.stage3.threshold import (
    Limit,
    bin_threshold,
    coherence_threshold,
    dispersion_edges,
    inverted,
)

from .patches import PARAMS2, PARAMS3, as_pairs, context, inputs3, patch
from .test_stage2 import BIN, CANDIDATES, RANDOM

GAMMA = np.repeat(COHERENCE_BINS, CANDIDATES.astype(int))


@pytest.fixture(scope="module")
def solved():
    inputs, stable = patch()
    return inputs3(inputs, stage2.solve(inputs, PARAMS2, context())), stable


# --- threshold


@pytest.mark.parametrize(
    ("limit", "level"),
    [
        (Limit(np.float64(25), percent=False), 0.459723904199358),
        (Limit(np.float64(20), percent=True), 0.400467258189941),
    ],
)
def test_the_threshold_of_a_micro_vector_is_the_published_one(limit, level):
    found = bin_threshold(GAMMA, RANDOM, limit, 1, context())
    assert found == pytest.approx(level, abs=1e-12)


def test_coherence_zero_and_nan_are_not_counted():
    limit = Limit(np.float64(25), percent=False)
    more = np.concatenate((GAMMA, np.zeros(500), np.full(20, np.nan)))
    assert bin_threshold(more, RANDOM, limit, 1, context()) == bin_threshold(
        GAMMA, RANDOM, limit, 1, context()
    )


def test_a_higher_density_of_random_points_lowers_the_threshold():
    levels = [
        bin_threshold(GAMMA, RANDOM, Limit(np.float64(m), percent=False), 1, context())
        for m in (5, 25, 100, 400)
    ]
    assert (np.diff(levels) < 0).all()


@pytest.mark.parametrize(("crossing", "known"), [(3, False), (4, True)])
def test_a_limit_reached_in_the_first_three_bins_gives_no_threshold(crossing, known):
    random = RandomCoherence(np.where(crossing > BIN, 100.0, 0), 31)
    gamma = np.full(int(random.counts.sum()), 0.1)
    level = bin_threshold(gamma, random, Limit(np.float64(30), percent=False), 1, context())
    assert np.isnan(level) != known


def test_too_few_random_points_give_no_threshold_and_the_default():
    gamma = np.full(50, 0.9)
    limit = Limit(np.float32(20), percent=False)
    ctx = context()
    assert np.isnan(bin_threshold(gamma, RANDOM, limit, 1, ctx))
    threshold = coherence_threshold(gamma, np.ones(50), np.array([0.0, 1]), RANDOM, limit, ctx)
    assert threshold.at(np.ones(50)).tolist() == [0.3]
    assert threshold.coeffs is None
    assert ctx.log.warnings == ["not enough random-phase candidates; threshold 0.3 used"]


@pytest.mark.parametrize(
    ("counts", "level"),
    [
        ({10: 100.0, 40: 30.0}, 0.405),  # 30, 30, 30, 0, 0, 0: a line
        ({10: 100.0}, 0.1155),  # 100, 100, 100, 0, 0, 0
    ],
)
def test_a_degenerate_tail_lowers_the_degree_of_the_fit(counts, level):
    random = np.zeros(100)
    for number, count in counts.items():
        random[number - 1] = count
    gamma = np.full(int(random[:31].sum()), 0.1)
    ctx = context()
    limit = Limit(np.float64(15), percent=False)
    found = bin_threshold(gamma, RandomCoherence(random, 31), limit, 4, ctx)
    assert "dispersion bin 4: 2 distinct values around bin" in ctx.log.warnings[0]
    assert found == pytest.approx(level, abs=1e-12)


def test_the_polynomial_is_evaluated_in_the_class_of_the_limit():
    x, y = np.array([40.0, 31, 22, 15, 9, 4]), 0.01 * np.arange(45, 51)
    double, single = (inverted(x, y, 3, real(20)) for real in (np.float64, np.float32))
    assert single == np.float32(single)
    assert single == pytest.approx(double, abs=2e-7)
    assert double == pytest.approx(np.polyval(np.polyfit(x, y, 3), 20), abs=1e-9)


@pytest.mark.parametrize(("n_ps", "n_bins"), [(9_999, 1), (12_000, 6), (50_000, 5), (13_999, 6)])
def test_the_number_of_dispersion_bins_follows_the_candidates(n_ps, n_bins):
    dispersion = np.random.default_rng(0).uniform(0.1, 0.6, n_ps)
    edges, used = dispersion_edges(dispersion, n_ps)
    assert edges.size - 1 == n_bins
    members = [((used > a) & (used <= b)).sum() for a, b in itertools.pairwise(edges)]
    assert sum(members) == n_ps
    if n_bins > 1:
        assert members[0] == (2_000 if n_ps < 50_000 else 10_000)


def test_the_threshold_rises_with_dispersion_or_is_flat():
    rng = np.random.default_rng(1)
    dispersion = np.concatenate((rng.uniform(0.1, 0.2, 3000), rng.uniform(0.4, 0.5, 3000)))
    steady = np.where(rng.uniform(size=3000) < 0.1, rng.choice(GAMMA, 3000), 0.9)
    edges, limit = np.array([0, 0.3, 0.5]), Limit(np.float64(20), percent=False)
    for first, second, rising in ((steady, rng.choice(GAMMA, 3000), True),
                                  (rng.choice(GAMMA, 3000), steady, False)):  # fmt: skip
        gamma = np.concatenate((first, second))
        threshold = coherence_threshold(gamma, dispersion, edges, RANDOM, limit, context())
        assert (threshold.coeffs is not None) == rising
        values = threshold.at(dispersion)
        assert values.shape == ((6000,) if rising else (1,))
        if rising:
            assert values[-3000:].mean() > values[:3000].mean()
            assert dispersion[:3000].mean() * threshold.coeffs[0] + threshold.coeffs[
                1
            ] == pytest.approx(bin_threshold(first, RANDOM, limit, 1, context()), abs=1e-12)


# --- the whole stage


def test_stable_candidates_are_kept_and_noise_is_not(solved):
    inputs, stable = solved
    ctx = context()
    outputs = stage3.solve(inputs, PARAMS3, ctx)
    kept = outputs.selected[outputs.kept]
    assert np.isin(np.flatnonzero(stable), kept).mean() > 0.95
    area = np.prod(np.ptp(inputs.xy, axis=0)) / 1e6
    assert (~stable[kept]).sum() < 20 * area
    assert ctx.log.facts["selected"] == outputs.selected.size
    assert ctx.log.facts["kept"] == kept.size
    assert 0 < ctx.log.facts["gamma_threshold"] < 1
    assert outputs.max_rand == np.float32(20) * np.float32(area)
    lost = ctx.log.facts["incoherent_again"] + ctx.log.facts["other_cycle"]
    told = " ".join(ctx.log.notes)
    assert all(
        f"{count} {words}" in told or not count
        for count, words in (
            (ctx.log.facts["incoherent_again"], "no longer coherent"),
            (ctx.log.facts["other_cycle"], "on another cycle"),
        )
    )
    assert lost == outputs.selected.size - kept.size


def test_selected_candidates_of_a_cell_share_their_filtered_phase(solved):
    inputs, _ = solved
    outputs = stage3.solve(inputs, PARAMS3, context())
    cells = inputs.grid_ij[outputs.selected]
    _, first, number = np.unique(cells, axis=0, return_index=True, return_inverse=True)
    patch_phase = outputs.patch_phase[:]
    np.testing.assert_array_equal(patch_phase, patch_phase[first][number.ravel()])


def test_dropped_interferograms_leave_no_residual_and_the_master_is_not_counted(solved):
    inputs, _ = solved
    outputs = stage3.solve(inputs, replace(PARAMS3, drop_ifg_index=(2, 9)), context())
    assert inputs.ifgs.master == 6
    assert (outputs.ifg_index + 1).tolist() == [1, 3, 4, 5, 6, 7, 9, 10, 11]
    assert not outputs.residual[:, [1, 7]].any()
    assert outputs.residual[:, outputs.ifg_index].all()


def test_a_jump_of_the_slope_by_a_cycle_is_rejected(solved):
    inputs, _ = solved
    outputs = stage3.solve(inputs, PARAMS3, context())
    cycle = 2 * np.pi / np.ptp(inputs.ifgs.bperp)
    row = np.flatnonzero(outputs.kept)[0]
    for step, kept in ((0.999, True), (1.001, False)):
        slope = inputs.slope.copy()
        slope[outputs.selected[row]] = outputs.slope[row] + step * cycle
        assert stage3.solve(replace(inputs, slope=slope), PARAMS3, context()).kept[row] == kept


def test_without_reestimation_all_selected_are_kept_as_they_were(solved):
    inputs, _ = solved
    outputs = stage3.solve(inputs, replace(PARAMS3, select_reest_gamma_flag=False), context())
    assert outputs.kept.all()
    np.testing.assert_array_equal(outputs.coherence, inputs.coherence[outputs.selected])
    np.testing.assert_array_equal(outputs.residual[:], inputs.residual[outputs.selected])


def test_resampling_rejects_candidates_whose_coherence_scatters(solved):
    inputs, _ = solved
    without = stage3.solve(inputs, PARAMS3, context())
    ctx = context()
    outputs = stage3.solve(inputs, replace(PARAMS3, gamma_stdev_reject=0.04), ctx)
    assert 0 < outputs.selected.size < without.selected.size
    assert set(outputs.selected) < set(without.selected)
    assert "an extension" in ctx.log.notes[0]


def test_a_window_larger_than_the_grid_rejects_all(solved):
    inputs, _ = solved
    narrow = replace(inputs, ph_grid=inputs.ph_grid[:, :31].copy())
    narrow = replace(narrow, grid_ij=np.minimum(inputs.grid_ij, 30))
    ctx = context()
    outputs = stage3.solve(narrow, PARAMS3, ctx)
    assert outputs.selected.size > 0
    assert not outputs.kept.any()
    assert ctx.log.facts["kept"] == 0
    assert np.isnan(outputs.slope).all()
    assert np.isnan(outputs.coherence).all()
    assert not outputs.offset.any()
    assert "every candidate is rejected" in ctx.log.warnings[0]


def test_nothing_selected_is_not_an_error(solved):
    inputs, _ = solved
    ctx = context()
    outputs = stage3.solve(replace(inputs, coherence=np.zeros(1500)), PARAMS3, ctx)
    assert outputs.patch_phase.shape == (0, 11)
    assert outputs.residual.shape == (0, 11)
    assert outputs.selected.size == outputs.kept.size == 0
    assert (ctx.log.facts["selected"], ctx.log.facts["kept"]) == (0, 0)


def test_a_candidate_without_phase_is_not_kept(solved):
    inputs, _ = solved
    row = int(stage3.solve(inputs, PARAMS3, context()).selected[0])
    phase = inputs.phase.copy()
    phase[row, 3] = 0
    dropped = replace(PARAMS3, drop_ifg_index=(4,))
    outputs = stage3.solve(replace(inputs, phase=phase), dropped, context())
    assert outputs.selected[0] == row
    assert np.isnan(outputs.slope[0])
    assert not outputs.kept[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"drop_ifg_index": (13,)}, "parameter drop_ifg_index: 13 is outside 1 to 12"),
        ({"drop_ifg_index": tuple(range(1, 12))}, "drop_ifg_index: leaves 1 of 11"),
        ({"clap_win": 16}, r"pm1.mat: low_pass has shape \(32, 32\), expected \(16, 16\)"),
        ({"clap_win": 20}, "must be a multiple of 8"),
        ({"slc_osf": 1.5}, "slc_osf=1.5: must be a whole number"),
    ],
)
def test_parameters_that_cannot_be_used_are_refused(solved, change, message):
    with pytest.raises(StageError, match=message):
        stage3.solve(solved[0], replace(PARAMS3, **change), context())


def test_a_scaled_histogram_can_be_scaled_again():
    scaled = RANDOM.scaled(CANDIDATES)
    again = RandomCoherence(scaled, 31).scaled(CANDIDATES)
    np.testing.assert_allclose(again, scaled, rtol=1e-14)


def test_small_baselines_are_selected_and_their_list_counts_pairs():
    inputs, stable = patch()
    inputs = as_pairs(inputs)
    inputs = inputs3(inputs, stage2.solve(inputs, PARAMS2, context()))
    outputs = stage3.solve(inputs, replace(PARAMS3, drop_ifg_index=(2, 9)), context())
    kept = outputs.selected[outputs.kept]
    assert np.isin(np.flatnonzero(stable), kept).mean() > 0.95
    assert stable[kept].mean() > 0.9
    assert outputs.small_baseline_flag == "y"
    np.testing.assert_array_equal(outputs.ifg_index, np.delete(np.arange(30), [1, 8]))
    residual = outputs.residual[:]
    assert residual.shape[1] == len(inputs.ifgs) == 30
    assert not residual[:, [1, 8]].any()
    assert residual[:, outputs.ifg_index].all()


@pytest.mark.parametrize("oversampling", [1, 2])
def test_interferograms_in_turn_select_the_same_bits(solved, oversampling):
    inputs, _ = solved
    params = replace(PARAMS3, slc_osf=oversampling)
    whole, cut = (stage3.solve(inputs, params, replace(context(), room=r)) for r in (1e12, 1))
    for name in ("kept", "slope", "coherence", "residual", "patch_phase"):
        np.testing.assert_array_equal(getattr(cut, name)[:], getattr(whole, name)[:], name)
