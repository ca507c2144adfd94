"""Kernels of stage 6: filter, nearest nodes, arcs in time, SNAPHU's costs."""

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pystamps_kernels.contracts import all_kernels
from pystamps_kernels.dispatch import table
from pystamps_kernels.reference.goldstein import origins, padded_width, response

BACKENDS = ["python", "native"]
FILTER_SIZES = [8, 9, 15, 23]


@pytest.fixture(params=BACKENDS)
def kernels(request):
    return table(request.param, "single")


def phasors(rng, *shape):
    return np.exp(1j * rng.uniform(-np.pi, np.pi, shape)).astype(np.complex64)


def angle_between(a, b):
    return np.abs(np.angle(a.astype(complex) * np.conj(b.astype(complex))))


# points -------------------------------------------------------------------------------------------


def test_the_look_angle_error_is_put_back_and_the_amplitude_taken_off(kernels):
    phase = np.array([[3j, 0, 2]], np.complex64)
    bperp = np.array([[100, 100, -50]], np.float32)
    psi = kernels.stage6_wrapped_phase(phase, bperp, np.array([0.01], np.float32))
    np.testing.assert_allclose(psi[0], [1j * np.exp(1j), 0, np.exp(-0.5j)], atol=2e-7)


def test_cell_sums_add_in_single_precision_in_the_order_of_the_points(kernels):
    big = np.float32(2**24)
    values = np.array([1, big, 1j, 1, 1], np.complex64)
    sums = kernels.stage6_cell_sums(values, np.array([1, 3, 4, 0, 2]), np.array([0, 3, 5]))
    np.testing.assert_array_equal(sums, np.array([big, 1 + 1j], np.complex64))


def test_points_take_the_cycles_of_their_node_and_keep_their_own_phase(kernels):
    rng = np.random.default_rng(1)
    psi = phasors(rng, 50, 7)
    grid = rng.normal(0, 20, (9, 7)).astype(np.float32)
    node = rng.integers(-1, 9, 50)
    unwrapped = kernels.stage6_to_points(psi, grid, node)
    lost = node < 0
    assert lost.any()
    assert np.isnan(unwrapped[lost]).all()
    kept = unwrapped[~lost]
    assert angle_between(np.exp(1j * kept.astype(float)), psi[~lost]).max() < 1e-5
    assert np.abs(kept - grid[node[~lost]]).max() < np.pi + 1e-5


# Goldstein filter ---------------------------------------------------------------------------------


@pytest.mark.parametrize("n_row", FILTER_SIZES)
def test_the_filter_keeps_a_constant_phase(kernels, n_row):
    raster = np.full((n_row, 11), 2 * np.exp(0.7j), np.complex64)
    np.testing.assert_allclose(kernels.stage6_goldstein(raster, 8, 0.8), raster, atol=1e-6)


@pytest.mark.parametrize("window", [8, 10])  # a spectrum of even and of odd width
@pytest.mark.parametrize("n_row", [10, 11, 19, 23])
def test_the_filter_without_exponent_keeps_every_phase(kernels, n_row, window):
    raster = phasors(np.random.default_rng(2), n_row, 14) * np.float32(3)
    filtered = kernels.stage6_goldstein(raster, window, 0.0)
    np.testing.assert_allclose(filtered, raster, atol=3e-6)


def test_a_window_that_sticks_out_is_moved_but_its_weight_is_not():
    first, taper = origins(11, 8)
    np.testing.assert_array_equal(first, [0, 3])
    np.testing.assert_array_equal(taper, [[1, 2, 3, 4, 4, 3, 2, 1], [0, 1, 2, 3, 4, 4, 3, 2]])


@pytest.mark.parametrize("window", [10, 16])  # spectra of odd and of even width
def test_the_spectral_weight_of_a_fringe_peaks_at_its_frequency(window):
    width = padded_width(window)
    i, j = np.mgrid[:width, :width]
    fringe = np.exp(2j * np.pi * (3 * i - 2 * j) / width)
    weight = response(np.abs(np.fft.fft2(fringe))[None] + 1, 1.0)[0]
    assert np.unravel_index(np.argmax(weight), weight.shape) == (3, width - 2)


