"""Arguments of every kernel on one synthetic scene, and the work that the kernel does on them.

A function per subject of the kernels returns how its cases are made, by the name of the kernel.
"""

import math
from dataclasses import replace

import numpy as np
from scipy.spatial import cKDTree

from benchmarks.case import Case, Cases
from benchmarks.clap_work import Work, cells_work, grid_work
from benchmarks.scene import CLAP_WINDOW, DENSITY, LOW_PASS, TIME_WINDOW, Scene
from benchmarks.unwrapping_cases import N_TRIALS, TRIAL_WRAPS, arcs, costs, inversion, unwrapping
from pystamps_hpc.stages.stage8.neighbours import cell_grid
from pystamps_hpc.stages.stage8.space import nearest
from pystamps_hpc.stages.stage8.variograms import IN_SPACE, IN_TIME
from pystamps_kernels.clap_windows import window_starts
from pystamps_kernels.reference.kriging import BISECTIONS

N_DRAWS = 20_000
N_RESAMPLES = 20
SCN_WAVELENGTH = 100.0  # m
KRIGED = 1000  # series, or points, that are kriged
N_EPOCHS = 26  # epochs that predict one
GRID_WINDOW = (CLAP_WINDOW * 3 // 4, CLAP_WINDOW // 4)  # cells of a window, and of zeros after it
FILTER = (1.0, 0.3)  # exponent and weight of the adaptive response
NO_STOP = np.zeros(1, np.bool_)


def geometry(s: Scene) -> Cases:
    n, m = s.n, s.m
    sample = np.arange(n) * 1.0
    return {
        "stage1_look_angles": lambda: Case(
            (sample, 8e5, 4.0, 7.1e6, 6.37e6), True, n * 12.0, n * 2.0
        ),
        "stage1_perpendicular_baselines": lambda: Case(
            (
                sample,
                s.rng.uniform(0.3, 0.7, n),
                s.rng.normal(0, 100, (m, 2)),
                s.rng.normal(0, 1, (m, 2)),
                1600.0,
            ),
            flops=n * m * 8.0,
            pairs=n * 1.0,
        ),
        "stage1_bilinear": lambda: Case(
            (s.rng.normal(0, 1, (50, 50)), *s.rng.uniform(0, 48, (2, n))), flops=n * 12.0
        ),
    }


def means(s: Scene) -> Cases:
    return {
        "stage1_column_means": lambda: Case((s.bperp,), flops=s.n * s.m * 1.0),
        "stage7_sequential_mean": lambda: Case((s.unwrapped[:, 0].copy(),), flops=s.n * 1.0),
    }


def topofit(s: Scene) -> Cases:
    samples = s.n * s.m
    flops = samples * (N_TRIALS * 9.0 + 40)
    return {
        "stage2_topofit": lambda: Case(
            (s.phasors, s.bperp_of_form, TRIAL_WRAPS), True, flops, samples * 4.0
        ),
        "stage2_topofit_row_invariant": lambda: Case(
            (s.phasors, s.baselines_of_form, TRIAL_WRAPS), flops=flops, pairs=samples * 3.0
        ),
        "stage2_topofit_coh_row_invariant": lambda: Case(
            (s.phasors.astype(np.complex128), s.baselines_of_form, TRIAL_WRAPS),
            flops=flops,
            pairs=samples * 2.0,
        ),
        "stage2_topofit_coh_rough": lambda: Case(
            (s.phasors.astype(np.complex128), s.baselines_of_form, TRIAL_WRAPS),
            flops=flops,
            pairs=samples * 2.0,
        ),
    }


def correction(s: Scene) -> Cases:
    samples = s.n * s.m
    return {
        "stage2_ph_weight": lambda: Case(
            (s.phasors, s.bperp_of_form, s.slope, s.coherence), True, samples * 9.0, samples * 1.0
        ),
        "stage5_phase_correction": lambda: Case(
            (s.phasors, s.slope, s.coherence, s.bperp),
            flops=samples * 9.0,
            pairs=samples * 1.0,
        ),
        "stage5_ifg_noise": lambda: Case(
            (s.phasors, s.phasors.copy(), s.slope, s.coherence, s.bperp),
            flops=samples * 16.0,
            pairs=samples * 2.0,
        ),
        "stage5_wrapped_residual": lambda: Case(
            (s.noise, s.noise[:, 0].copy()), True, samples * 4.0, samples * 1.0
        ),
        "stage6_wrapped_phase": lambda: Case(
            (s.phasors, s.bperp, s.slope.astype(np.float32)), True, samples * 12.0, samples * 1.5
        ),
    }


def cells(s: Scene) -> Cases:
    n, samples = s.n, s.n * s.m
    return {
        "stage2_grid_accumulate": lambda: Case(
            (s.phasors, s.cell_number, *s.shape), flops=samples * 2.0
        ),
        "stage6_cell_sums": lambda: Case((s.phasors[:, 0].copy(), *s.members), flops=n * 2.0),
        "stage6_nearest_node": lambda: Case((s.node,)),
        "stage6_to_points": lambda: Case(
            (s.phasors, s.unwrapped, s.rng.integers(0, n, n)), True, samples * 10.0, samples * 1.5
        ),
    }


def filters(s: Scene) -> Cases:
    """CLAP filter of a grid and at cells, Goldstein filter."""

    def clap_grid() -> Case:
        n_win, n_pad = GRID_WINDOW
        windows = math.prod(window_starts(n, n_win)[0].size for n in s.shape) * s.m
        filtered, response = grid_work(s.shape, n_win, n_win + n_pad, s.m)
        case = Case((s.grid, *FILTER, *GRID_WINDOW, LOW_PASS), windows=windows)
        return with_work(with_work(case, filtered, False), response, not s.single)

    def clap_cells() -> Case:
        windows = len(s.occupied) * s.m
        work = cells_work(s.occupied, s.shape, CLAP_WINDOW, s.m)
        arguments = (s.grid, s.occupied, CLAP_WINDOW, *FILTER, LOW_PASS, 1)
        return with_work(Case(arguments, windows=windows), work, not s.single)

    return {
        "stage2_clap_grid": clap_grid,
        "stage3_clap_cells": clap_cells,
        "stage6_goldstein": lambda: Case(
            (s.raster, CLAP_WINDOW, 0.8),
            flops=(s.shape[0] / 16) ** 2 * 2 * window_flops(40),
            pairs=(s.shape[0] / 16) ** 2 * 3 * 1600,
        ),
        "stage6_low_pass": lambda: Case(
            (s.raster, CLAP_WINDOW), flops=(s.shape[0] / 16) ** 2 * 2 * window_flops(40)
        ),
    }


def with_work(case: Case, work: Work, in_single: bool) -> Case:
    """Add work, in single precision or in double.

    The native form of the single arithmetic filters in double, that of the other in part in single.
    """
    if in_single:
        return replace(
            case,
            single_flops=case.single_flops + work.flops,
            single_roots=case.single_roots + work.roots,
        )
    return replace(case, flops=case.flops + work.flops, roots=case.roots + work.roots)


def window_flops(n: int) -> float:
    """Return the flop of one transform, smoothing and response of a window of n x n cells."""
    transform = 5 * n * n * math.log2(n * n)
    return transform + n * n * (2 * 13 + 4 + 6)


def phasors(s: Scene) -> Cases:
    samples = s.n * s.m
    return {
        "stage2_unit_phasors": lambda: Case((s.phasors,), True, samples * 6.0, samples * 0.5),
        "stage2_phasors_of_cycles": lambda: Case(
            (s.rng.uniform(0, 1, (s.m, s.n)),), flops=0.0, pairs=samples * 1.0
        ),
        "stage2_deviation": lambda: Case((s.phasors, s.phasors), True, samples * 6.0),
        "stage2_angle": lambda: Case((s.phasors,), True, 0.0, samples * 1.0),
        "stage5_unit_phase": lambda: Case((s.phasors,), True, samples * 6.0, samples * 0.5),
        "stage6_subtract_phase": lambda: Case(
            (s.phasors, s.unwrapped), True, samples * 6.0, samples * 1.0
        ),
    }


def coherence(s: Scene) -> Cases:
    """Statistics of coherence, and random numbers."""
    state = np.concatenate([s.rng.integers(0, 1 << 53, 32), [0, 0, 2005]])
    return {
        "stage2_histogram": lambda: Case((s.coherence, np.arange(0.005, 1, 0.01)), flops=s.n * 7.0),
        "stage3_bootstrap_deviation": lambda: Case(
            (s.noise, np.arange(s.n), N_RESAMPLES, 2005),
            flops=s.n * s.m * N_RESAMPLES * 12.0,
            pairs=s.n * s.m * 1.0,
        ),
        "stage2_matlab_uniform": lambda: Case((state, N_DRAWS), flops=N_DRAWS * 15.0),
    }


def weeding(s: Scene) -> Cases:
    """What is weeded, and the noise of arcs by which."""

    def edge_stats() -> Case:
        samples = len(s.edges) * s.m
        arguments = (s.phasors, *s.ends, s.baselines, s.day, TIME_WINDOW)
        return Case(arguments, flops=samples * s.m * 12.0, pairs=samples * 2.0)

    def pair_edge_stats() -> Case:
        samples = len(s.edges) * s.m
        arguments = (s.phasors, *s.ends, s.baselines)
        return Case(arguments, flops=samples * 32.0, pairs=samples * 0.5)

    return {
        "stage4_adjacent_keep": lambda: Case(((s.xy // 10).astype(np.int64), s.coherence)),
        "stage4_duplicate_keep": lambda: Case((s.xy, s.coherence)),
        "stage4_edge_stats": edge_stats,
        "stage4_edge_stats_undirected": edge_stats,
        "stage4_pair_edge_stats": pair_edge_stats,
        "stage4_pair_edge_stats_undirected": pair_edge_stats,
    }


def resample(s: Scene) -> Cases:
    samples = s.n * s.m
    return {
        "stage5_point_noise": lambda: Case((s.noise,), True, samples * 5.0, samples * 1.0),
        "stage5_cell_sums": lambda: Case(
            (s.phasors, s.noise[:, 0].copy(), s.members[1]), flops=samples * 4.0
        ),
    }


def scla(s: Scene) -> Cases:
    """Look-angle error and master atmosphere, by least squares and least deviations."""
    n, m = s.n, s.m
    every, mean, few = np.arange(m), np.full(m, 1 / m), n // 20
    return {
        "stage7_scla": lambda: Case(
            (s.unwrapped, s.bperp, s.unwrapped[0], every, mean[1:], every, mean),
            flops=n * m * 10.0,
        ),
        "stage7_scla_of_slope": lambda: Case(
            (s.unwrapped, s.bperp, s.unwrapped[0], s.slope, every, mean), flops=n * m * 6.0
        ),
        "stage7_scla_of_pairs": lambda: Case(
            (s.unwrapped, s.bperp, s.unwrapped[0], every, mean), flops=n * m * 4.0
        ),
        "stage7_image_baselines": lambda: Case(
            (np.full((m // 3, m), 1 / m), s.bperp), flops=n * m * (m // 3) * 2.0
        ),
        "stage7_scla_smooth": lambda: Case((s.slope, s.unwrapped[:, 0].copy(), s.edges)),
        "stage7_lad_fit": lambda: Case(
            (
                np.stack([np.ones(m), s.baselines], axis=1),
                s.unwrapped[:few].astype(np.float64),
                np.zeros((few, 2)),
            ),
            flops=few * m * 100.0,
        ),
    }


def scn(s: Scene) -> Cases:
    """Filters in time and space, velocity."""
    n, m = s.n, s.m
    near = DENSITY * math.pi * (4 * SCN_WAVELENGTH) ** 2

    def spatial_lowpass() -> Case:
        grid = cell_grid(s.xy, 4 * SCN_WAVELENGTH)
        by_cell = (grid.order, grid.cells, grid.starts, grid.width)
        return Case(
            (s.unwrapped, s.xy, *by_cell, SCN_WAVELENGTH, 0, n),
            flops=2 * near * n * m + 9 / math.pi * near * n * 5,
            pairs=near * n,
        )

    return {
        "stage8_temporal_highpass": lambda: Case(
            (s.unwrapped, s.time_weights, np.zeros(m)), True, n * m * m * 2.0
        ),
        "stage8_spatial_lowpass": spatial_lowpass,
        "stage8_velocity_fit": lambda: Case(
            (np.ones((2, m)), s.unwrapped, s.unwrapped[0]), flops=n * m * 5.0
        ),
    }


def kriging(s: Scene) -> Cases:
    """Variograms, and kriging in time and space."""
    n, m, few = s.n, s.m, min(s.n, KRIGED)
    years = s.day / 365.25
    distance = np.abs(years[:, None] - years)
    first, second = np.triu_indices(m, 1)
    lag = (distance[first, second] / IN_TIME.width).astype(np.int64)
    order = np.argsort(lag, kind="stable")[: np.count_nonzero(lag < IN_TIME.n)]
    bins, starts = np.unique(lag[order], return_index=True)
    lags = IN_TIME.lags(bins)
    variograms = 1 + s.coherence[:, None] * (1 - np.exp(-lags / (0.1 + s.coherence[:, None])))
    models = np.column_stack((0.3 + s.coherence, np.ones(n), s.coherence))

    def krig_time() -> Case:
        near = np.argsort(distance, axis=1, kind="stable")
        count = min(N_EPOCHS, m)
        solved = 2.0 * few * m * (count**3 / 3 + 4 * count**2)
        return Case(
            (s.noise[:few], models[:few], distance, near, count), True, solved, few * m * m / 4
        )

    def krig_space() -> Case:
        near = nearest(cKDTree(s.xy.astype(np.float64)), s.xy, np.arange(few), 1e5, 1)
        of_images = np.tile([5000.0, 1.0, 0.2], (m, 1))
        count = near.shape[1]
        solved = few * m * (count**3 / 3 + 4.0 * count**2)
        arguments = (s.noise, s.xy, of_images, np.arange(few), near)
        return Case(arguments, flops=solved, pairs=few * m * count**2 / 4)

    return {
        "stage8_series_variograms": lambda: Case(
            (s.noise, first[order], second[order], np.append(starts, len(order))),
            True,
            n * len(order) * 3.0,
        ),
        "stage8_spatial_variogram": lambda: Case(
            (s.xy[:few], s.noise[:few], IN_SPACE.width, IN_SPACE.n, 0, few),
            flops=few * (few / 2) * (m * 3.0 + 6),
        ),
        "stage8_fit_variograms": lambda: Case(
            (lags, variograms, IN_TIME.start),
            flops=n * len(bins) * (145 * 10.0 + BISECTIONS * 14),
            pairs=n * len(bins) * BISECTIONS * 1.0,
        ),
        "stage8_krig_time": krig_time,
        "stage8_krig_space": krig_space,
    }


def amplitude(s: Scene) -> Cases:
    echoes = s.rng.normal(0, 60, (2, s.n * 4, 2)).astype(">f4").view(np.uint32)
    n = echoes.shape[1]
    zeros, none = np.zeros(n, np.float32), np.zeros(n, np.bool_)
    constants = np.full(2, 80, np.float32)
    return {
        "prep_amplitude_sum": lambda: Case((echoes[0], True, none, 0.0, 0), flops=n * 4.0),
        "prep_add_amplitudes": lambda: Case(
            (echoes, True, constants, zeros, zeros, none), True, n * 16.0
        ),
        "prep_add_pairs": lambda: Case((echoes, True, constants, zeros, zeros), True, n * 14.0),
    }


SUBJECTS = (
    amplitude, geometry, means, topofit, correction, cells, filters, phasors, coherence, weeding,
    resample, arcs, costs, unwrapping, inversion, scla, scn, kriging,
)  # fmt: skip


def cases(scene: Scene) -> Cases:
    """Return a maker of the case of every kernel, by name."""
    return {name: make for subject in SUBJECTS for name, make in subject(scene).items()}
