"""Arguments of every kernel, with holes and ties, in every class that the contract accepts."""

from functools import cache

import numpy as np
from scipy.spatial import cKDTree

from pystamps_hpc.stages.stage2.filter_grid import low_pass_response
from pystamps_hpc.stages.stage2.random_streams import matlab_state
from pystamps_hpc.stages.stage6.stars import gaussian_weights, line_intercepts
from pystamps_hpc.stages.stage8.neighbours import cell_grid
from pystamps_hpc.stages.stage8.space import nearest
from pystamps_kernels.dispatch import table
from pystamps_kernels.reference.costs import NO_COST

N, M = 5000, 13  # more rows than one block of any kernel
ORBIT = (845000.0, 7.8, 7070000.0, 6368000.0)
CLASSES = (("c8", "f4"), ("c8", "f8"), ("c16", "f8"))


def phasors(rng, *shape):
    return np.exp(1j * rng.uniform(-np.pi, np.pi, shape)).astype(np.complex64)


def angle_between(a, b):
    return np.abs(np.angle(a.astype(complex) * np.conj(b.astype(complex))))


def geometry(rng):
    look = rng.uniform(0.3, 0.9, N)
    baseline, rate = rng.normal(0, 300, (M, 2)), rng.normal(0, 0.3, (M, 2))
    return {
        "stage1_look_angles": [(rng.uniform(0, 5000, N), *ORBIT)],
        "stage1_perpendicular_baselines": [
            (rng.uniform(-3000, 3000, N), look, baseline, rate, 486.486)
        ],
        "stage1_bilinear": [(rng.random((50, 40)), rng.uniform(0, 49, N), rng.uniform(0, 39, N))],
        "stage1_column_means": [(rng.normal(100, 30, (N, M)).astype(f),) for f in ("f4", "f8")],
        "stage7_sequential_mean": [
            (np.where(rng.random(N) < 0.1, np.nan, rng.normal(0, 3, N)).astype("f4"),)
        ],
    }


def fits(rng):
    """Phasors with holes, and rows without data or without a range of baselines."""
    bperp = rng.normal(0, 150, M) + rng.normal(0, 0.3, (N, M))
    phase = rng.normal(0, 0.005, (N, 1)) * bperp + rng.normal(0, 0.8, (N, M))
    rows = np.exp(1j * phase)
    whole = rows.copy()
    rows[::17, 3] = 0
    rows[101] = 0
    bperp[203] = 100
    slope, weight = rng.normal(0, 0.01, N), rng.random(N)
    slope[4] = np.nan
    return {
        "stage2_topofit": [
            (rows.astype(c), bperp.astype(f), 0.78) for c, f in CLASSES
        ],
        "stage2_topofit_row_invariant": [
            (rows.astype(c), bperp[0].astype(f), 0.78) for c, f in CLASSES
        ],
        "stage2_topofit_coh_row_invariant": [
            (whole, bperp[0].astype(f), 0.78) for f in ("f4", "f8")
        ],
        "stage2_topofit_coh_rough": [(whole, bperp[0].astype(f), 0.78) for f in ("f4", "f8")],
        "stage2_ph_weight": [
            (rows.astype("c8"), bperp.astype(f), slope, weight) for f in ("f4", "f8")
        ],
    }  # fmt: skip


def samples(rng):
    """Arithmetic on single samples, zeros among them."""
    z, model = phasors(rng, N, M) * np.float32(3), phasors(rng, N, M)
    z[3, 2] = 0
    phase = rng.normal(0, 5, (N, M)).astype("f4")
    k_ps, c_ps = rng.normal(0, 0.05, N), rng.normal(0, 1, N)
    of_points = (k_ps, c_ps, rng.normal(0, 200, (N, M)).astype("f4"))
    offset = rng.normal(0, 1, N).astype("f4")
    node = rng.integers(-1, N, N)
    return {
        "stage2_unit_phasors": [(z,)],
        "stage2_phasors_of_cycles": [(rng.uniform(-1, 1, (M, N)),)],
        "stage2_deviation": [(z, model)],
        "stage2_angle": [(z,)],
        "stage5_unit_phase": [(z,), (z.astype("c16"),)],
        "stage6_subtract_phase": [(z, phase)],
        "stage5_phase_correction": [(z, *of_points)],
        "stage5_ifg_noise": [(z.astype(c), model.astype(c), *of_points) for c in ("c8", "c16")],
        "stage5_wrapped_residual": [(phase, offset)],
        "stage5_point_noise": [(phase,)],
        "stage6_wrapped_phase": [(z, phase * 20, rng.normal(0, 0.01, N).astype("f4"))],
        "stage6_to_points": [(model, phase, node)],
    }


