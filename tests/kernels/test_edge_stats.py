"""Noise of the arcs of a network, of its nodes and interferograms."""

import itertools
import math

import numpy as np
import pytest

from pystamps_kernels.contracts.edge_stats import NoiseVarianceError
from pystamps_kernels.dispatch import table
from pystamps_kernels.native.angle import cycles

from .conftest import BACKENDS

STATS = ["stage4_edge_stats", "stage4_edge_stats_undirected"]
PAIR_STATS = ["stage4_pair_edge_stats", "stage4_pair_edge_stats_undirected"]
NAMES = ["ps_std", "ps_max", "edge_std", "edge_max", "k_edge", "ifg_var"]


def stack(n_node=60, n_edge=170, n_use=12, noise=0.5, seed=1):
    """Nodes of linear motion, seasonal signal and noise, joined at random."""
    rng = np.random.default_rng(seed)
    day = np.sort(rng.choice(900, n_use, replace=False)).astype(float) + 736000
    phase = rng.uniform(-3, 3, (n_node, 1)) * (day - 736000) / 700
    phase = phase + rng.normal(0, noise, (n_node, n_use))
    start = rng.integers(0, n_node - 1, n_edge)
    end = (start + rng.integers(1, n_node - 1, n_edge)) % n_node
    bperp = rng.normal(0, 150, n_use)
    return np.exp(1j * phase).astype(np.complex64), start, end, bperp, day, 300.0


def literal(phase, start, end, bperp, day, time_win, about_mean=True):
    """The definition of 2.5 with exponentials, pseudo-inverses and whole matrices."""
    phase = phase.astype(complex)
    arcs = phase[end] * phase[start].conj()
    noise, others = np.empty(arcs.shape), np.empty(arcs.shape)
    for i in range(len(day)):
        t = day[i] - day
        w = np.exp(-(t**2) / (2 * time_win**2))
        w /= w.sum()
        mean = arcs @ w
        fit = np.linalg.pinv(np.sqrt(w)[:, None] * np.column_stack((np.ones_like(t), t)))
        y = np.angle(arcs * mean.conj()[:, None])
        m = (np.sqrt(w) * y) @ fit.T
        r = np.angle(np.exp(1j * (y - m[:, :1] - m[:, 1:] * t)))
        q = (np.sqrt(w) * r) @ fit.T
        noise[:, i] = np.angle(arcs[:, i] * (mean * np.exp(1j * (m[:, 0] + q[:, 0]))).conj())
        without = np.delete(arcs, i, axis=1) @ np.delete(w, i)
        others[:, i] = np.angle(arcs[:, i] * without.conj())
    var = others.var(axis=0, ddof=1) if about_mean else (others**2).sum(0) / (len(others) - 1)
    slope = (noise * bperp / var).sum(1) / (bperp**2 / var).sum()
    noise -= slope[:, None] * bperp
    std, largest = noise.std(axis=1, ddof=1), np.abs(noise).max(axis=1)
    nodes = [np.flatnonzero((start == p) | (end == p)) for p in range(len(phase))]
    least = [[of[e].min(initial=np.inf) for e in nodes] for of in (std, largest)]
    return np.array(least[0]), np.array(least[1]), std, largest, slope, var


def assert_close(found, wanted, atol, names=NAMES):
    for name, one, other in zip(names, found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=atol, err_msg=name)


@pytest.mark.parametrize(("noise", "n_edge"), [(0.2, 170), (1.0, 170), (1.0, 25)])
@pytest.mark.parametrize("time_win", [3.0, 300.0, 5000.0])
def test_arc_noise_is_that_of_the_literal_definition(kernels, noise, n_edge, time_win):
    arguments = (*stack(noise=noise, n_edge=n_edge)[:-1], time_win)
    assert_close(kernels.stage4_edge_stats(*arguments), literal(*arguments), 2e-6)
    undirected = kernels.stage4_edge_stats_undirected(*arguments)
    assert_close(undirected, literal(*arguments, about_mean=False), 2e-6)


def test_arcs_between_equal_nodes_are_without_noise(kernels):
    phase, start, end, *rest = stack()
    phase[end[0]] = phase[start[0]]
    _, _, std, largest, slope, _ = kernels.stage4_edge_stats(phase, start, end, *rest)
    assert std[0] == largest[0] == slope[0] == 0


def test_motion_along_a_line_is_no_noise(kernels):
    phase, start, end, bperp, day, time_win = stack()
    line = np.exp(1j * (0.4 + 2.5 * (day - day[0]) / (day[-1] - day[0])))
    phase[end[0]] = phase[start[0]] * line
    _, _, std, largest, _, _ = kernels.stage4_edge_stats(phase, start, end, bperp, day, time_win)
    assert largest[0] < 2e-6
    assert std[0] < 2e-6


