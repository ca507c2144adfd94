"""Cases of the kernels of the unwrapping: arcs, costs, flow, inversion."""

import math

import numpy as np

from benchmarks.case import Case, Cases
from benchmarks.scene import Scene
from pystamps_hpc.stages.stage6.stars import line_intercepts
from pystamps_kernels.reference.chains import residues
from pystamps_kernels.reference.flow import cheapest_flow

TRIAL_WRAPS = 5.0  # 40 trials on each side of zero
N_TRIALS = 2 * math.ceil(8 * TRIAL_WRAPS) + 1
N_ANNEALED = 50
NO_STOP = np.zeros(1, np.bool_)


def arcs(s: Scene) -> Cases:
    m, samples = s.m, len(s.edges) * s.m

    def held_smooth() -> Case:
        phase = s.arc_phase[:, 1:].copy()
        chain = np.diff(np.eye(m), axis=0)
        return Case(
            (phase, phase > 0, chain, s.time_weights), True, len(phase) * (m**3 / 3 + 3.0 * m * m)
        )

    def anneal() -> Case:
        few, image = s.arcs[:N_ANNEALED, : m - 1], np.arange(m)
        pairs = np.stack([image[:-1], image[1:]], axis=1)
        edge = np.arange(len(few))
        return Case(
            (np.ascontiguousarray(few), edge, pairs, s.day, np.eye(m - 1)),
            True,
            flops=len(few) * 26_000 * (m * m + 12.0 * m),
        )

    return {
        "stage6_arc_phasors": lambda: Case(
            (s.phasors, *s.ends), flops=samples * 12.0, pairs=samples * 0.5
        ),
        "stage6_phase_steps": lambda: Case((s.arcs,), True, samples * 12.0, samples * 0.5),
        "stage6_look_angle": lambda: Case(
            (s.arcs, s.baselines, 40), flops=samples * (N_TRIALS * 8.0 + 20)
        ),
        "stage6_star_smooth": lambda: Case(
            (
                s.arcs,
                s.time_weights,
                line_intercepts(s.day, s.time_weights),
                m // 2 - 1,
                m // 2 + 1,
            ),
            True,
            flops=samples * (m * 4.0 + 20),
            pairs=samples * 3.0,
        ),
        "stage6_network_smooth": lambda: Case(
            (s.arcs, s.time_weights, np.eye(m, dtype=np.float32)),
            True,
            samples * m * 4.0,
            samples * 1.0,
        ),
        "stage6_held_smooth": held_smooth,
        "stage6_anneal": anneal,
        "stage6_arc_noise": lambda: Case(
            (s.arcs, np.zeros_like(s.arc_phase), 1.2), True, samples * 9.0, samples * 2.0
        ),
        "stage6_arc_variance": lambda: Case((s.arc_phase,), True, samples * 4.0),
        "stage8_edge_noise": lambda: Case(
            (s.phasors, *s.ends), False, samples * 9.0, samples * 1.0
        ),
    }


def costs(s: Scene) -> Cases:
    n_edge = len(s.edges)
    variance, n_arcs = np.full(n_edge, 0.01, np.float32), np.full(n_edge, 2)
    return {
        "stage6_edge_costs": lambda: Case(
            (s.arc_phase, s.arc_phase, variance, n_arcs), True, n_edge * s.m * 8.0
        ),
        "stage6_cost_records": lambda: Case(
            (
                *s.grid_edges,
                s.rng.integers(-90, 90, n_edge).astype(np.int16),
                np.full(n_edge, 20, np.int16),
            )
        ),
        "stage6_solution_cost": lambda: Case(
            (s.turns, (2 * np.pi * s.turns).astype(np.float32), *s.arc_edges, *s.arc_costs),
            flops=s.turns.size * 20.0,
        ),
    }


def unwrapping(s: Scene) -> Cases:
    """Residues, chains, and the flow on them."""

    def share_free_chains() -> Case:
        network, supply = s.flow_network
        cycles, potential, _ = cheapest_flow(*network, supply, NO_STOP)
        return Case((*network, cycles, potential, NO_STOP))

    return {
        "stage6_residues": lambda: Case((s.turns,), True, flops=s.turns.size * 8.0),
        "stage6_chains": lambda: Case((*s.arc_edges, residues(s.turns))),
        "stage6_cheapest_flow": lambda: Case((*s.flow_network[0], s.flow_network[1], NO_STOP)),
        "stage6_share_free_chains": share_free_chains,
    }


def inversion(s: Scene) -> Cases:
    n, m = s.n, s.m
    return {
        "stage6_network_inversion": lambda: Case(
            (s.unwrapped, s.unwrapped[0], s.time_weights), flops=n * m * m * 3.0
        ),
        "stage6_column_products": lambda: Case(
            (s.unwrapped.astype(np.float64),), flops=n * m * m * 2.0
        ),
    }