def grids(rng):
    """Points in cells, a filter grid, a raster of nodes."""
    z = phasors(rng, N, M)
    z[7] = np.nan
    weight = rng.normal(0, 1, N).astype("f4")
    cell = rng.integers(0, 700, N)
    starts = np.searchsorted(np.sort(cell), np.arange(701))
    grid = (rng.normal(size=(40, 55, 3)) + 1j * rng.normal(size=(40, 55, 3))).astype("c8")
    grid[3, 4], grid[20, 9] = np.nan, complex(0, np.nan)
    cells = np.argwhere(rng.random(grid.shape[:2]) < 0.1).copy()
    low_pass = low_pass_response(32, 50.0, 800.0)
    occupied = rng.random((60, 50)) < 0.2
    raster = np.where(occupied, phasors(rng, 60, 50), np.complex64(0))
    return {
        "stage2_grid_accumulate": [(z, cell, 20, 40)],
        "stage5_cell_sums": [(z.real.copy(), weight, starts), (z, weight, starts)],
        "stage6_cell_sums": [(z[:, 0].copy(), np.argsort(cell, kind="stable"), starts)],
        "stage6_nearest_node": [(number_columns(occupied),)],
        "stage2_clap_grid": [
            *((grid, alpha, 0.3, 24, 8, low_pass) for alpha in (1.0, 1.5)),
            *(
                (grid[:, :width], 1.0, 0.3, n_win, n_pad, low_pass_response(n, 50.0, 800.0))
                for n_win, n_pad, width in ((6, 2, 6), (18, 6, 33), (30, 10, 55))
                for n in (n_win + n_pad,)
            ),
        ],
        "stage3_clap_cells": [
            (grid, cells, n_w, 0.8, 0.3, low_pass_response(n_w, 50.0, 800.0), osf)
            for n_w, osf in ((18, 1), (24, 2), (40, 1))
        ],
        "stage6_goldstein": [(raster, window, 0.8) for window in (10, 16)],
        "stage6_low_pass": [(raster, window) for window in (10, 16)],
        **unwrapping(rng, occupied),
    }


def number_columns(occupied):
    """Number the occupied cells down the columns, -1 elsewhere."""
    node = np.full(occupied.shape, -1, np.int64)
    node.T[occupied.T] = np.arange(occupied.sum())
    return node


def unwrapping(rng, occupied):
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
    sigsq[::23] = NO_COST
    chains = (tail, head, n_arcs, np.where(sigsq == 0, 0, offset).astype(np.int32),
              sigsq.astype(np.int32))  # fmt: skip
    go_on = np.zeros(1, bool)
    cycles, potential, _ = kernels.stage6_cheapest_flow(*chains, supply, go_on)
    unwrapped = (2 * np.pi * (turns + rng.integers(-3, 4, turns.shape))).astype(np.float32)
    of_edges = (rng.integers(-300, 300, n_edge), rng.choice([0, 700, 2800, NO_COST], n_edge))
    costs = [values.astype(np.int16) for values in of_edges]
    return {
        "stage6_residues": [(turns,)],
        "stage6_chains": [(*edges, residues)],
        "stage6_cheapest_flow": [(*chains, supply, go_on)],
        "stage6_share_free_chains": [(*chains, cycles, potential, go_on)],
        "stage6_cost_records": [(*edges, *costs)],
        "stage6_solution_cost": [(turns, unwrapped, *edges, *costs)],
    }


