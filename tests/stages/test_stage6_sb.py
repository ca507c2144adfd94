"""Stage 6 of small baselines: pairs to the truth, and the network inverted to the images."""

from dataclasses import replace

import numpy as np
import pytest

from pystamps_hpc.errors import StageError
from pystamps_hpc.stages import stage6_sb
from pystamps_hpc.stages.shared.ifgs import Ifgs
from pystamps_hpc.stages.stage6.annealing import annealing_smoother, whitening
from pystamps_hpc.stages.stage6.grid import assign_cells
from pystamps_hpc.stages.stage6.smooth import Arcs, network_smoother
from pystamps_hpc.stages.stage6_sb.inversion import (
    invert,
    pair_covariance,
    reciprocal_condition,
    weighting,
)

from .unwrapping import (
    context,
    every_pair,
    moving_ground,
    neighbours,
    sb_params,
    small_baselines,
    wrap,
)

N_IMAGE = 8
ROOM_FOR_ROUNDING = 1e-4


def scene(pairs=None, **changes):
    """A gentle stack of small baselines, and its phase by image."""
    ground = moving_ground(**{"noise": 0.1, "rate": 2.0, "n_image": N_IMAGE, **changes})
    return small_baselines(ground, pairs or neighbours(N_IMAGE)), ground.truth


def solve(stack, ctx=None, **changes):
    return stage6_sb.solve(stack.inputs, sb_params(**changes), ctx or context())


def referenced(phase):
    return phase - phase.mean(axis=0)


# pairs --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "pairs"),
    [
        ("3D_QUICK", neighbours(N_IMAGE)),
        ("3D_SMALL_DEF", neighbours(N_IMAGE)),
        ("3D_NO_DEF", neighbours(N_IMAGE)),
        ("2D", neighbours(N_IMAGE)),
        ("3D_FULL", every_pair(N_IMAGE)),
        ("3D", neighbours(N_IMAGE)),
        ("3D", [(0, k) for k in range(1, N_IMAGE)]),
    ],
)
def test_a_gentle_network_is_unwrapped_to_the_truth(method, pairs):
    stack, _ = scene(pairs)
    outputs = solve(stack, unwrap_method=method)
    off = (outputs.unwrapped[:] - stack.truth) / (2 * np.pi)
    whole = np.rint(off[0])
    np.testing.assert_allclose(off, np.broadcast_to(whole, off.shape), atol=ROOM_FOR_ROUNDING)


def test_unwrapped_minus_wrapped_phase_is_a_number_of_cycles_at_every_point():
    stack, _ = scene(noise=0.6)
    slope = np.random.default_rng(3).normal(0, 0.005, stack.inputs.n_ps)
    inputs = replace(stack.inputs, slope=slope)
    outputs = stage6_sb.solve(inputs, sb_params(drop_ifg_index=(2,)), context())
    wrapped = np.angle(inputs.corrected) + slope[:, None] * inputs.bperp_mat
    used = np.delete(np.arange(len(inputs.ifgs)), 1)
    assert np.abs(wrap(outputs.unwrapped[:] - wrapped)[:, used]).max() < 1e-5
    assert (outputs.unwrapped[:, 1] == 0).all()
    assert outputs.msd[1] == 0
    assert outputs.psi.shape == (inputs.n_ps, len(used))


@pytest.mark.parametrize("deramp", [False, True])
def test_a_second_pass_takes_slope_and_ramp_off_and_puts_them_back(deramp):
    stack, _ = scene()
    n, n_ifg = stack.truth.shape
    first = solve(stack)
    inputs = replace(
        stack.inputs,
        smooth_slope=np.random.default_rng(4).normal(0, 1e-3, n),
        smooth_ramp=np.linspace(-1, 1, n)[:, None] * np.ones(n_ifg),
    )
    second = stage6_sb.solve(inputs, sb_params(scla_deramp=deramp), context())
    off = second.unwrapped[:] - first.unwrapped[:]
    np.testing.assert_allclose(off, np.broadcast_to(off[0], off.shape), atol=1e-5)
    ramp = inputs.smooth_ramp[:, :1] if deramp else 0
    taken = wrap(np.angle(first.psi[:, :1]) - np.angle(second.psi[:, :1])
                 - inputs.smooth_slope[:, None] * inputs.bperp_mat[:, :1] - ramp)  # fmt: skip
    assert np.abs(taken).max() < 1e-5


def test_feedback_of_other_points_is_ignored_and_told():
    stack, _ = scene()
    ctx = context()
    outputs = stage6_sb.solve(replace(stack.inputs, smooth_slope=np.ones(7)), sb_params(), ctx)
    assert any("scla_smooth_sb2.K_ps_uw: 7 points" in line for line in ctx.log.warnings)
    np.testing.assert_array_equal(outputs.unwrapped[:], solve(stack).unwrapped[:])