@pytest.mark.parametrize("kernel", STATS)
@pytest.mark.parametrize(("n_edge", "n_use"), [(0, 5), (1, 5), (30, 1), (30, 2), (30, 0), (0, 0)])
def test_small_networks_have_natural_results(kernels, kernel, n_edge, n_use):
    found = getattr(kernels, kernel)(*stack(n_edge=n_edge, n_use=n_use))
    ps_std, ps_max, std, _, _, variance = found
    if n_edge == 0 or n_use == 0:
        assert np.isinf(ps_std).all()
        assert np.isinf(ps_max).all()
    elif n_use <= 2:
        assert std.max() < 1e-6
    if n_edge <= 1 or n_use <= 1:
        assert (variance == 1).all()


def test_without_baselines_there_is_no_slope(kernels):
    phase, start, end, bperp, *rest = stack()
    found = kernels.stage4_edge_stats(phase, start, end, 0 * bperp, *rest)
    assert not found[4].any()
    assert (found[2] > 0).all()


def test_an_interferogram_without_noise_is_named(kernels):
    phase, start, end, bperp, day, _ = stack()
    with pytest.raises(NoiseVarianceError, match="column 0 is 0") as raised:
        kernels.stage4_edge_stats(phase, start, end, bperp, day, 1e-3)
    assert raised.value.column == 0


def test_a_phase_that_is_not_finite_is_refused(kernels):
    phase, *rest = stack()
    phase[3, 2] = np.nan
    with pytest.raises(ValueError, match="'phase' has values that are not finite"):
        kernels.stage4_edge_stats(phase, *rest)


# --- small baselines


def pairs(**how):
    """The arguments of small baselines: no days, no window."""
    return stack(**how)[:4]


def literal_of_pairs(phase, start, end, bperp, both_ways=False):
    """The definition with dense complex least squares."""
    phase = phase.astype(complex)
    arcs = phase[end] * phase[start].conj()
    every = np.concatenate((arcs, arcs.conj())) if both_ways else arcs
    var = (np.abs(arcs - every.mean(axis=0)) ** 2).sum(axis=0) / (len(arcs) - 1)
    root = 1 / np.sqrt(var)
    slope = np.linalg.lstsq((root * bperp)[:, None], (arcs * root).T, rcond=None)[0][0]
    noise = np.angle(arcs - slope[:, None] * bperp)
    std, largest = noise.std(axis=1, ddof=1), np.abs(noise).max(axis=1)
    nodes = [np.flatnonzero((start == p) | (end == p)) for p in range(len(phase))]
    least = [[of[e].min(initial=np.inf) for e in nodes] for of in (std, largest)]
    return np.array(least[0]), np.array(least[1]), std, largest, slope, var


@pytest.mark.parametrize("noise", [0.2, 1.0])
def test_arc_noise_of_pairs_is_that_of_complex_least_squares(kernels, noise):
    arguments = pairs(noise=noise)
    assert_close(kernels.stage4_pair_edge_stats(*arguments), literal_of_pairs(*arguments), 2e-7)
    undirected = kernels.stage4_pair_edge_stats_undirected(*arguments)
    assert_close(undirected, literal_of_pairs(*arguments, both_ways=True), 2e-7)


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
@pytest.mark.parametrize("kernel", PAIR_STATS)
def test_native_equals_reference_for_pairs(kernel, dtype):
    phase, *rest = pairs(n_node=2000, n_edge=9000, n_use=15)
    arguments = (phase.astype(dtype), *rest)
    found, wanted = (getattr(table(b, "double"), kernel)(*arguments) for b in BACKENDS)
    assert_close(found, wanted, 1e-9)


def test_an_arc_without_noise_jumps_by_pi_where_its_slope_exceeds_it(kernels):
    phase, start, end, _ = pairs()
    phase[end[0]] = phase[start[0]]
    bperp = np.full(12, 100.0)
    bperp[4] = 300
    _, _, std, largest, slope, _ = kernels.stage4_pair_edge_stats(phase, start, end, bperp)
    assert slope[0].real * 300 > 1
    assert largest[0] == pytest.approx(math.pi, abs=1e-6)
    assert std[0] > 0.5


def test_reversing_single_arcs_of_pairs_changes_the_variance_about_the_mean_only(kernels):
    phase, start, end, bperp = pairs()
    flip = np.arange(len(start)) % 3 == 0
    flipped = np.where(flip, end, start), np.where(flip, start, end)
    for name, both in zip(PAIR_STATS, (False, True), strict=True):
        stats = getattr(kernels, name)
        plain = stats(phase, start, end, bperp)
        assert_close(stats(phase, end, start, bperp)[:4], plain[:4], 1e-9, NAMES[:4])
        turned = stats(phase, *flipped, bperp)
        assert (np.abs(turned[5] - plain[5]).max() < 1e-12) == both


