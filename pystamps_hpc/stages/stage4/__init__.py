"""Stage 4: weed out points that repeat a neighbour, lie at zero height, or are noisy."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from pystamps_kernels.contracts.edge_stats import NoiseVarianceError

from ...dataset.rows import BoolArray, ComplexArray, FloatArray, IntArray, Rows
from ...errors import StageError
from ...parallel.context import Context
from ..base import Keeps, StageSpec
from ..shared.delaunay import edges
from ..shared.ifgs import Ifgs
from ..shared.selection import check_selected

RELIABLE = 5  # interferograms from which the noise of an arc means something


@dataclass(frozen=True)
class Params:
    """StaMPS parameters that stage 4 reads (names as in parms.mat)."""

    weed_neighbours: bool
    weed_zero_elevation: bool
    weed_time_win: float
    weed_standard_dev: float
    weed_max_noise: float
    drop_ifg_index: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.weed_time_win > 0:
            raise StageError(f"weed_time_win={self.weed_time_win:g}: must be a positive number")

    @property
    def weed_noise(self) -> bool:
        """Whether a threshold can reject a phase at all."""
        return self.weed_standard_dev < np.pi or self.weed_max_noise < np.pi


@dataclass(frozen=True)
class Inputs:
    """Candidates of a patch and what stage 3 selected of them."""

    selected: Annotated[IntArray, "select1.ix"]  # (n_sel,) rows of the candidates
    kept: Annotated[BoolArray, "select1.keep_ix"]  # (n_sel,)
    slope: Annotated[FloatArray, "select1.K_ps2"]  # (n_sel,) [rad/m]
    offset: Annotated[FloatArray, "select1.C_ps2"]  # (n_sel,) [rad]
    coherence: Annotated[FloatArray, "select1.coh_ps2"]  # (n_sel,)
    ij: Annotated[FloatArray, "ps1.ij"]  # (n_ps, 3) id, azimuth line, range sample
    xy: Annotated[FloatArray, "ps1.xy"]  # (n_ps, 2) float32 [m]
    ifgs: Annotated[Ifgs, "ps1"]  # the network
    phase: Annotated[Rows, "ph1.ph"]  # (n_ps, n_ifg) complex64
    height: Annotated[FloatArray | None, "hgt1.hgt"]  # (n_ps,) [m]


@dataclass(frozen=True)
class Outputs:
    """Two masks and the noise behind the second; kept points are n_keep, nodes of them n_node."""

    unweeded: Annotated[BoolArray, "weed1.ix_weed"]  # (n_keep,) over selected[kept]
    unweeded_node: Annotated[BoolArray, "weed1.ix_weed2"]  # (n_node,)
    ps_std: Annotated[FloatArray, "weed1.ps_std"]  # (n_node,) float32 [rad]
    ps_max: Annotated[FloatArray, "weed1.ps_max"]  # (n_node,) float32 [rad]
    ifg_index: Annotated[IntArray, "weed1.ifg_index"]  # (n_use,) columns from 0


@dataclass(frozen=True)
class Noise:
    """What the network says about its nodes."""

    keep: BoolArray  # (n_node,)
    ps_std: FloatArray  # (n_node,) float32 [rad]
    ps_max: FloatArray  # (n_node,) float32 [rad]


def solve(inputs: Inputs, params: Params, ctx: Context) -> Outputs:
    """Weed by adjacency, height, position and noise, in this order.

    Raises
    ------
    StageError
        A selection of other candidates, an index list without effect or without end, or an
        interferogram without noise.

    Notes
    -----
    StaMPS ``ps_weed``; docs/science/weeding.md.
    """
    check_selected(inputs.selected, len(inputs.ij))
    used = inputs.ifgs.used_columns(params.drop_ifg_index, fewest=1)
    point = inputs.selected[inputs.kept]
    coherence = inputs.coherence[inputs.kept]
    keep = weed_positions(inputs, params, ctx, point, coherence)
    node = point[keep]
    clean = len(node)
    if params.weed_noise and len(node):
        noise = weed_noise(inputs, params, ctx, node, np.flatnonzero(inputs.kept)[keep], used)
        keep[keep] = noise.keep
        ctx.note(f"{int(keep.sum())} after noise (weed_standard_dev, weed_max_noise)")
    else:
        zero = np.zeros(len(node))
        noise = Noise(np.ones(len(node), np.bool_), zero, zero)
    ctx.note(f"{int(keep.sum())} of {len(point)} PS kept")
    ctx.fact("weeded", int(keep.sum()))
    ctx.fact("noisy", clean - int(keep.sum()))
    ctx.fact("time_window_days", params.weed_time_win)
    ctx.fact("largest_noise_rad", [params.weed_standard_dev, params.weed_max_noise])
    return Outputs(
        unweeded=keep,
        unweeded_node=noise.keep,
        ps_std=noise.ps_std,
        ps_max=noise.ps_max,
        ifg_index=used,
    )


def weed_positions(
    inputs: Inputs, params: Params, ctx: Context, point: IntArray, coherence: FloatArray
) -> BoolArray:
    """Return the mask, (n_keep,), left by adjacency, height and position."""
    keep = np.ones(len(point), np.bool_)
    if params.weed_neighbours and inputs.ifgs.master is not None:
        pixel = np.ascontiguousarray(inputs.ij[point, 1:3].astype(np.int64))
        keep = ctx.kernels.stage4_adjacent_keep(pixel, coherence)
        ctx.note(f"{int(keep.sum())} of {len(point)} after adjacent pixels")
        ctx.fact("adjacent", int((~keep).sum()))
    if params.weed_zero_elevation:
        if inputs.height is None:
            ctx.warn("hgt1.mat: does not exist, so weed_zero_elevation has no effect")
        else:
            height = inputs.height[point]
            before = int(keep.sum())
            keep &= ~(height < height.dtype.type(1e-6))
            ctx.note(f"{int(keep.sum())} after zero heights (weed_zero_elevation)")
            ctx.fact("zero_height", before - int(keep.sum()))
    position = np.ascontiguousarray(inputs.xy[point[keep]])
    distinct = ctx.kernels.stage4_duplicate_keep(position, coherence[keep])
    if not distinct.all():
        ctx.note(f"{int((~distinct).sum())} at the position of another dropped")
        ctx.fact("same_position", int((~distinct).sum()))
    keep[keep] = distinct
    return keep


def weed_noise(
    inputs: Inputs,
    params: Params,
    ctx: Context,
    node: IntArray,
    selection: IntArray,
    used: IntArray,
) -> Noise:
    """Estimate the noise of the nodes from the arcs of a Delaunay network and test it.

    Parameters
    ----------
    inputs, params, ctx
        As given to :func:`solve`.
    node : (n_node,) int64
        Candidate of each node.
    selection : (n_node,) int64
        Row of each node in the arrays of ``select1``.
    used : (n_use,) int64
        Columns of the interferograms used.

    Returns
    -------
    Noise
        A node without arcs, or without a phase in every interferogram, has infinite noise and is
        dropped.
    """
    if len(used) < RELIABLE:
        ctx.warn(f"noise weeding with {len(used)} interferograms is unreliable")
    phase = ctx.map_rows(
        lambda rows: node_phase(inputs, node[rows], selection[rows], used), len(node)
    )
    usable = ctx.map_rows(lambda rows: np.isfinite(phase[rows]).all(axis=1), len(node))
    if not usable.all():
        ids = inputs.ij[node[~usable], 0][:5].astype(int)
        ctx.warn(
            f"{int((~usable).sum())} PS with a zero or infinite phase dropped (ids from "
            f"{', '.join(map(str, ids))})"
        )
        phase = phase[usable]
    arcs, oriented = edges(inputs.xy[node[usable]], ctx.config.runtime.triangulator)
    ctx.note(
        f"{len(arcs)} arcs by {'Triangle' if oriented else 'Qhull'} over {int(usable.sum())} PS, "
        f"{len(used)} interferograms"
    )
    ps_std, ps_max = (np.full(len(node), np.inf, np.float32) for _ in range(2))
    if len(arcs):
        try:
            found = least_noise(inputs, params, ctx, phase, arcs, oriented, used)
        except NoiseVarianceError as error:
            raise StageError(_without_noise(inputs, params, used, error)) from None
        ps_std[usable], ps_max[usable] = found
    else:
        ctx.warn(f"{len(node)} PS: too few, or on one line: no network, all dropped")
    keep = (ps_std < np.float32(params.weed_standard_dev)) & (
        ps_max < np.float32(params.weed_max_noise)
    )
    return Noise(keep, ps_std, ps_max)


def node_phase(inputs: Inputs, node: IntArray, selection: IntArray, used: IntArray) -> ComplexArray:
    """Return the unit phasors of the nodes without look-angle error; NaN where there is none.

    The mean baseline of each interferogram stands for that of the point, in its own precision;
    the master's column holds the master noise; docs/science/weeding.md, Noise of an arc.
    """
    bperp = inputs.ifgs.bperp
    slope = inputs.slope[selection].astype(bperp.dtype)
    phase = inputs.phase[node].astype(np.complex64)
    phase *= np.exp(-1j * (slope[:, None] * bperp)).astype(np.complex64)
    with np.errstate(invalid="ignore"):
        phase /= np.abs(phase)
    columns: ComplexArray = inputs.ifgs.with_master(phase, np.exp(1j * inputs.offset[selection]))
    return np.ascontiguousarray(columns[:, used])


def least_noise(
    inputs: Inputs,
    params: Params,
    ctx: Context,
    phase: ComplexArray,
    arcs: IntArray,
    oriented: bool,
    used: IntArray,
) -> tuple[FloatArray, FloatArray]:
    """Return the least deviation and the least maximum among the arcs of each node, (n_node,).

    The arcs of a single-master stack are compared with their course in time; pairs have none.
    """
    ifgs, kernels = inputs.ifgs, ctx.kernels
    start, end = (np.ascontiguousarray(column) for column in arcs.T)
    bperp = ifgs.with_master(ifgs.bperp, 0)[used].astype(np.float64)
    if ifgs.master is None:
        of_pairs = kernels.stage4_pair_edge_stats if oriented else (
            kernels.stage4_pair_edge_stats_undirected)  # fmt: skip
        return of_pairs(phase, start, end, bperp)[:2]
    in_time = kernels.stage4_edge_stats if oriented else kernels.stage4_edge_stats_undirected
    return in_time(phase, start, end, bperp, ifgs.day[used], params.weed_time_win)[:2]


def _without_noise(
    inputs: Inputs, params: Params, used: IntArray, error: NoiseVarianceError
) -> str:
    ifgs, ifg = inputs.ifgs, used[error.column]
    window = ""
    if ifgs.master is not None:
        spacing = np.diff(np.sort(ifgs.day[used])).min()
        window = (
            f"weed_time_win={params.weed_time_win:g} days, the smallest epoch spacing is "
            f"{spacing:g}; widen weed_time_win, or "
        )
    return (
        f"{ifgs.name_of(ifg)}: its noise variance is {error.variance:g}; {window}put the "
        "interferogram into drop_ifg_index"
    )


SPEC = StageSpec(
    number=4,
    name="Weed adjacent pixels",
    scope="patch",
    marker="weed1",
    inputs=Inputs,
    params=Params,
    outputs=Outputs,
    solve=solve,
    kernels=(
        "stage4_adjacent_keep",
        "stage4_duplicate_keep",
        "stage4_edge_stats",
        "stage4_edge_stats_undirected",
        "stage4_pair_edge_stats",
        "stage4_pair_edge_stats_undirected",
    ),
    modes=("ps", "sb"),
    keeps=Keeps(value=24, point=300),
    config=("compat.arithmetic", "runtime.triangulator"),
    tools=("triangulator",),
    counts="weeded",
    counted_in={"weeded": "weed1.ix_weed"},
    none_left="relax the selection or weeding parameters",
)