def test_arcs_too_noisy_for_the_inverted_network_are_annealed():
    stack, _ = scene(n_cells=20, noise=0.8, rate=60.0)
    changes = {"unwrap_prefilter_flag": False, "unwrap_la_error_flag": False}
    quick = solve(stack, **changes)
    annealed = solve(stack, unwrap_method="3D", **changes)
    assert quick.low_pass is None
    assert annealed.low_pass.shape == annealed.grid_phase.shape
    lost = np.isnan(quick.arc_noise[:]).any(axis=1)
    assert lost.mean() > 0.2
    noise = annealed.arc_noise[:]
    assert not np.isnan(noise).any()
    network = solve(stack, unwrap_method="3D_NO_DEF", **changes)
    assert noise[lost].std(axis=1).mean() < 0.8 * network.arc_noise[lost].std(axis=1).mean()
    same = quick.arc_noise[:].std(axis=1, ddof=1) < 0.99
    np.testing.assert_array_equal(noise[same], quick.arc_noise[same])


def test_how_arcs_are_cut_changes_nothing_of_their_annealing():
    stack, _ = scene()
    ifgs, n = stack.inputs.ifgs, 60
    smooth = annealing_smoother(
        network_smoother(ifgs, 730.0, context()), ifgs, np.eye(len(ifgs)), context()
    )
    phase = np.random.default_rng(5).uniform(-3, 3, (n, len(ifgs)))
    arcs = np.exp(1j * phase).astype(np.complex64)
    whole, *parts = (
        smooth(Arcs(rows, arcs[rows], None)) for rows in (slice(0, n), slice(0, 20), slice(20, n))
    )
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_the_whitener_gives_noise_the_unit_covariance():
    mixing = np.random.default_rng(6).normal(0, 1, (4, 4))
    covariance = mixing @ mixing.T
    found = whitening(covariance)
    np.testing.assert_allclose(found @ covariance @ found.T, np.eye(4), atol=1e-10)
    assert (found == np.triu(found)).all()
    np.testing.assert_array_equal(whitening(np.diag([4.0, 0.0])), np.diag([0.5, 1.0]))


# the network --------------------------------------------------------------------------------------


def test_a_network_that_falls_apart_is_refused_with_the_dates_of_its_groups():
    stack, _ = scene([(0, 1), (1, 2), (3, 4), (5, 6), (6, 7)])
    with pytest.raises(StageError, match="fall into 3 islands of images") as raised:
        solve(stack)
    islands = str(raised.value).split("images: ")[1].split("; add")[0].split(" | ")
    assert sorted(len(island.split(", ")) for island in islands) == [2, 3, 3]


def test_dropped_pairs_may_not_tear_the_network_apart():
    stack, _ = scene(neighbours(N_IMAGE, 1))
    with pytest.raises(
        StageError, match=r"that drop_ifg_index leaves fall into 2 islands of images"
    ):
        solve(stack, drop_ifg_index=(3,))


def test_a_network_without_the_master_is_refused():
    master = N_IMAGE // 2
    pairs = [pair for pair in neighbours(N_IMAGE) if master not in pair]
    stack, _ = scene(pairs)
    with pytest.raises(StageError, match=r"none of the 12 .* includes the master, 1998-10-20"):
        solve(stack)


def test_a_network_without_complete_stars_cannot_be_smoothed_along_them():
    stack, _ = scene()
    with pytest.raises(StageError, match="unwrap_method 3D_FULL: interferograms 1, 2"):
        solve(stack, unwrap_method="3D_FULL")


def test_one_pair_is_too_few():
    stack, _ = scene([(3, 4), (4, 5)])
    with pytest.raises(StageError, match="leaves 1 of 2 interferograms, at least 2"):
        solve(stack, drop_ifg_index=(1,))


# inversion ----------------------------------------------------------------------------------------