def statistics(rng):
    residual = rng.normal(0, np.tile([0.05, 0.5, 1.5, 3.0], N // 4)[:, None], (N, M)).astype("f4")
    values = np.concatenate((rng.random(N), np.arange(101) / 100, [np.nan]))
    bins = 0.005 + 0.01 * np.arange(100)
    pixel, coherence = rng.integers(0, 120, (N, 2)), rng.integers(0, 4, N) / 4
    return {
        "stage2_histogram": [(values.astype(f), bins) for f in ("f4", "f8")],
        "stage3_bootstrap_deviation": [(residual, np.arange(N) * 3, 20, 2005)],
        "stage2_matlab_uniform": [(matlab_state(7), 3000)],
        "stage4_adjacent_keep": [(pixel, coherence)],
        "stage4_duplicate_keep": [(pixel.astype(f), coherence) for f in ("f4", "f8")],
    }


def network(rng):
    """Nodes of linear motion, seasonal signal and noise, joined at random; arcs between others."""
    day = np.sort(rng.choice(900, M, replace=False)).astype(float) + 736000
    phase = rng.uniform(-3, 3, (2000, 1)) * (day - 736000) / 700 + rng.normal(0, 0.5, (2000, M))
    start = rng.integers(0, 1999, N)
    ends = start, (start + rng.integers(1, 1999, N)) % 2000
    nodes = np.exp(1j * phase)
    stack = (*ends, rng.normal(0, 150, M), day, 300.0)
    baseline = np.round(rng.normal(0, 100, M), 2)
    noise = rng.normal(0, 0.6, (N, M)).astype("f4")
    slow = np.exp(1j * (rng.normal(0, 0.01, (N, 1)) * baseline + noise)).astype("c8")
    smooth = rng.normal(0, 5, (N, M)).astype("f4")
    weights = gaussian_weights(day, 300.0)
    operator, design = rng.normal(0, 1, (6, M)), rng.integers(-1, 2, (M, 6)).astype("f4")
    pairs = np.array([(i, j) for i in range(6) for j in range(i + 1, min(i + 3, 6))])
    joined = np.eye(6)[pairs[:, 1]] - np.eye(6)[pairs[:, 0]]
    whitener = np.triu(rng.normal(0, 0.2, (9, 9))) + np.eye(9)
    variance = np.where(rng.random(N) < 0.2, np.nan, rng.random(N)).astype("f4")
    some_empty = nodes.astype("c8")
    some_empty[5] = 0
    return {
        "stage4_edge_stats": [(nodes.astype(c), *stack) for c in ("c8", "c16")],
        "stage4_edge_stats_undirected": [(nodes.astype(c), *stack) for c in ("c8", "c16")],
        "stage4_pair_edge_stats": [(nodes.astype(c), *stack[:3]) for c in ("c8", "c16")],
        "stage4_pair_edge_stats_undirected": [(nodes.astype(c), *stack[:3]) for c in ("c8", "c16")],
        "stage6_arc_phasors": [(some_empty, *ends)],
        "stage6_phase_steps": [(slow,)],
        "stage6_look_angle": [(slow, baseline, 9)],
        "stage6_star_smooth": [(slow, weights, line_intercepts(day, weights), 5, 6)],
        "stage6_network_smooth": [(slow, operator, design)],
        "stage6_anneal": [(slow[:48, :9].copy(), np.arange(48), pairs, day[:6], whitener)],
        "stage6_held_smooth": [
            (
                smooth[:, :9].copy(),
                rng.random((N, 9)) < 0.7,
                joined,
                gaussian_weights(day[:6], 50.0),
            )
        ],
        "stage6_arc_noise": [(slow, smooth, 1.8)],
        "stage6_arc_variance": [(noise,)],
        "stage6_edge_costs": [(smooth, noise, variance, rng.integers(1, 9, N))],
        "stage6_network_inversion": [(smooth, smooth[7].copy(), operator)],
        "stage6_column_products": [(smooth.astype("f8"),)],
        "stage8_edge_noise": [(some_empty, *ends)],
    }


def time_series(rng):
    phase, bperp = rng.normal(0, 3, (N, M)).astype("f4"), rng.normal(0, 100, (N, M)).astype("f4")
    phase[5, 3] = np.nan
    reference = rng.normal(0, 1, M).astype("f4")
    sequence, fitted = np.array([0, 1, 3, 4, 7, 9, 12]), np.array([0, 1, 4, 12])
    operator = rng.normal(0, 1, 4)
    slope, offset = rng.normal(0, 0.01, N), rng.normal(0, 1, N).astype("f4")
    edges = rng.integers(0, N, (3 * N, 2))
    design = np.column_stack((np.ones(M), rng.normal(0, 100, M), rng.uniform(10, 50, M)))
    values = rng.normal(0, 1, (40, M))
    values[7, 2] = np.nan
    start = np.nan_to_num(values) @ np.linalg.pinv(design).T
    weights = rng.normal(0, 1, (M, M))
    xy = rng.uniform(0, 3000, (500, 2)).astype("f4")
    grid = cell_grid(xy, 400.0)
    of_cells = (grid.order, grid.cells, grid.starts, grid.width)
    return {
        "stage7_scla": [
            (phase, bperp, reference, sequence, rng.normal(0, 0.01, 6), fitted, operator)
        ],
        "stage7_scla_of_slope": [(phase, bperp, reference, slope, fitted, operator)],
        "stage7_scla_of_pairs": [(phase, bperp, reference, fitted, operator)],
        "stage7_image_baselines": [(weights[:6], bperp)],
        "stage7_scla_smooth": [(slope, offset, edges[edges[:, 0] != edges[:, 1]])],
        "stage7_lad_fit": [(design, values, start)],
        "stage8_temporal_highpass": [(phase, weights, rng.normal(0, 1, M))],
        "stage8_spatial_lowpass": [(phase[-500:], xy, *of_cells, 100.0, 20, 450)],
        "stage8_velocity_fit": [(weights[:2], phase, reference)],
    }


def kriging(rng):
    """Variograms of all kinds, series and points with and without neighbours."""
    day = np.sort(rng.choice(900, M, replace=False)).astype("f4") / np.float32(365.25)
    distance = np.abs(day[:, None] - day).astype(float)
    day[7] = day[6]
    with_twins = np.abs(day[:, None] - day).astype(float)
    lags = np.arange(14) * 0.0625 + 0.03125
    shape = 1 - np.exp(-lags / rng.uniform(0.05, 0.6, (60, 1)))
    rising = rng.random((60, 1)) + rng.random((60, 1)) * shape * rng.uniform(0.98, 1.02, (60, 14))
    variograms = np.concatenate((rising, [lags, lags[::-1], np.ones(14), np.zeros(14)]))
    models = np.column_stack((rng.uniform(0.02, 1, 70), rng.random(70), rng.random(70)))
    models[:5, 1] = 0
    exact = models * [1, 1, 0]
    series = rng.normal(0, 2, (70, M)).astype("f4")
    xy = rng.uniform(0, 3000, (500, 2)).astype("f4")
    xy[40] = xy[41]
    values = rng.normal(0, 1, (500, 4)).astype("f4")
    of_columns = np.array([[400.0, 1, 0.2], [90, 2, 0.01], [5000, 0, 1], [1e6, 100, 0]])
    near = nearest(cKDTree(xy.astype(float)), xy, np.arange(20, 450), 600.0, 1)
    near[3] = -1
    apart = nearest(cKDTree(xy[50:].astype(float)), xy[50:], np.arange(9), 900.0, 1)
    pairs = rng.integers(0, M, (2, 50))
    return {
        "stage8_series_variograms": [(series, *pairs, np.array([0, 3, 20, 21, 50]))],
        "stage8_spatial_variogram": [(xy, values, 300.0, 8, 20, 450)],
        "stage8_fit_variograms": [(lags, variograms, 0.25), (lags[:1], variograms[:, :1], 0.25)],
        "stage8_krig_time": [
            (series, models, with_twins, np.argsort(with_twins, kind="stable"), 6),
            (series, exact, distance, np.argsort(distance, kind="stable"), 20),
        ],
        "stage8_krig_space": [
            (values[:, :3], xy, of_columns[:3], np.arange(20, 450), near),
            (values[50:, 3:], xy[50:], of_columns[3:], np.arange(9), apart),
        ],
    }


def images(rng):
    """Echoes of floats in the other order of bytes, and of integers; zeros, NaN, Inf among them."""
    echo = rng.normal(0, 60, (3, N, 2)).astype(">f4")
    echo[0, :40] = np.array([0, 1e-5, 1e-3, np.nan, np.inf, -np.inf, 3e38, 80])[:, None].repeat(
        5, 0
    )
    echo[0, 40:60, 1] = np.nan
    echo[0, 50:55, 0] = np.inf
    short = np.clip(echo, -32768, 32767).astype(">i2")
    words = [(echo.view("u4"), True), (echo.astype("<f4").view("u4"), False)]
    words += [(short.view("u2"), True), (short.astype("<i2").view("u2"), False)]
    total, square = rng.uniform(0, 9, (2, N)).astype("f4")
    out = rng.random(N) < 0.1
    return {
        "prep_amplitude_sum": [(w[0], swapped, out, 17.25, 3) for w, swapped in words],
        "prep_add_amplitudes": [
            (w, swapped, np.array([80.5, 77, 81], "f4"), total, square, out) for w, swapped in words
        ],
        "prep_add_pairs": [
            (w[1:], swapped, np.array([79.25, 81.5], "f4"), total, square) for w, swapped in words
        ],
    }


SUBJECTS = (
    geometry, fits, samples, grids, statistics, network, time_series, images, kriging,
)  # fmt: skip


@cache
def all_arguments():
    """Return kernel -> its calls, each a tuple of contiguous arguments."""
    return {
        name: [
            tuple(np.ascontiguousarray(a) if isinstance(a, np.ndarray) else a for a in call)
            for call in calls
        ]
        for number, subject in enumerate(SUBJECTS)
        for name, calls in subject(np.random.default_rng(number)).items()
    }