@pytest.mark.parametrize("kernel", PAIR_STATS)
@pytest.mark.parametrize(("n_edge", "n_use"), [(0, 5), (1, 5), (30, 1), (30, 2), (30, 0), (0, 0)])
def test_small_networks_of_pairs_have_natural_results(kernels, kernel, n_edge, n_use):
    ps_std, ps_max, std, largest, _, variance = getattr(kernels, kernel)(
        *pairs(n_edge=n_edge, n_use=n_use)
    )
    if n_edge == 0 or n_use == 0:
        assert np.isinf(ps_std).all()
        assert np.isinf(ps_max).all()
    else:
        assert np.isfinite(largest).all()
    if n_use == 1:
        assert not std.any()
    if n_edge <= 1:
        assert (variance == 1).all()


def test_pairs_without_noise_or_phase_are_refused(kernels):
    phase, start, end, bperp = pairs()
    same = phase.copy()
    same[:, 3] = 1
    with pytest.raises(NoiseVarianceError, match="column 3 is"):
        kernels.stage4_pair_edge_stats(same, start, end, bperp)
    phase[3, 2] = np.nan
    with pytest.raises(ValueError, match="'phase' has values that are not finite"):
        kernels.stage4_pair_edge_stats(phase, start, end, bperp)


def test_angles_without_branches_are_those_of_the_c_library():
    values = [0.0, 1.0, -1.0, 0.41421356, 2.0, 1e-9, 1e-300, -3.5]
    for y, x in itertools.product(values, values):
        wanted = math.atan2(y, x) / (2 * math.pi)
        assert cycles(y, x) == pytest.approx(wanted, rel=4e-16, abs=0)


def test_statistics_do_not_depend_on_constants_of_nodes_and_epochs(kernels):
    phase, *rest = stack()
    rng = np.random.default_rng(3)
    turned = phase * np.exp(1j * rng.uniform(-3, 3, (len(phase), 1)))
    turned = turned * np.exp(1j * rng.uniform(-3, 3, phase.shape[1]))
    turned = turned.astype(np.complex64)
    assert_close(kernels.stage4_edge_stats(turned, *rest), kernels.stage4_edge_stats(phase, *rest),
                 1e-5)  # fmt: skip


def test_only_differences_and_ratios_of_days_and_baselines_count(kernels):
    phase, start, end, bperp, day, win = stack()
    plain = kernels.stage4_edge_stats(phase, start, end, bperp, day, win)
    other = kernels.stage4_edge_stats(phase, start, end, 4 * bperp, 2 * day + 8192, 2 * win)
    for name, one, two in zip(NAMES, plain, other, strict=True):
        scale = 4 if name == "k_edge" else 1
        np.testing.assert_allclose(one, scale * two, rtol=0, atol=1e-6, err_msg=name)


def test_reversing_all_arcs_changes_nothing_and_single_ones_only_the_variance_about_the_mean(
    kernels,
):
    phase, start, end, *rest = stack()
    flip = np.arange(len(start)) % 3 == 0
    flipped = np.where(flip, end, start), np.where(flip, start, end)
    plain = kernels.stage4_edge_stats(phase, start, end, *rest)
    reversed_ = kernels.stage4_edge_stats(phase, end, start, *rest)
    np.testing.assert_allclose(reversed_[0], plain[0], atol=1e-6)
    np.testing.assert_allclose(reversed_[4], -plain[4], atol=1e-9)
    assert np.abs(kernels.stage4_edge_stats(phase, *flipped, *rest)[5] - plain[5]).max() > 1e-4
    undirected = kernels.stage4_edge_stats_undirected(phase, start, end, *rest)
    turned = kernels.stage4_edge_stats_undirected(phase, *flipped, *rest)
    np.testing.assert_allclose(turned[1], undirected[1], atol=1e-6)
    np.testing.assert_allclose(turned[5], undirected[5], atol=1e-9)


def test_nodes_take_the_least_of_their_arcs_and_lonely_ones_are_infinite(kernels):
    phase, start, end, *rest = stack(n_edge=25)
    ps_std, ps_max, std, largest, _, _ = kernels.stage4_edge_stats(phase, start, end, *rest)
    for node in range(len(phase)):
        arcs = (start == node) | (end == node)
        assert ps_std[node] == std[arcs].min(initial=np.inf)
        assert ps_max[node] == largest[arcs].min(initial=np.inf)
    assert np.isinf(ps_std).any()