def test_the_series_is_the_truth_relative_to_master_and_reference_area():
    stack, truth = scene()
    outputs = solve(stack)
    np.testing.assert_allclose(outputs.series[:], referenced(truth), atol=1e-4)
    np.testing.assert_allclose(outputs.predicted[:], referenced(stack.truth), atol=1e-4)
    assert (outputs.series[:, N_IMAGE // 2] == 0).all()
    np.testing.assert_array_equal(outputs.images, np.arange(N_IMAGE))


def test_the_phase_of_the_reference_area_is_zero():
    stack, _ = scene()
    outputs = solve(stack, ref_x=(-1.0, 500.0), ref_y=(-1.0, 500.0))
    near = (stack.inputs.xy < 500).all(axis=1)
    np.testing.assert_allclose(outputs.series[near].mean(axis=0), 0, atol=1e-5)
    with pytest.raises(StageError, match="0 PS in reference area"):
        solve(stack, ref_x=(-2.0, -1.0), ref_y=(-2.0, -1.0))


def test_a_reference_area_without_phase_is_named_with_the_pair():
    stack, _ = scene()
    cells = assign_cells(stack.inputs.xy, 100.0, 16)
    pair = cells.members[cells.starts[np.flatnonzero(np.diff(cells.starts) == 2)[0]] :][:2]
    corrected = stack.inputs.corrected.copy()
    corrected[pair, 1] = 1, -1  # their cell cancels out in the first that is unwrapped
    x, y = stack.inputs.xy[pair].T
    area = {"ref_x": (x.min() - 0.1, x.max() + 0.1), "ref_y": (y.min() - 0.1, y.max() + 0.1)}
    inputs = replace(stack.inputs, corrected=corrected)
    with pytest.raises(StageError, match=r"phuw_sb2.ph_uw: interferogram 2 \(.*\) has no phase in"):
        stage6_sb.solve(inputs, sb_params(drop_ifg_index=(1,), **area), context())


def test_no_reference_area_at_all_is_told():
    stack, _ = scene()
    ctx = context()
    outputs = solve(stack, ctx, ref_radius=-np.inf)
    assert np.isfinite(outputs.series[:]).all()
    assert any("not referenced to any area" in line for line in ctx.log.warnings)


def test_images_without_pairs_stay_zero_and_are_not_listed():
    pairs = [pair for pair in neighbours(N_IMAGE) if 0 not in pair]
    stack, _ = scene(pairs)
    outputs = solve(stack)
    np.testing.assert_array_equal(outputs.images, np.arange(1, N_IMAGE))
    assert (outputs.series[:, 0] == 0).all()
    assert (outputs.image_covariance[0] == 0).all()


def inverted(phase, covariance, pairs, master=0):
    day = 730000.0 + 12 * np.arange(1 + np.max(pairs))
    ifgs = Ifgs(np.asarray(pairs), np.zeros(len(pairs)), day, day[master], None)
    reference = np.zeros(len(pairs), np.float32)
    return invert(phase, reference, ifgs, np.arange(len(pairs)), covariance, context())


def test_noisy_pairs_count_less():
    pairs = [(0, 1), (0, 2), (1, 2)]
    phase = np.array([[1.0, 3.0, 1.4]], np.float32)  # closes but for 0.6
    found = inverted(phase, np.diag([1.0, 1.0, 100.0]), pairs)
    np.testing.assert_allclose(found.series[:], [[0, 1.0, 3.0]], atol=0.02)
    equal = inverted(phase, np.eye(3), pairs)
    np.testing.assert_allclose(equal.series[:], [[0, 1.2, 2.8]], atol=1e-6)
    np.testing.assert_allclose(equal.predicted[:], [[1.2, 2.8, 1.6]], atol=1e-6)
    np.testing.assert_allclose(
        equal.covariance, [[0, 0, 0], [0, 2 / 3, 1 / 3], [0, 1 / 3, 2 / 3]], atol=1e-12
    )


def test_a_point_without_phase_has_none_in_any_image():
    phase = np.array([[1.0, np.nan, 2.0], [1.0, 3.0, 2.0]], np.float32)
    found = inverted(phase, np.eye(3), [(0, 1), (0, 2), (1, 2)])
    np.testing.assert_array_equal(np.isnan(found.series[:]), [[False, True, True], [False] * 3])


def test_the_covariance_of_the_pairs_is_that_of_the_noise_of_the_points():
    rng = np.random.default_rng(2)
    noise = rng.normal(0, 0.3, (9000, 5)) @ rng.normal(0, 1, (5, 5)) / 3 + 0.1
    patch = np.exp(1j * rng.uniform(-3, 3, noise.shape))
    found = pair_covariance(patch * np.exp(1j * noise), patch, context())
    np.testing.assert_allclose(found, np.cov(noise.T), rtol=0, atol=1e-12)
    np.testing.assert_array_equal(pair_covariance(patch, None, context()), np.eye(5))


def test_variances_grow_until_the_covariance_can_be_inverted():
    assert reciprocal_condition(np.diag([1.0, 0.25])) == 0.25
    assert reciprocal_condition(np.ones((3, 3))) == 0
    given = np.diag([1.0, 0.5])
    assert weighting(given) is given
    singular = weighting(np.diag([20.0, 0.0]))
    np.testing.assert_allclose(singular, np.diag([20.03, 0.03]))
