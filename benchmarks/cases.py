"""Arguments of every kernel on one synthetic scene, and the work that the kernel does on them."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from pystamps_hpc.stages.stage2.filter_grid import low_pass_response
from pystamps_hpc.stages.stage6.stars import gaussian_weights, line_intercepts
from pystamps_hpc.stages.stage8.neighbours import cell_grid
from pystamps_kernels.reference.stage6 import chains, cheapest_flow, residues

Array = NDArray[Any]

DENSITY = 200e-6  # points per square metre
CELL = 50.0  # m
CLAP_WINDOW = 32
TRIAL_WRAPS = 5.0  # 40 trials on each side of zero
TIME_WINDOW = 200.0  # days
SCN_WAVELENGTH = 100.0  # m


@dataclass(frozen=True)
class Case:
    """One call of a kernel.

    Parameters
    ----------
    arguments : tuple
        Positional arguments.
    rows : int
        How many leading axes of array arguments are the point axis that may be cut without
        changing results; 0 where the kernel works on the whole.
    flops : float
        Additions, multiplications and divisions.
    pairs : float
        Evaluations of transcendental functions, in cosine and sine pairs.
    """

    arguments: tuple[Any, ...]
    rows: bool = False
    flops: float = 0.0
    pairs: float = 0.0


@dataclass(frozen=True)
class Scene:
    """Synthetic arrays of `n` points and `m` interferograms.

    Parameters
    ----------
    n, m : int
        Points and interferograms.
    single : bool
        Whether baselines are single, as the single form of the kernels expects.
    """

    n: int
    m: int
    single: bool = False

    @cached_property
    def rng(self) -> np.random.Generator:
        """Source of the random numbers."""
        return np.random.default_rng(1)

    @cached_property
    def side(self) -> float:
        """Side of the square scene [m]."""
        return math.sqrt(self.n / DENSITY)

    @cached_property
    def xy(self) -> Array:
        """Positions (n, 2) float32 [m]."""
        return self.rng.uniform(0, self.side, (self.n, 2)).astype(np.float32)

    @cached_property
    def day(self) -> Array:
        """Acquisitions (m,) float64 [day]."""
        return np.arange(self.m) * 12.0

    @cached_property
    def baselines(self) -> Array:
        """Mean baselines (m,) float64 [m]."""
        return self.rng.normal(0, 120, self.m)

    @cached_property
    def bperp(self) -> Array:
        """Baselines (n, m) float32 [m]."""
        own = self.rng.normal(0, 1, (self.n, 1))
        return (self.baselines + own).astype(np.float32)

    @cached_property
    def slope(self) -> Array:
        """Look-angle error slope (n,) float64 [rad/m]."""
        return self.rng.normal(0, 0.005, self.n)

    @cached_property
    def noise(self) -> Array:
        """Residual phase (n, m) float32 [rad]."""
        return self.rng.normal(0, 0.6, (self.n, self.m)).astype(np.float32)

    @cached_property
    def phasors(self) -> Array:
        """Unit phasors (n, m) complex64: look-angle error and noise."""
        phase = self.slope[:, None] * self.bperp + self.noise
        return np.exp(1j * phase).astype(np.complex64)

    @cached_property
    def unwrapped(self) -> Array:
        """Unwrapped phase (n, m) float32 [rad]."""
        return self.rng.normal(0, 4, (self.n, self.m)).astype(np.float32)

    @cached_property
    def coherence(self) -> Array:
        """Coherence (n,) float64."""
        return self.rng.uniform(0, 1, self.n)

    @cached_property
    def cells(self) -> Array:
        """Cell of each point (n, 2) int64."""
        return np.minimum(self.xy // CELL, self.shape[0] - 1).astype(np.int64)

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the filter grid."""
        return (max(int(self.side // CELL), CLAP_WINDOW),) * 2

    @cached_property
    def grid(self) -> Array:
        """Cell sums (n_i, n_j, m) complex64."""
        sums = np.zeros((self.shape[0] * self.shape[1], self.m), np.complex64)
        np.add.at(sums, self.cells @ [self.shape[1], 1], self.phasors)
        return sums.reshape(*self.shape, self.m)

    @cached_property
    def occupied(self) -> Array:
        """Distinct occupied cells (n_c, 2) int64."""
        return np.unique(self.cells, axis=0)

    @cached_property
    def edges(self) -> Array:
        """Delaunay edges (n_edge, 2) int64."""
        triangles = Delaunay(self.xy).simplices
        pairs = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
        return np.unique(np.sort(pairs, axis=1), axis=0).astype(np.int64)

    @cached_property
    def arcs(self) -> Array:
        """Unit phasors of the edges (n_edge, m) complex64."""
        low, high = self.edges.T
        return np.ascontiguousarray(self.phasors[high] * np.conj(self.phasors[low]))

    @cached_property
    def arc_phase(self) -> Array:
        """Phase of the edges (n_edge, m) float32 [rad]."""
        return np.angle(self.arcs).astype(np.float32)

    @cached_property
    def raster(self) -> Array:
        """One plane of the grid (n_i, n_j) complex64."""
        return np.ascontiguousarray(self.grid[:, :, 0])

    @cached_property
    def node(self) -> Array:
        """Number of the occupied cells on the grid, -1 elsewhere (n_i, n_j) int64."""
        number = np.full(self.shape, -1)
        number[tuple(self.occupied.T)] = np.arange(len(self.occupied))
        return number

    @cached_property
    def turns(self) -> Array:
        """Wrapped phase of a noisy grid of 60 x 60 nodes [cycles]."""
        i, j = np.indices((60, 60))
        phase = 0.3 * (i + 2 * j) + self.rng.normal(0, 1.2, i.shape)
        return phase / (2 * np.pi) - np.rint(phase / (2 * np.pi))

    @cached_property
    def arc_edges(self) -> tuple[Array, Array]:
        """Edge of every arc of that grid, all different."""
        rows, cols = (self.turns[1:].shape, self.turns[:, 1:].shape)
        number = np.arange(1, self.n_arcs + 1)
        split = rows[0] * rows[1]
        return number[:split].reshape(rows), number[split:].reshape(cols)

    @property
    def n_arcs(self) -> int:
        """Arcs of that grid."""
        return int(self.turns[1:].size + self.turns[:, 1:].size)

    @cached_property
    def grid_edges(self) -> tuple[Array, Array]:
        """Signed edge numbers of row arcs and column arcs, int64."""
        (n_i, n_j), n = self.shape, len(self.edges)
        sign = self.rng.choice([-1, 1], (2, n_i, n_j))
        number = self.rng.integers(1, n + 1, (2, n_i, n_j)) * sign
        return (
            np.ascontiguousarray(number[0, :-1]),
            np.ascontiguousarray(number[1, :, :-1]),
        )


LOW_PASS = low_pass_response(CLAP_WINDOW, CELL, 800.0)
NO_STOP = np.zeros(1, np.bool_)


def clap_flops(n: int) -> float:
    """Return the flop of one transform, smoothing and response of a window of n x n cells."""
    transform = 5 * n * n * math.log2(n * n)
    return transform + n * n * (2 * 13 + 4 + 6)


def cases(scene: Scene) -> Mapping[str, Callable[[], Case]]:
    """Return a maker of the case of every kernel that is measured, by name."""
    s, n, m = scene, scene.n, scene.m
    trials = 2 * math.ceil(8 * TRIAL_WRAPS) + 1
    real = np.float32 if s.single else np.float64
    window = (CLAP_WINDOW * 3 // 4, CLAP_WINDOW // 4)
    image = gaussian_weights(s.day, TIME_WINDOW)
    angle = s.rng.uniform(0.3, 0.7, n)
    fit = trials * 9.0 + 40
    near = DENSITY * math.pi * (4 * SCN_WAVELENGTH) ** 2

    def own() -> Array:
        return s.bperp.astype(real)

    def mean() -> Array:
        return s.baselines.astype(real)

    def low() -> Array:
        return s.edges[:, 0].copy()

    def high() -> Array:
        return s.edges[:, 1].copy()

    def arcs() -> int:
        return len(s.edges) * m

    def clap_grid() -> Case:
        step = window[0] // 4
        windows = (s.shape[0] // step) * (s.shape[1] // step) * m
        work = windows * (2 * clap_flops(CLAP_WINDOW) + 4 * window[0] ** 2)
        return Case((s.grid, 1.0, 0.3, *window, LOW_PASS), flops=work, pairs=windows * 1024)

    def clap_cells() -> Case:
        windows = len(s.occupied) * m
        work = windows * (clap_flops(CLAP_WINDOW) + 8 * CLAP_WINDOW**2)
        arguments = (s.grid, s.occupied, CLAP_WINDOW, 1.0, 0.3, LOW_PASS, 1)
        return Case(arguments, flops=work, pairs=windows * 1024)

    def edge_stats() -> Case:
        return Case(
            (s.phasors, low(), high(), s.baselines, s.day, TIME_WINDOW),
            flops=arcs() * m * 12.0,
            pairs=arcs() * 2.0,
        )

    def lowpass() -> Case:
        grid = cell_grid(s.xy, 4 * SCN_WAVELENGTH)
        arguments = (
            s.unwrapped, s.xy, grid.order, grid.cells, grid.starts, grid.width, SCN_WAVELENGTH, 0, n
        )  # fmt: skip
        return Case(arguments, flops=2 * near * n * m + 9 / math.pi * near * n * 5, pairs=near * n)

    def by_cell() -> tuple[Array, Array]:
        number = s.cells @ [s.shape[1], 1]
        members = np.argsort(number, kind="stable")
        cuts = np.flatnonzero(np.diff(number[members])) + 1
        return members, np.concatenate([[0], cuts, [n]])

    def arc_costs() -> tuple[Array, Array]:
        sigsq = np.full(s.n_arcs, 500, np.int16)
        sigsq[::3] = 0
        return s.rng.integers(-90, 90, s.n_arcs).astype(np.int16), sigsq

    @cache
    def flow_network() -> tuple[tuple[Array, ...], Array]:
        _, _, *ends, edge, supply = chains(*s.arc_edges, residues(s.turns))
        costs_of_arcs = (values[np.abs(edge) - 1].astype(np.int32) for values in arc_costs())
        return (*ends, *costs_of_arcs), supply

    def costs() -> tuple[Array, Array]:
        variance = np.full(len(s.edges), 0.01, np.float32)
        return variance, np.full(len(s.edges), 2)

    columns = np.arange(m)
    step = np.ones(m - 1) / m

    return {
        "stage1_look_angles": lambda: Case(
            (np.arange(n) * 1.0, 8e5, 4.0, 7.1e6, 6.37e6), True, n * 12.0, n * 2.0
        ),
        "stage1_perpendicular_baselines": lambda: Case(
            (
                np.arange(n) * 1.0,
                angle,
                s.rng.normal(0, 100, (m, 2)),
                s.rng.normal(0, 1, (m, 2)),
                1600.0,
            ),
            flops=n * m * 8.0,
            pairs=n * 1.0,
        ),
        "stage1_column_means": lambda: Case((s.bperp,), flops=n * m * 1.0),
        "stage1_bilinear": lambda: Case(
            (s.rng.normal(0, 1, (50, 50)), *s.rng.uniform(0, 48, (2, n))), flops=n * 12.0
        ),
        "stage2_topofit": lambda: Case(
            (s.phasors, own(), TRIAL_WRAPS), True, n * m * fit, n * m * 4.0
        ),
        "stage2_topofit_row_invariant": lambda: Case(
            (s.phasors, mean(), TRIAL_WRAPS), flops=n * m * fit, pairs=n * m * 3.0
        ),
        "stage2_topofit_coh_row_invariant": lambda: Case(
            (s.phasors.astype(np.complex128), mean(), TRIAL_WRAPS),
            flops=n * m * fit,
            pairs=n * m * 2.0,
        ),
        "stage2_ph_weight": lambda: Case(
            (s.phasors, own(), s.slope, s.coherence), True, n * m * 9.0, n * m * 1.0
        ),
        "stage2_grid_accumulate": lambda: Case(
            (s.phasors, s.cells @ [s.shape[1], 1], *s.shape), flops=n * m * 2.0
        ),
        "stage2_clap_grid": clap_grid,
        "stage2_phasors_of_cycles": lambda: Case(
            (s.rng.uniform(0, 1, (m, n)),), flops=0.0, pairs=n * m * 1.0
        ),
        "stage2_unit_phasors": lambda: Case((s.phasors,), True, n * m * 6.0, n * m * 0.5),
        "stage2_deviation": lambda: Case((s.phasors, s.phasors), True, n * m * 6.0),
        "stage2_angle": lambda: Case((s.phasors,), True, 0.0, n * m * 1.0),
        "stage2_histogram": lambda: Case((s.coherence, np.arange(0.005, 1, 0.01)), flops=n * 7.0),
        "stage2_matlab_uniform": lambda: Case(
            (np.concatenate([s.rng.integers(0, 1 << 53, 32), [0, 0, 2005]]), 20_000),
            flops=20_000 * 15.0,
        ),
        "stage3_clap_cells": clap_cells,
        "stage3_bootstrap_deviation": lambda: Case(
            (s.noise, np.arange(n), 20, 2005), flops=n * m * 20 * 12.0, pairs=n * m * 1.0
        ),
        "stage4_adjacent_keep": lambda: Case(((s.xy // 10).astype(np.int64), s.coherence)),
        "stage4_duplicate_keep": lambda: Case((s.xy, s.coherence)),
        "stage4_edge_stats": edge_stats,
        "stage4_edge_stats_undirected": edge_stats,
        "stage5_phase_correction": lambda: Case(
            (s.phasors, s.slope, s.coherence, s.bperp[:, 1:].copy(), 0),
            flops=n * m * 9.0,
            pairs=n * m * 1.0,
        ),
        "stage5_unit_phase": lambda: Case((s.phasors,), True, n * m * 6.0, n * m * 0.5),
        "stage5_ifg_noise": lambda: Case(
            (s.phasors, s.phasors[:, 1:].copy(), s.slope, s.coherence, s.bperp[:, 1:].copy(), 0),
            flops=n * m * 16.0,
            pairs=n * m * 2.0,
        ),
        "stage5_wrapped_residual": lambda: Case(
            (s.noise, s.noise[:, 0].copy()), True, n * m * 4.0, n * m * 1.0
        ),
        "stage5_point_noise": lambda: Case((s.noise,), True, n * m * 5.0, n * m * 1.0),
        "stage5_cell_sums": lambda: Case(
            (s.phasors, s.noise[:, 0].copy(), by_cell()[1]), flops=n * m * 4.0
        ),
        "stage6_wrapped_phase": lambda: Case(
            (s.phasors, s.bperp, s.slope.astype(np.float32)), True, n * m * 12.0, n * m * 1.5
        ),
        "stage6_subtract_phase": lambda: Case(
            (s.phasors, s.unwrapped), True, n * m * 6.0, n * m * 1.0
        ),
        "stage6_cell_sums": lambda: Case((s.phasors[:, 0].copy(), *by_cell()), flops=n * 2.0),
        "stage6_goldstein": lambda: Case(
            (s.raster, CLAP_WINDOW, 0.8),
            flops=(s.shape[0] / 16) ** 2 * 2 * clap_flops(40),
            pairs=(s.shape[0] / 16) ** 2 * 3 * 1600,
        ),
        "stage6_nearest_node": lambda: Case((s.node,)),
        "stage6_arc_phasors": lambda: Case(
            (s.phasors, low(), high()), flops=arcs() * 12.0, pairs=arcs() * 0.5
        ),
        "stage6_phase_steps": lambda: Case((s.arcs,), True, arcs() * 12.0, arcs() * 0.5),
        "stage6_look_angle": lambda: Case(
            (s.arcs, s.baselines, 40), flops=arcs() * (trials * 8.0 + 20)
        ),
        "stage6_star_smooth": lambda: Case(
            (s.arcs, image, line_intercepts(s.day, image), m // 2 - 1, m // 2 + 1),
            True,
            flops=arcs() * (m * 4.0 + 20),
            pairs=arcs() * 3.0,
        ),
        "stage6_network_smooth": lambda: Case(
            (s.arcs, image, np.eye(m, dtype=np.float32)), True, arcs() * m * 4.0, arcs() * 1.0
        ),
        "stage6_arc_noise": lambda: Case(
            (s.arcs, np.zeros_like(s.arc_phase), 1.2), True, arcs() * 9.0, arcs() * 2.0
        ),
        "stage6_arc_variance": lambda: Case((s.arc_phase,), True, arcs() * 4.0),
        "stage6_edge_costs": lambda: Case((s.arc_phase, s.arc_phase, *costs()), True, arcs() * 8.0),
        "stage6_cost_records": lambda: Case(
            (
                *s.grid_edges,
                s.rng.integers(-90, 90, len(s.edges)).astype(np.int16),
                np.full(len(s.edges), 20, np.int16),
            )
        ),
        "stage6_residues": lambda: Case((s.turns,), True, flops=s.turns.size * 8.0),
        "stage6_chains": lambda: Case((*s.arc_edges, residues(s.turns))),
        "stage6_cheapest_flow": lambda: Case((*flow_network()[0], flow_network()[1], NO_STOP)),
        "stage6_share_free_chains": lambda: Case(
            (
                *flow_network()[0],
                *cheapest_flow(*flow_network()[0], flow_network()[1], NO_STOP)[:2],
                NO_STOP,
            )
        ),
        "stage6_solution_cost": lambda: Case(
            (s.turns, (2 * np.pi * s.turns).astype(np.float32), *s.arc_edges, *arc_costs()),
            flops=s.turns.size * 20.0,
        ),
        "stage6_to_points": lambda: Case(
            (s.phasors, s.unwrapped, s.rng.integers(0, n, n)), False, n * m * 10.0, n * m * 1.5
        ),
        "stage7_scla": lambda: Case(
            (s.unwrapped, s.bperp, s.unwrapped[0], columns, step, columns, np.ones(m) / m),
            False,
            n * m * 10.0,
        ),
        "stage7_scla_of_slope": lambda: Case(
            (s.unwrapped, s.bperp, s.unwrapped[0], s.slope, columns, np.ones(m) / m),
            False,
            n * m * 6.0,
        ),
        "stage7_lad_fit": lambda: Case(
            (
                np.stack([np.ones(m), s.baselines], axis=1),
                s.unwrapped[: n // 20].astype(np.float64),
                np.zeros((n // 20, 2)),
            ),
            flops=n // 20 * m * 100.0,
        ),
        "stage7_scla_smooth": lambda: Case((s.slope, s.unwrapped[:, 0].copy(), s.edges)),
        "stage7_sequential_mean": lambda: Case((s.unwrapped[:, 0].copy(),), flops=n * 1.0),
        "stage8_temporal_highpass": lambda: Case(
            (s.unwrapped, image, np.zeros(m)), True, n * m * m * 2.0
        ),
        "stage8_spatial_lowpass": lowpass,
        "stage8_velocity_fit": lambda: Case(
            (np.ones((2, m)), s.unwrapped, s.unwrapped[0]), False, n * m * 5.0
        ),
        "stage8_edge_noise": lambda: Case(
            (s.phasors, low(), high()), False, arcs() * 9.0, arcs() * 1.0
        ),
    }
