"""Stacks with known truth for stage 6, and SNAPHU's objective written out."""

import itertools
from dataclasses import dataclass
from functools import cache

import numpy as np

from pystamps_hpc.config import RunConfig
from pystamps_hpc.parallel.context import Context
from pystamps_hpc.stages import stage6, stage6_sb
from pystamps_hpc.stages.shared.ifgs import Ifgs
from pystamps_kernels.dispatch import table

from .stacks import EVERYWHERE

DEFAULTS = {
    "drop_ifg_index": (),
    "lambda_": 0.0555,
    "max_topo_err": 20.0,
    "scla_deramp": False,
    "subtr_tropo": False,
    "tropo_method": "a_l",
    "unwrap_method": "3D",
    "unwrap_patch_phase": False,
    "unwrap_prefilter_flag": True,
    "unwrap_grid_size": 100.0,
    "unwrap_gold_n_win": 16,
    "unwrap_gold_alpha": 0.8,
    "unwrap_time_win": 730.0,
    "unwrap_la_error_flag": True,
    "unwrap_spatial_cost_func_flag": False,
    "unwrap_hold_good_values": False,
}


def params(**changes):
    return stage6.Params(**{**DEFAULTS, **changes})


def sb_params(**changes):
    defaults = {**DEFAULTS, **EVERYWHERE, "unwrap_method": "3D_QUICK"}
    return stage6_sb.Params(**{**defaults, **changes})


def context(backend="native", checkpoints=None, **runtime):
    runtime = {"stage6_solver": "native", **runtime}
    values = {f"runtime.{key}": value for key, value in runtime.items()}
    config = RunConfig().with_values(values).resolved()
    return Context(table(backend, "single"), config, checkpoints=checkpoints)


class Store(dict):
    """A memo in memory."""

    def load(self, key):
        return self.get(key)

    def save(self, key, arrays):
        self[key] = dict(arrays)


@dataclass(frozen=True)
class Stack:
    """A single-master stack: inputs of stage 6, and the phase they were wrapped from."""

    inputs: stage6.Inputs
    truth: np.ndarray  # (n_ps, n_ifg) [rad]


def random_field(rng, x, y, length):
    """A smooth field of unit variance: 60 cosines of wave numbers N(0, 1) / length."""
    wave = rng.normal(0, 1, (60, 2)) / length
    shift = rng.uniform(0, 2 * np.pi, 60)
    field = np.zeros(x.size)
    for (along, across), phase in zip(wave, shift, strict=True):
        field += np.cos(along * x + across * y + phase)
    return field / np.sqrt(30)


@cache
def moving_ground(n_cells=40, fill=0.5, noise=0.3, rate=3.0, n_image=11, seed=1):
    """Points on ``n_cells`` squared cells of 100 m that move, with height errors and atmosphere.

    The benchmark of docs/unwrapping.md makes its scenes with it.
    """
    rng = np.random.default_rng(seed)
    n_ps, width = int(1.2 * fill * n_cells**2), 100.0 * n_cells
    x, y = rng.uniform(0, width, (2, n_ps))
    x[:2], y[:2] = (0, width), (0, width)
    master = n_image // 2
    day = 730000.0 + 12 * np.arange(n_image)
    bperp = rng.normal(0, 100, n_image).astype(np.float32)
    bperp[master] = 0
    bump = np.exp(-((x - 0.4 * width) ** 2 + (y - 0.6 * width) ** 2) / 2 / (0.18 * width) ** 2)
    velocity = rate * random_field(rng, x, y, 6000.0) + 2 * rate * bump
    height = 0.0057 * random_field(rng, x, y, 4000.0)
    years = (day - day[master]) / 365.25
    truth = velocity[:, None] * years + height[:, None] * bperp
    truth += 2 * np.stack([random_field(rng, x, y, 7000.0) for _ in range(n_image)], axis=1)
    point = noise * (0.4 + 1.2 * rng.uniform(0, 1, n_ps) ** 2)
    truth += point[:, None] * rng.normal(0, 1, truth.shape)
    truth[:, master] = 0
    others = np.delete(np.arange(n_image), master)
    inputs = stage6.Inputs(
        n_ps=n_ps,
        ifgs=Ifgs.of_master(master, bperp[others], day, float(day[master])),
        xy=np.stack([x, y], axis=1).astype(np.float32),
        mean_incidence=0.4,
        corrected=np.exp(1j * truth).astype(np.complex64),
        bperp_mat=np.tile(bperp[others], (n_ps, 1)),
        slope=np.zeros(n_ps),
        patch_phase=np.exp(1j * truth[:, others]).astype(np.complex64),
        look_angle=None,
        tropo=None,
        smooth_slope=None,
        smooth_offset=None,
        smooth_ramp=None,
    )
    return Stack(inputs, truth)