def test_native_weights_spectra_of_odd_width_like_the_reference():
    raster = phasors(np.random.default_rng(2), 23, 31)
    found, wanted = (table(name, "single").stage6_goldstein(raster, 10, 0.8) for name in BACKENDS)
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_the_filter_commutes_with_a_constant_phase(kernels):
    raster = phasors(np.random.default_rng(3), 20, 17)
    turn = np.complex64(np.exp(1j * 2.5))
    turned = kernels.stage6_goldstein(raster * turn, 8, 0.8)
    np.testing.assert_allclose(turned, kernels.stage6_goldstein(raster, 8, 0.8) * turn, atol=1e-5)


def test_the_filter_brings_out_a_fringe_from_noise_and_counts_nan_as_empty(kernels):
    rng = np.random.default_rng(4)
    i, j = np.mgrid[:48, :40]
    fringe = np.exp(1j * (0.4 * i - 0.2 * j))
    noisy = (fringe * np.exp(1j * rng.normal(0, 0.9, i.shape))).astype(np.complex64)
    noisy[rng.random(i.shape) < 0.2] = 0
    filtered = kernels.stage6_goldstein(noisy, 16, 1.0)
    inside = noisy != 0
    before, after = angle_between(noisy, fringe)[inside], angle_between(filtered, fringe)[inside]
    assert after.mean() < 0.55 * before.mean()
    empty = np.where(noisy == 0, np.complex64(np.nan), noisy)
    np.testing.assert_array_equal(kernels.stage6_goldstein(empty, 16, 1.0), filtered)


# nearest nodes ------------------------------------------------------------------------------------


def brute_force_nearest(node):
    """Smallest (squared distance, node number) over all nodes."""
    at = np.argwhere(node >= 0)
    numbers = node[node >= 0]
    nearest = np.empty_like(node)
    for cell in np.ndindex(node.shape):
        distance = ((at - cell) ** 2).sum(axis=1)
        nearest[cell] = min(zip(distance, numbers, strict=True))[1]
    return nearest


def number_columns(mask):
    node = np.full(mask.shape, -1, np.int64)
    node.T[mask.T] = np.arange(mask.sum())
    return node


