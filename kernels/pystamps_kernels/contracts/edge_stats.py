"""Contracts of the noise of the arcs of a network, and of its nodes and interferograms."""

from .model import Array, Kernel, Scalar

_ARCS = (
    Array("phase", "n_node n_use", "c64 c128", "unit phasors of the nodes, used interferograms"),
    Array("node_a", "n_edge", "i64", "start of each edge, from 0"),
    Array("node_b", "n_edge", "i64", "end of each edge, from 0; the arc is end minus start"),
    Array("bperp", "n_use", "f64", "perpendicular baseline [m]"),
)
_IN_TIME = (
    Array("day", "n_use", "f64", "acquisition [day]"),
    Scalar("time_win", "deviation of the temporal Gaussian [day]"),
)
_NOISE = (
    Array("ps_std", "n_node", "f64", "least std of a node's arcs [rad], inf without arcs"),
    Array("ps_max", "n_node", "f64", "least maximum of a node's arcs [rad], inf without arcs"),
    Array("edge_std", "n_edge", "f64", "deviation of the arc noise over interferograms [rad]"),
    Array("edge_max", "n_edge", "f64", "largest absolute arc noise [rad]"),
)
_STATISTICS = (
    *_NOISE,
    Array("k_edge", "n_edge", "f64", "look-angle error slope of the arc [rad/m]"),
    Array("ifg_var", "n_use", "f64", "noise variance of each interferogram [rad^2]"),
)
_PAIR_STATISTICS = (
    *_NOISE,
    Array("k_edge", "n_edge", "c128", "slope of the arc's phasor against the baseline [1/m]"),
    Array("ifg_var", "n_use", "f64", "variance of the phasors of each interferogram"),
)
# 1e-6 holds but for samples within rounding of the +-pi cut, which may fall on either side
_ROUNDING = dict.fromkeys(("ps_std", "ps_max", "edge_std", "edge_max", "ifg_var"), 1e-06)
_ROUNDING["k_edge"] = 1e-8

KERNELS: tuple[Kernel, ...] = (
    Kernel(
        "stage4_edge_stats",
        "noise of arcs and nodes, variance of each interferogram about its mean",
        (*_ARCS, *_IN_TIME),
        _STATISTICS,
        tolerance=_ROUNDING,
    ),
    Kernel(
        "stage4_edge_stats_undirected",
        "the same with the variance about zero, which does not depend on the direction of arcs",
        (*_ARCS, *_IN_TIME),
        _STATISTICS,
        tolerance=_ROUNDING,
    ),
    Kernel(
        "stage4_pair_edge_stats",
        "noise of arcs and nodes of small baselines, without smoothing in time",
        _ARCS,
        _PAIR_STATISTICS,
        tolerance=_ROUNDING,
    ),
    Kernel(
        "stage4_pair_edge_stats_undirected",
        "the same with a variance that does not depend on the direction of arcs",
        _ARCS,
        _PAIR_STATISTICS,
        tolerance=_ROUNDING,
    ),
)


class NoiseVarianceError(ValueError):
    """The noise variance of an interferogram is zero or not finite.

    Parameters
    ----------
    column : int
        Column of the phase, from 0.
    variance : float
        What was found [rad^2].
    """

    def __init__(self, column: int, variance: float) -> None:
        super().__init__(f"the noise variance of column {column} is {variance:g}")
        self.column = column
        self.variance = variance