def neighbours(n_image, reach=3):
    """Pairs of images that follow each other at most `reach` apart."""
    return [(i, j) for i in range(n_image) for j in range(i + 1, min(i + reach + 1, n_image))]


def every_pair(n_image):
    """Pairs of all images."""
    return neighbours(n_image, n_image)


def small_baselines(stack, pairs):
    """The pairs of a single-master stack as small baselines: inputs, and the truth of the pairs."""
    given, (first, second) = stack.inputs, np.asarray(pairs).T
    whole = given.ifgs.with_master(given.ifgs.bperp, 0)
    bperp = whole[second] - whole[first]
    truth = stack.truth[:, second] - stack.truth[:, first]
    phase = np.exp(1j * truth).astype(np.complex64)
    rng = np.random.default_rng(8)
    patch = phase * np.exp(1j * rng.normal(0, 0.3, phase.shape)).astype(np.complex64)
    inputs = stage6_sb.Inputs(
        n_ps=given.n_ps,
        ifgs=Ifgs(np.asarray(pairs), bperp, given.ifgs.day, given.ifgs.master_day, None),
        xy=given.xy,
        mean_incidence=given.mean_incidence,
        corrected=phase,
        bperp_mat=np.tile(bperp, (given.n_ps, 1)),
        slope=np.zeros(given.n_ps),
        patch_phase=patch,
        look_angle=None,
        tropo=None,
        lonlat=given.xy.astype(float) / 111_000,
        origin=np.zeros(2),
        image_bperp=whole,
        previous=None,
        smooth_slope=None,
        smooth_ramp=None,
    )
    return Stack(inputs, truth)


def wrap(phase):
    return phase - 2 * np.pi * np.rint(phase / (2 * np.pi))


def cycles(wrapped, unwrapped):
    """Cycles that a solution puts on the row arcs and on the column arcs; the last two axes."""
    found = []
    for axis, sign in ((-2, -1), (-1, 1)):
        step = np.diff(unwrapped.astype(float), axis=axis) - wrap(np.diff(wrapped, axis=axis))
        found.append(sign * np.rint(step / (2 * np.pi)).astype(int))
    return found


def price(k, records):
    """Cost of k cycles on arcs with these records; docs/science/unwrapping.md, SNAPHU."""
    offset, sigsq, end, shelf = (records[..., i].astype(int) for i in range(4))
    z = np.abs(200 * k + offset)
    inner = z**2 // sigsq
    inner = np.where((shelf != -32000) & (inner > shelf), shelf, inner)
    outer = np.maximum(z - end, 0) ** 2 // (2 * sigsq) + shelf
    return np.where(sigsq == 32000, 0, np.where(z > end, outer, inner))


def total_cost(wrapped, unwrapped, row_costs, col_costs):
    """Objective of a solution, or of each of several."""
    rows, cols = cycles(wrapped, unwrapped)
    return price(rows, row_costs).sum((-2, -1)) + price(cols, col_costs).sum((-2, -1))


def cheapest(wrapped, row_costs, col_costs, reach=1):
    """Smallest objective of all solutions within `reach` cycles and none on corner column arcs."""
    choices = itertools.product(range(-reach, reach + 1), repeat=wrapped.size - 1)
    jumps = np.array([(0, *choice) for choice in choices]).reshape(-1, *wrapped.shape)
    _, cols = cycles(wrapped, wrapped + 2 * np.pi * jumps)
    allowed = (cols[:, [0, 0, -1, -1], [0, -1, 0, -1]] == 0).all(axis=1)
    return total_cost(wrapped, wrapped + 2 * np.pi * jumps[allowed], row_costs, col_costs).min()