@settings(deadline=None, max_examples=60)
@given(
    st.tuples(st.integers(1, 12), st.integers(1, 12)).flatmap(
        lambda shape: arrays(bool, shape, elements=st.booleans())
    )
)
def test_the_nearest_node_is_the_lowest_of_the_closest(mask):
    mask[0, mask.shape[1] // 2] |= not mask.any()
    node = number_columns(mask)
    wanted = brute_force_nearest(node)
    for backend in BACKENDS:
        found = table(backend, "single").stage6_nearest_node(node)
        np.testing.assert_array_equal(found, wanted)


# arcs ---------------------------------------------------------------------------------------------


def test_arcs_are_high_minus_low_and_nan_at_an_empty_node(kernels):
    phase = np.array([[2 * np.exp(0.5j)], [5 * np.exp(1.5j)], [0]], np.complex64)
    arcs = kernels.stage6_arc_phasors(phase, np.array([0, 0]), np.array([1, 2]))
    np.testing.assert_allclose(arcs[0], np.exp(1j), atol=2e-7)
    assert np.isnan(arcs[1]).all()


def test_the_look_angle_error_of_a_noise_free_arc_is_found(kernels):
    baseline = np.array([-150.0, -80, -33, 0, 33, 80, 150])
    slopes = np.array([-0.03, -0.004, 0.0123, 0.025])
    z = np.exp(1j * slopes[:, None] * baseline).astype(np.complex64)
    found = kernels.stage6_look_angle(z, baseline, 16)
    np.testing.assert_allclose(found, slopes, rtol=5e-3)


def test_two_equal_peaks_or_a_gap_give_no_look_angle_error(kernels):
    baseline = np.linspace(-100, 100, 9)
    up, down = np.exp(1j * 0.03 * baseline), np.exp(-1j * 0.03 * baseline)
    missing = up.copy()
    missing[3] = np.nan
    z = np.stack([up + down, missing]).astype(np.complex64)
    np.testing.assert_array_equal(kernels.stage6_look_angle(z, baseline, 10), [0, 0])


def test_an_incoherent_arc_gives_no_look_angle_error(kernels):
    baseline = np.linspace(-100, 100, 40)
    noise = phasors(np.random.default_rng(5), 300, 40)
    assert np.mean(kernels.stage6_look_angle(noise, baseline, 10) == 0) > 0.9


def star(day, width):
    from pystamps_hpc.stages.stage6.stars import gaussian_weights, line_intercepts

    weights = gaussian_weights(day, width)
    return weights, line_intercepts(day, weights)


@pytest.mark.parametrize("rate", [-0.0028, 0.0, 0.001, 0.0028])
def test_a_motion_of_less_than_half_a_cycle_passes_the_smoothing(kernels, rate):
    day = np.array([-500.0, -310, -200, -14, 30, 144, 290, 410])
    phase = rate * day + 0.3
    z = np.exp(1j * phase)[None].astype(np.complex64)
    smooth = kernels.stage6_star_smooth(z, *star(day, 730.0), 3, 4)
    np.testing.assert_allclose(smooth[0], phase, atol=2e-6)


def test_the_smooth_phase_next_to_the_master_stays_within_a_cycle(kernels):
    rng = np.random.default_rng(6)
    day = np.sort(rng.uniform(-900, 900, 14))
    smooth = kernels.stage6_star_smooth(phasors(rng, 200, 14), *star(day, 200.0), 6, 7)
    centre = (smooth[:, 6] + smooth[:, 7]) / 2
    assert np.abs(centre).max() <= np.pi + 1e-6
    assert np.abs(smooth).max() > np.pi


def test_a_consistent_network_passes_the_smoothing_of_a_slow_motion(kernels):
    from pystamps_hpc.stages.stage6.stars import gaussian_weights

    pairs = np.array([(a, b) for a in range(5) for b in range(a + 1, 5)])
    design = np.zeros((len(pairs), 5), np.float32)
    design[np.arange(len(pairs)), pairs[:, 0]] = -1
    design[np.arange(len(pairs)), pairs[:, 1]] = 1
    images = np.zeros((5, len(pairs)))
    images[1:] = np.linalg.pinv(design[:, 1:].astype(float))
    operator = gaussian_weights(np.arange(5) * 12.0, 1e-3) @ images
    phase = design @ np.array([0, 0.5, -0.2, 0.9, 1.4])
    z = np.exp(1j * phase)[None].astype(np.complex64)
    smooth = kernels.stage6_network_smooth(z, operator, design)
    np.testing.assert_allclose(smooth[0], phase, atol=1e-6)


def test_arcs_above_the_noise_limit_lose_their_noise(kernels):
    smooth = np.zeros((2, 4), np.float32)
    noise = np.array([[0.1, -0.1, 0.1, -0.1], [2, -2, 2, -2]], np.float32)
    found = kernels.stage6_arc_noise(np.exp(1j * noise).astype(np.complex64), smooth, 1.2)
    np.testing.assert_allclose(found[0], noise[0], atol=2e-7)
    assert np.isnan(found[1]).all()
    variance = kernels.stage6_arc_variance(found)
    assert variance[0] == pytest.approx((np.std(noise[0], ddof=1) / (2 * np.pi)) ** 2, rel=1e-6)
    assert np.isnan(variance[1])


# costs --------------------------------------------------------------------------------------------


def test_an_offset_is_the_noise_plus_whole_cycles(kernels):
    rng = np.random.default_rng(7)
    noise = rng.uniform(-3, 3, (100, 6)).astype(np.float32)
    unwrapped = (noise + rng.uniform(-30, 30, noise.shape)).astype(np.float32)
    variance = np.full(100, 0.01, np.float32)
    offset, sigsq = kernels.stage6_edge_costs(unwrapped, noise, variance, np.arange(1, 101))
    cycles = offset / 200 - noise / (2 * np.pi)
    assert np.abs(cycles - np.rint(cycles)).max() < 0.0026
    np.testing.assert_array_equal(sigsq, 4 * np.arange(1, 101))


def test_costs_saturate_round_half_away_and_never_reach_zero(kernels):
    variance = np.array([1e-9, 0.00375, 1e6, np.nan], np.float32)
    phase = np.array([[0.0], [2 * np.pi * 2.5 / 200], [1e5], [1.0]], np.float32)
    offset, sigsq = kernels.stage6_edge_costs(
        phase, np.array([[0.0], [2 * np.pi * 2.5 / 200], [0.0], [1.0]], np.float32),
        variance, np.array([1, 3, 1, 1]),
    )  # fmt: skip
    np.testing.assert_array_equal(sigsq, [1, 5, 32767, 0])
    assert offset[1, 0] in (2, 3)
    assert offset[2, 0] == -32768
    assert offset[3, 0] == 0


def test_cost_records_follow_the_table_of_arc_kinds(kernels):
    rows = np.array([[1, -1, 0, 2]])
    cols = np.array([[1, -1, 0], [2, 0, 0]])
    offset, sigsq = np.array([70, 9], np.int16), np.array([11, 0], np.int16)
    row_costs, col_costs = kernels.stage6_cost_records(rows, cols, offset, sigsq)
    within, without = [0, 1, 32000, -32000], [0, 1, 32000, 1]
    forward, backward = [70, 11, 32000, -32000], [-70, 11, 32000, -32000]
    np.testing.assert_array_equal(row_costs[0], [backward, forward, within, without])
    np.testing.assert_array_equal(col_costs[0], [forward, backward, within])
    np.testing.assert_array_equal(col_costs[1], [without, within, within])


def test_a_vortex_is_one_residue_and_a_plane_has_none(kernels):
    i, j = np.mgrid[:9, :7]
    vortex = kernels.stage6_residues(np.arctan2(i - 3.5, j - 2.5) / (2 * np.pi))
    assert np.argwhere(vortex).tolist() == [[3, 2]]
    turns = (2.9 * i - j) / (2 * np.pi)
    assert not kernels.stage6_residues(turns - np.rint(turns)).any()


# backends -----------------------------------------------------------------------------------------


def random_arguments(rng, n=5000, m=13):
    """Arguments of every kernel; more rows than one block."""
    z = phasors(rng, n, m)
    phase = rng.normal(0, 5, (n, m)).astype(np.float32)
    noise = rng.normal(0, 0.6, (n, m)).astype(np.float32)
    baseline = np.round(rng.normal(0, 100, m), 2)
    slow = np.exp(1j * (rng.normal(0, 0.01, (n, 1)) * baseline + noise)).astype(np.complex64)
    day = np.sort(rng.uniform(-400, 400, m))
    nodes = rng.random((60, 50)) < 0.2
    low, high = rng.integers(0, n, (2, n))
    cells = np.sort(rng.integers(0, 700, n))
    variance = np.where(rng.random(n) < 0.2, np.nan, rng.random(n)).astype(np.float32)
    rows, cols = rng.integers(-n, n + 1, (39, 30)), rng.integers(-n, n + 1, (40, 29))
    offset, sigsq = (rng.integers(-500, 500, n).astype(np.int16) for _ in range(2))
    return {
        "stage6_wrapped_phase": (z * 3, phase * 20, rng.normal(0, 0.01, n).astype(np.float32)),
        "stage6_subtract_phase": (z, phase),
        "stage6_cell_sums": (
            np.ascontiguousarray(z[:, 0]), rng.permutation(n),
            np.searchsorted(cells, np.arange(701)),
        ),
        "stage6_goldstein": (np.where(nodes, phasors(rng, 60, 50), np.complex64(0)), 16, 0.8),
        "stage6_nearest_node": (number_columns(nodes),),
        "stage6_arc_phasors": (z * 2, low, high),
        "stage6_phase_steps": (z,),
        "stage6_look_angle": (slow, baseline, 9),
        "stage6_star_smooth": (slow, *star(day, 300.0), 5, 6),
        "stage6_network_smooth": (
            slow, rng.normal(0, 1, (6, m)), rng.integers(-1, 2, (m, 6)).astype(np.float32)
        ),
        "stage6_arc_noise": (slow, phase, 1.8),
        "stage6_arc_variance": (noise,),
        "stage6_edge_costs": (phase, noise, variance, rng.integers(1, 9, n)),
        "stage6_cost_records": (rows, cols, offset, np.abs(sigsq)),
        **unwrapping_arguments(rng, nodes),
        "stage6_to_points": (z, phase, rng.integers(-1, n, n)),
    }  # fmt: skip


def unwrapping_arguments(rng, occupied):
    """Arguments of the kernels that unwrap a raster, each made from the results of those before."""
    kernels = table("python", "single")
    node = kernels.stage6_nearest_node(number_columns(occupied))
    turns = rng.uniform(-0.5, 0.5, node.max() + 1)[node]
    n_edge = 400
    edges = [
        np.where(np.diff(node, axis=axis) == 0, 0, rng.integers(1, n_edge + 1, part.shape))
        * rng.choice([-1, 1], part.shape)
        for axis, part in ((0, node[1:]), (1, node[:, 1:]))
    ]
    residues = kernels.stage6_residues(turns)
    *_, tail, head, n_arcs, _, supply = kernels.stage6_chains(*edges, residues)
    offset = rng.integers(-300, 300, tail.size).astype(np.int32)
    sigsq = np.where(rng.random(tail.size) < 0.4, 0, rng.integers(50, 9000, tail.size))
    chains = (tail, head, n_arcs, np.where(sigsq == 0, 0, offset).astype(np.int32),
              sigsq.astype(np.int32))  # fmt: skip
    go_on = np.zeros(1, bool)
    cycles, potential, _ = kernels.stage6_cheapest_flow(*chains, supply, go_on)
    unwrapped = (2 * np.pi * (turns + rng.integers(-3, 4, turns.shape))).astype(np.float32)
    of_edges = (rng.integers(-300, 300, n_edge), rng.integers(0, 5, n_edge) * 700)
    return {
        "stage6_residues": (turns,),
        "stage6_chains": (*edges, residues),
        "stage6_cheapest_flow": (*chains, supply, go_on),
        "stage6_share_free_chains": (*chains, cycles, potential, go_on),
        "stage6_solution_cost": (
            turns, unwrapped, *edges, *(values.astype(np.int16) for values in of_edges)
        ),
    }  # fmt: skip


def results_of(kernels, name, arguments):
    results = getattr(kernels, name)(*arguments)
    return results if isinstance(results, tuple) else (results,)


NAMES = [name for name in all_kernels() if name.startswith("stage6_")]


@pytest.mark.parametrize("name", NAMES)
def test_native_equals_the_reference_for_any_number_of_threads(name):
    arguments = random_arguments(np.random.default_rng(8))[name]
    kernel = all_kernels()[name]
    wanted = results_of(table("python", "single"), name, arguments)
    threads = numba.get_num_threads()
    found = []
    try:
        for count in {1, threads}:
            numba.set_num_threads(count)
            found.append(results_of(table("native", "single"), name, arguments))
    finally:
        numba.set_num_threads(threads)
    for native in found:
        for result, value, other, first in zip(
            kernel.returns, wanted, native, found[0], strict=True
        ):
            assert np.asarray(other).dtype == np.asarray(value).dtype
            tolerance = kernel.tolerance.get(result.name, 0)
            np.testing.assert_allclose(other, value, rtol=0, atol=tolerance)
            np.testing.assert_array_equal(other, first)


BY_ROW = ["wrapped_phase", "subtract_phase", "phase_steps", "arc_noise", "arc_variance"]


@pytest.mark.parametrize("name", [*BY_ROW, "look_angle", "star_smooth", "network_smooth"])
def test_a_row_does_not_depend_on_where_the_rows_are_cut(kernels, name):
    arguments = random_arguments(np.random.default_rng(9))[f"stage6_{name}"]
    n = len(arguments[0])
    kernel = getattr(kernels, f"stage6_{name}")
    whole = kernel(*arguments)
    by_row = [isinstance(item, np.ndarray) and len(item) == n for item in arguments]
    for rows in (slice(0, 1), slice(137, 301), slice(n - 5, n)):
        part = [item[rows] if cut else item for item, cut in zip(arguments, by_row, strict=True)]
        np.testing.assert_array_equal(kernel(*part), whole[rows])


@pytest.mark.parametrize("name", NAMES)
def test_no_argument_is_modified(kernels, name):
    arguments = random_arguments(np.random.default_rng(10))[name]
    copies = [np.array(item, copy=True) for item in arguments]
    results_of(kernels, name, arguments)
    for item, copy in zip(arguments, copies, strict=True):
        np.testing.assert_array_equal(item, copy)
