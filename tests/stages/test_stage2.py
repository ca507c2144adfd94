"""Stage 2: search range, grid, weights, random histogram, iterations."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pystamps_hpc.errors import StageError
from pystamps_hpc.parallel.keeping import Kept, fits
from pystamps_hpc.stages import stage2
from pystamps_hpc.stages.base import NoPointsLeft
from pystamps_hpc.stages.shared.coherence import COHERENCE_BINS, RandomCoherence, low_bins
from pystamps_hpc.stages.shared.ifgs import Ifgs
from pystamps_hpc.stages.stage2 import random_phase
from pystamps_hpc.stages.stage2.filter_grid import filter_grid, low_pass_response
from pystamps_hpc.stages.stage2.random_phase import (
    Noise,
    coherence_counts,
    few_digits_do,
    noise_of,
    random_histogram,
    random_phasors,
    unscaled,
)
from pystamps_hpc.stages.stage2.random_streams import (
    column_streams,
    matlab_state,
    open_stream,
    state_after,
)
from pystamps_hpc.stages.stage2.weights import (
    initial_weights,
    interpolated,
    p_square_weights,
    snr_weights,
)
from pystamps_kernels.dispatch import table
from pystamps_kernels.reference.topofit import ROUGH

from .patches import PARAMS2, as_pairs, context, patch, with_nulls

BIN = np.arange(1, 101)
BELL = np.exp(-(((BIN - 20) / 12) ** 2))
RANDOM = RandomCoherence(np.where(BIN <= 70, 1000 * BELL, 0), 31)
CANDIDATES = np.round(900 * BELL) + 20 * (BIN > 60)


@pytest.fixture(scope="module")
def solved():
    inputs, stable = patch()
    return inputs, stable, stage2.solve(inputs, PARAMS2, context())


# --- weights


def test_the_low_pass_is_a_fifth_order_butterworth():
    response = low_pass_response(32, 50.0, 800.0)
    found = response[[0, 1, 2, 16], [0, 0, 1, 16]]
    wanted = [1, 0.999024390243902, 0.499512195121952, 8.67361737e-19]
    np.testing.assert_allclose(found, wanted, rtol=1e-8)


def test_random_counts_are_scaled_to_low_coherence():
    scaled = RANDOM.scaled(CANDIDATES)
    np.testing.assert_allclose(scaled, RANDOM.counts * 0.899832665542103, rtol=1e-13)
    assert not RandomCoherence(np.zeros(100), 31).scaled(CANDIDATES).any()


def test_fewer_bins_of_small_baselines_are_of_low_coherence():
    inputs, _ = patch(50)
    assert (low_bins(inputs.ifgs), low_bins(as_pairs(inputs).ifgs)) == (31, 15)
    few = RandomCoherence(RANDOM.counts, 15)
    assert few.scaled(CANDIDATES)[:15].sum() == pytest.approx(CANDIDATES[:15].sum())
    gamma = np.array([0.1, 0.28])
    weights = [p_square_weights(gamma, random, 3 * CANDIDATES + 9000 * (BIN > 15))
               for random in (RANDOM, few)]  # fmt: skip
    np.testing.assert_allclose(weights[0], 0, atol=1e-4)
    assert weights[1][0] < 1e-4 < 0.5 < weights[1][1]


def test_p_square_weights_follow_the_published_curve():
    gamma = np.array([0, 5, 100, 305, 605, 633, 660]) / 1000
    weights = p_square_weights(gamma, RANDOM, CANDIDATES)
    curve = [
        1, 0.999717055267046, 1, 0.999717186210943, 0.0614206503253881, 0.0113187558786317,
        0.000337852740064848,
    ]  # fmt: skip
    np.testing.assert_allclose(weights, (1 - np.array(curve)) ** 2, atol=1e-12)


def test_interpolation_keeps_the_samples_and_has_the_published_taps():
    samples = np.random.default_rng(0).normal(size=30)
    np.testing.assert_array_equal(interpolated(samples)[::10], samples)
    impulse = interpolated((np.arange(20) == 10).astype(float))
    taps = [
        0, 0.10791557, 0.22794835, 0.35522105, 0.48438115, 0.60983636, 0.72600169, 0.82754880,
        0.90964788, 0.96819272, 1, 0.96819272,
    ]  # fmt: skip
    np.testing.assert_allclose(impulse[90:102], taps, atol=5e-9)


def test_interpolation_continues_a_line_beyond_its_ends():
    line = interpolated(np.arange(-10.0, 11.0))[:201]
    np.testing.assert_allclose(line, np.arange(-100, 101) / 10, atol=0.01)
    np.testing.assert_allclose(line[::-1], -line, atol=1e-12)


# --- random histogram


@pytest.mark.parametrize(
    ("generator", "known"),
    [
        ("octave", [0.45037099729162144, 0.076401952554964847, 0.20946155834601654]),
        ("matlab", [0.0929589905831912, 0.37373775840752277, 0.44877057937117765]),
    ],
)
def test_the_generators_start_as_published(generator, known):
    draws = open_stream(generator, table("native", "double")).draw(3)
    np.testing.assert_array_equal(draws, known)


def test_random_phasors_fill_their_matrix_column_by_column():
    n, kernels = (1 << 14) + 100, table("native", "double")
    columns = column_streams("octave", n, 3, kernels)
    blocks = list(random_phasors(columns, n, Noise(3), kernels))
    np.testing.assert_array_equal(next(random_phasors(columns, n, Noise(3), kernels)), blocks[0])
    assert len(blocks) == 2
    phase = 2 * np.pi * np.random.RandomState([2005]).random_sample(3 * n).reshape(3, n).T
    np.testing.assert_allclose(np.concatenate(blocks), np.exp(1j * phase), atol=1e-15)


def test_forks_of_a_stream_are_independent():
    stream = open_stream("matlab", table("native", "double"))
    fork = stream.fork()
    first = stream.draw(10)
    np.testing.assert_array_equal(fork.draw(10), first)
    assert matlab_state(0)[:32].tolist() != matlab_state(1)[:32].tolist()


@given(st.integers(0, 2**32 - 1), st.integers(0, 100), st.integers(0, 3000))
def test_a_place_far_ahead_is_the_one_that_drawing_comes_to(seed, before, n):
    draw = table("native", "double").stage2_matlab_uniform
    _, state = draw(matlab_state(seed), before)
    _, drawn = draw(state, n)
    found = state_after(state, n)
    if n >= 32:  # of fewer, oldest word and borrow may stand for the same in another way
        np.testing.assert_array_equal(found[:32], np.roll(drawn[:32], -drawn[32]))
        assert found[33] == drawn[33]
    assert found[34] == drawn[34]
    np.testing.assert_array_equal(draw(found, 100)[0], draw(drawn, 100)[0])


@pytest.mark.parametrize("generator", ["matlab", "octave"])
@pytest.mark.parametrize("n", [5, 40_000])
def test_columns_follow_each_other_in_the_sequence(generator, n):
    kernels = table("native", "double")
    columns = column_streams(generator, n, 4, kernels)
    whole = open_stream(generator, kernels).draw(4 * n)
    np.testing.assert_array_equal(
        np.concatenate([column.fork().draw(n) for column in columns]), whole
    )


def test_the_random_histogram_depends_on_the_trial_count_only():
    day = np.arange(6.0)
    ifgs = Ifgs.of_master(2, np.array([-200.0, -70, 10, 90, 160]), day, day[2])
    kernels = table("native", "double")
    one, same, other = (random_histogram(ifgs, t, "octave", kernels) for t in (0.3, 0.37, 0.4))
    assert one.sum() == 300_000
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def ring(n_image):
    """Three pairs of images 0, 1, 2, which close; the images after them are in no pair."""
    pairs, day = np.array([(0, 1), (1, 2), (0, 2)]), np.arange(float(n_image))
    return Ifgs(pairs, np.array([80.0, -30, 50]), day, day[1], None)


def test_random_phases_of_pairs_are_differences_of_those_of_all_images():
    n, kernels, noise = 1000, table("native", "double"), noise_of(ring(4))
    assert noise.n_source == 4
    columns = column_streams("octave", n, noise.n_source, kernels)
    phasors = np.concatenate(list(random_phasors(columns, n, noise, kernels)))
    image = 2 * np.pi * np.random.RandomState([2005]).random_sample(4 * n).reshape(4, n).T
    expected = np.exp(1j * (image[:, [1, 2, 2]] - image[:, [0, 1, 0]]))
    np.testing.assert_allclose(phasors, expected, atol=2e-15)
    np.testing.assert_allclose(phasors[:, 0] * phasors[:, 1], phasors[:, 2], atol=1e-15)


def test_noise_of_a_single_master_is_that_of_each_interferogram():
    ifgs = patch(50)[0].ifgs
    assert noise_of(ifgs) == Noise(len(ifgs))


def test_networks_of_equal_baselines_have_random_histograms_of_their_own():
    kernels, day = table("native", "double"), np.arange(4.0)
    star = Ifgs.of_master(0, ring(3).bperp, day, day[0])
    alone, closed = (random_histogram(i, 0.3, "octave", kernels) for i in (star, ring(3)))
    assert alone.sum() == closed.sum() == 300_000
    assert (alone != closed).any()


# --- search range and grid


def test_a_pixel_on_a_cell_border_stays_and_the_last_cells_are_merged():
    y = np.concatenate(([0, 0.00001, 50, 100, 1250], np.linspace(1250, 1290, 5)))
    xy = np.column_stack((np.linspace(0, 1600, 10), y)).astype(np.float32)
    grid = filter_grid(xy, 50.0, 24, 32, context())
    assert grid.ij[:, 0].tolist() == [0, 0, 0, 1, 24, 24, 24, 24, 24, 24]
    assert (grid.n_i, grid.n_j) == (25, 31)
    np.testing.assert_array_equal(grid.lin, grid.ij[:, 0] * 31 + grid.ij[:, 1])


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((1700.0, 40.0), "patch narrower than two grid cells of 50 m"),
        ((1700.0, 900.0), "is smaller than the CLAP window of 24"),
    ],
)
def test_a_patch_too_small_for_the_filter_has_no_points_left(size, message):
    with pytest.raises(NoPointsLeft, match=message):
        stage2.solve(patch(200, size=size)[0], PARAMS2, context())


@pytest.mark.parametrize("n_ps", [1, 2, 5])
def test_a_patch_of_few_candidates_has_no_points_left(n_ps):
    with pytest.raises(NoPointsLeft):
        stage2.solve(patch(n_ps, size=(1000.0, 1000.0))[0], PARAMS2, context())


def test_without_phase_in_an_interferogram_no_points_are_left():
    inputs = with_nulls(patch(200)[0], slice(None))
    with pytest.raises(
        NoPointsLeft, match=r"none of 200 candidates .* 200 have none in inter.* 1;"
    ):
        stage2.solve(inputs, PARAMS2, context())


def test_a_grid_out_of_proportion_is_refused_before_it_takes_memory():
    inputs, _ = patch(200)
    inputs.xy[7, 0] = 4e6
    message = r"200 points over 2 x 4,000 km need a grid of 1,7\d\d x 3,999,995 cells.*wrong"
    with pytest.raises(StageError, match=message):
        stage2.solve(inputs, replace(PARAMS2, filter_grid_size=1.0), context())


def test_a_patch_too_small_for_stage_3_is_announced():
    ctx = context()
    xy = patch(400, size=(1400.0, 1700.0))[0].xy
    filter_grid(xy, 50.0, 24, 32, ctx)
    assert "stage 3 will reject every candidate" in ctx.log.warnings[0]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("quick_est_gamma_flag", False, "the full estimator is not available"),
        ("lambda_", float("nan"), "lambda=nan"),
        ("clap_win", 30, "must be a multiple of 8; set it to 32"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_refused(name, value, message):
    with pytest.raises(StageError, match=message):
        replace(PARAMS2, **{name: value})


def test_baselines_without_a_range_are_refused():
    inputs, _ = patch(50)
    ifgs = replace(inputs.ifgs, bperp=np.zeros(11))
    with pytest.raises(StageError, match=r"bperp of all \d+ interferograms is .*rerun stage 1"):
        stage2.solve(replace(inputs, ifgs=ifgs), PARAMS2, context())


def test_an_unusable_dispersion_has_weight_zero():
    ctx = context()
    weights = initial_weights(np.array([0.5, 0, np.nan, -1, 0.25]), 5, ctx)
    assert weights.tolist() == [2, 0, 0, 0, 4]
    assert ctx.log.warnings == ["da1.mat: D_A of 3 candidates is not positive; weight 0"]


# --- the whole stage


def test_stable_candidates_are_coherent_and_noise_is_not(solved):
    _, stable, outputs = solved
    assert np.median(outputs.coherence[stable]) > 0.9
    assert np.median(outputs.coherence[~stable]) < 0.55
    assert outputs.iterations == 3
    assert (outputs.n_opt == 1).all()
    np.testing.assert_array_equal(outputs.coherence_save, outputs.coherence)


def test_a_null_phasor_voids_its_cell_and_keeps_its_last_residual():
    inputs, _ = patch(900)
    ctx = context()
    outputs = stage2.solve(with_nulls(inputs, [7]), PARAMS2, ctx)
    assert np.isnan(outputs.slope[7])
    assert (outputs.coherence[7], outputs.offset[7], outputs.n_opt[7]) == (0, 0, 0)
    assert not outputs.residual[7].any()
    void = np.isnan(outputs.ph_grid).all(axis=2)
    assert np.argwhere(void).tolist() == [outputs.grid_ij[7].tolist()]
    assert "1 candidates without phase" in ctx.log.notes[0]


@pytest.mark.parametrize("arithmetic", ["single", "double"])
def test_small_baselines_tell_stable_candidates_from_noise(arithmetic):
    inputs, stable = patch()
    outputs = stage2.solve(as_pairs(inputs), PARAMS2, context(arithmetic))
    assert np.median(outputs.coherence[stable]) > 0.85
    assert np.median(outputs.coherence[~stable]) < 0.4
    assert outputs.n_trial_wraps.dtype == np.float64
    slope = outputs.slope
    assert (slope != slope.astype(np.float32)).mean() > 0.9  # double as the baselines are
    np.testing.assert_array_equal(outputs.coherence, outputs.coherence.astype(np.float32))


def test_shared_baselines_take_the_same_road():
    inputs, _ = patch(600)
    common = inputs.ifgs.bperp.astype(np.float32)
    inputs = replace(inputs, bperp_mat=np.tile(common, (600, 1)))
    shared = stage2.solve(inputs, PARAMS2, context("single"))
    inputs.bperp_mat[0, 0] = np.nextafter(common[0], np.float32(np.inf))
    own = stage2.solve(inputs, PARAMS2, context("single"))
    np.testing.assert_allclose(shared.coherence, own.coherence, atol=1e-3)


def test_snr_weights_favour_steady_amplitude_times_phase():
    inputs, _ = patch(900)
    outputs = stage2.solve(inputs, replace(PARAMS2, filter_weighting="SNR"), context())
    residual = outputs.residual
    weights = snr_weights(inputs.phase, residual, context())
    amplitude = np.abs(inputs.phase).astype(float)
    signal = (amplitude * np.cos(residual)).mean(axis=1)
    noise = np.sqrt(0.5 * ((amplitude**2).mean(axis=1) - signal**2))
    np.testing.assert_allclose(weights, signal / noise, rtol=1e-3)


def test_no_candidate_of_low_coherence_is_reported_and_all_are_weighted():
    inputs, _ = patch(1500, stable=1.0, noise=0.02)
    ctx = context()
    outputs = stage2.solve(inputs, PARAMS2, ctx)
    assert outputs.coherence.min() > 0.8
    assert not outputs.random.any()
    assert "no low-coherence candidates" in ctx.log.warnings[0]


def test_python_and_native_agree(solved):
    inputs, _, native = solved
    few = replace(PARAMS2, gamma_max_iterations=2)
    reference = stage2.solve(inputs, few, context(backend="python", generator="octave"))
    native = stage2.solve(inputs, few, context(generator="octave"))
    np.testing.assert_allclose(native.coherence, reference.coherence, atol=2e-6)
    np.testing.assert_array_equal(native.grid_ij, reference.grid_ij)


def test_interferograms_in_turn_give_the_same_bits():
    inputs, _ = patch()
    whole, cut = (stage2.solve(inputs, PARAMS2, replace(context(), room=r)) for r in (1e12, 1))
    for name in ("slope", "coherence", "residual", "patch_phase", "ph_weight", "ph_grid"):
        np.testing.assert_array_equal(getattr(cut, name)[:], getattr(whole, name)[:], name)


@pytest.mark.parametrize("arithmetic", ["double", "single"])
@pytest.mark.parametrize("bperp_class", ["f4", "f8"])
@pytest.mark.parametrize("n_ifg", [5, 14, 40, pytest.param(300, marks=pytest.mark.slow)])
def test_few_digits_and_the_full_fit_where_they_do_not_do_count_as_the_full_fit(
    arithmetic, bperp_class, n_ifg
):
    rng, kernels = np.random.default_rng(n_ifg), table("native", arithmetic)
    phasors = np.exp(2j * np.pi * rng.random((60_000, n_ifg)))
    for offset, wraps in ((0, 0.3), (2000, 1.4)):
        bperp = rng.normal(offset, 120, n_ifg).astype(bperp_class)
        coherence = kernels.stage2_topofit_coh_row_invariant(phasors, bperp, wraps)
        wanted = kernels.stage2_histogram(coherence, COHERENCE_BINS)
        for blocks in ([phasors], np.array_split(phasors, 7)):
            np.testing.assert_array_equal(coherence_counts(blocks, bperp, wraps, kernels), wanted)
        if offset == 0 or arithmetic == "double":
            assert few_digits_do(bperp, wraps, kernels)
            rough = kernels.stage2_topofit_coh_rough(phasors, bperp, wraps)
            assert np.isnan(rough).mean() < max(0.05, 2e-4 * n_ifg)
            assert np.nanmax(np.abs(rough - coherence)) < ROUGH / 10


def test_few_digits_do_not_do_where_the_full_fit_has_no_more_or_they_take_as_long():
    near, far = (np.array([-100.0, 20, 200], "f4") + offset for offset in (0, 2000))
    single = table("native", "single")
    assert few_digits_do(near, 0.3, single)
    assert not few_digits_do(far, 0.7, single)
    assert few_digits_do(far.astype("f8"), 0.7, single)  # double then
    assert few_digits_do(far, 0.7, table("native", "double"))
    assert not few_digits_do(near, 0.3, table("python", "double"))


def test_a_scaled_histogram_tells_its_counts_and_no_other_does():
    counts = np.round(300_000 * BELL / BELL.sum())
    counts[0] += 300_000 - counts.sum()
    np.testing.assert_array_equal(unscaled(counts * 0.0123456789), counts)
    assert unscaled(np.zeros(100)) is None
    assert unscaled(counts + 0.4 * (BIN == 3)) is None


def test_random_phases_are_kept_from_the_second_patch_on_until_others_are_asked_for():
    kept, made = Kept(), []

    def make(kind):
        def pieces():
            made.append(kind)
            yield np.zeros(3)

        return pieces

    for kind in (1, 1, 1, 2, 1):
        assert len(list(kept.pieces(kind, make(kind)))) == 1
    assert made == [1, 1, 2, 1]
    first, again = (kept.pieces(1, make(1)) for _ in range(2))
    assert first is again
    kept.clear()
    assert kept.pieces(1, make(1)) is not first
    assert fits(1e6, 1e9)
    assert not fits(1e6, 1e6)
    assert not fits(1e12, np.inf)


@pytest.mark.parametrize(
    ("values", "asked"),
    [
        ({}, False),
        ({"n_trial_wraps": np.full((1, 1), 7.0)}, True),
        ({"Nr": np.zeros((1, 100))}, True),
        (None, True),
    ],
    ids=["alike", "other range of slopes", "empty", "none"],
)
def test_the_histogram_of_the_result_that_stands_is_taken_where_it_is_the_same(
    monkeypatch, solved, values, asked
):
    inputs, _, found = solved
    anew = []
    real = stage2.random_histogram
    monkeypatch.setattr(stage2, "random_histogram", lambda *a: anew.append(a) or real(*a))
    stands = {"Nr": found.random[None, :], "n_trial_wraps": np.full((1, 1), found.n_trial_wraps)}

    class Before:
        def values(self, keys, artifacts):
            assert artifacts == ("ps1",)
            return None if values is None else {k: {**stands, **values}[k] for k in keys}

    again = stage2.solve(inputs, PARAMS2, replace(context(), before=Before()))
    assert bool(anew) == asked
    np.testing.assert_array_equal(again.random, found.random)
    np.testing.assert_array_equal(again.coherence, found.coherence)


def test_a_histogram_of_fewer_samples_is_not_taken_for_one_of_all(monkeypatch):
    ifgs, kernels = patch()[0].ifgs, table("native", "double")
    for n in (500, 2000):
        monkeypatch.setattr(random_phase, "N_RANDOM", n)
        for _ in range(2):  # the second time from what was kept
            assert random_histogram(ifgs, 0.3, "octave", kernels).sum() == n
