"""Synthetic points and interferograms, with the grid and the networks that they make."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from pystamps_hpc.stages.stage2.filter_grid import low_pass_response
from pystamps_hpc.stages.stage6.stars import gaussian_weights
from pystamps_kernels.reference.chains import chains, residues

Array = NDArray[Any]

DENSITY = 200e-6  # points per square metre
CELL = 50.0  # m
CLAP_WINDOW = 32
LOW_PASS = low_pass_response(CLAP_WINDOW, CELL, 800.0)
TIME_WINDOW = 200.0  # days
UNWRAPPED = (60, 60)  # nodes of the raster that is unwrapped


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
    def bperp_of_form(self) -> Array:
        """Baselines (n, m) [m] of the class that the form of the kernels expects."""
        return self.bperp.astype(np.float32 if self.single else np.float64)

    @cached_property
    def baselines_of_form(self) -> Array:
        """Mean baselines (m,) [m] of that class."""
        return self.baselines.astype(np.float32 if self.single else np.float64)

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
        np.add.at(sums, self.cell_number, self.phasors)
        return sums.reshape(*self.shape, self.m)

    @cached_property
    def cell_number(self) -> Array:
        """Number of the cell of each point (n,) int64."""
        return self.cells @ [self.shape[1], 1]

    @cached_property
    def members(self) -> tuple[Array, Array]:
        """Points cell after cell (n,) int64, and where each cell starts, with the end."""
        members = np.argsort(self.cell_number, kind="stable")
        cuts = np.flatnonzero(np.diff(self.cell_number[members])) + 1
        return members, np.concatenate([[0], cuts, [self.n]])

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
    def ends(self) -> tuple[Array, Array]:
        """Low and high node of each edge (n_edge,) int64."""
        return self.edges[:, 0].copy(), self.edges[:, 1].copy()

    @cached_property
    def arcs(self) -> Array:
        """Unit phasors of the edges (n_edge, m) complex64."""
        low, high = self.ends
        return np.ascontiguousarray(self.phasors[high] * np.conj(self.phasors[low]))

    @cached_property
    def time_weights(self) -> Array:
        """Gaussian weights of the dates around each date (m, m) float64."""
        return gaussian_weights(self.day, TIME_WINDOW)

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
        """Wrapped phase of a noisy raster that is unwrapped [cycles]."""
        i, j = np.indices(UNWRAPPED)
        phase = 0.3 * (i + 2 * j) + self.rng.normal(0, 1.2, i.shape)
        return phase / (2 * np.pi) - np.rint(phase / (2 * np.pi))

    @cached_property
    def arc_edges(self) -> tuple[Array, Array]:
        """Edge of every arc of that raster, all different."""
        rows, cols = (self.turns[1:].shape, self.turns[:, 1:].shape)
        number = np.arange(1, self.n_arcs + 1)
        split = rows[0] * rows[1]
        return number[:split].reshape(rows), number[split:].reshape(cols)

    @property
    def n_arcs(self) -> int:
        """Arcs of that raster."""
        return int(self.turns[1:].size + self.turns[:, 1:].size)

    @cached_property
    def arc_costs(self) -> tuple[Array, Array]:
        """Offset and variance of its edges (n_arcs,) int16; a third is without statistics."""
        sigsq = np.full(self.n_arcs, 500, np.int16)
        sigsq[::3] = 0
        return self.rng.integers(-90, 90, self.n_arcs).astype(np.int16), sigsq

    @cached_property
    def flow_network(self) -> tuple[tuple[Array, ...], Array]:
        """Chains of its arcs with their costs, and the supply of the faces."""
        _, _, *ends, edge, supply = chains(*self.arc_edges, residues(self.turns))
        costs = (values[np.abs(edge) - 1].astype(np.int32) for values in self.arc_costs)
        return (*ends, *costs), supply

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
