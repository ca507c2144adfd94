"""Stage 8 kernels: filters in time and space, velocity, arc noise."""

import numpy as np
from numpy.typing import NDArray

Single = NDArray[np.float32]
Double = NDArray[np.float64]
Index = NDArray[np.int64]

NOISE_SHARE = np.float32(0.5)
"""Share of the deviation from the row mean that :func:`edge_noise` calls noise (a convention)."""

_BLOCK = 4_000_000


def temporal_highpass(phase: Single, weights: Double, origin: Double) -> Double:
    """Take the low-passed phase off every PS.

    Parameters
    ----------
    phase : (n_ps, n_use) float32
        Phase [rad].
    weights : (n_use, n_use) float64
        Column k holds the weights of the low-pass at image k; columns sum to one.
    origin : (n_use,) float64
        High-passed phase of the origin [rad], taken off as well.

    Returns
    -------
    (n_ps, n_use) float64
        High-passed phase [rad].

    Notes
    -----
    StaMPS ``ps_scn_filt``; docs/science/scn.md, High-pass in time: the filtered arc phases
    are a gradient, so that no adjustment is needed. Sums in ascending image order.
    """
    low_pass = np.zeros(phase.shape)
    for image, weight in enumerate(weights):
        low_pass += phase[:, image, None].astype(np.float64) * weight
    return phase - low_pass - origin


def spatial_lowpass(
    phase: Single,
    xy: Single,
    order: Index,
    cells: Index,
    starts: Index,
    width: int,
    sigma: float,
    first: int,
    stop: int,
) -> Double:
    """Average the phase around every PS with Gaussian weights.

    Parameters
    ----------
    phase : (n_ps, n_use) float32
        High-passed phase of all PS [rad].
    xy : (n_ps, 2) float32
        Positions of all PS [m].
    order : (n_ps,) int64
        PS sorted by cell, ascending inside a cell. Cells are at least four sigma wide.
    cells : (n_cell,) int64
        Ascending numbers, ``row * width + column``, of the occupied cells.
    starts : (n_cell + 1,) int64
        First place of each cell in `order`, and the end.
    width : int
        Cells per row of the grid, with an empty column on either side.
    sigma : float
        Standard deviation [m].
    first, stop : int
        The PS that are filtered.

    Returns
    -------
    (stop - first, n_use) float64
        Low-passed phase [rad].

    Notes
    -----
    StaMPS ``ps_scn_filt``; docs/science/scn.md, Low-pass in space. Members are closer than
    four sigma, decided in single; weights and sums are double, members in ascending order.
    """
    low_pass = np.empty((stop - first, phase.shape[1]))
    radius = np.float32((4 * sigma) ** 2)
    for cell, begin, end in zip(cells, starts[:-1], starts[1:], strict=True):
        targets = order[begin:end]
        targets = targets[(targets >= first) & (targets < stop)]
        if not len(targets):
            continue
        spans = [
            np.searchsorted(cells, (cell + row * width - 1, cell + row * width + 2))
            for row in (-1, 0, 1)
        ]
        near = np.sort(np.concatenate([order[starts[a] : starts[b]] for a, b in spans]))
        step = max(_BLOCK // (len(near) * phase.shape[1]), 1)
        for start in range(0, len(targets), step):
            some = targets[start : start + step]
            square = ((xy[some, None] - xy[near]) ** 2).sum(axis=2)
            weight = np.where(square < radius, np.exp(-square.astype(float) / (2 * sigma**2)), 0)
            total = (weight[:, :, None] * phase[near]).sum(axis=1)
            low_pass[some - first] = total / np.cumsum(weight, axis=1)[:, -1:]
    return low_pass


def velocity_fit(operator: Double, phase: Single, reference: Single) -> Double:
    """Fit offset and rate of every PS.

    Parameters
    ----------
    operator : (2, n_fit) float64
        Weighted least-squares operator from phase to offset [rad] and rate [rad/day].
    phase : (n_ps, n_fit) float32
        Phase [rad].
    reference : (n_fit,) float32
        Phase of the reference area [rad], taken off every PS.

    Returns
    -------
    (n_ps, 2) float64
        Offset [rad] and rate [rad/day].

    Notes
    -----
    StaMPS ``ps_plot`` with value type ``v``; docs/science/velocity.md, Fit.
    """
    fit = np.zeros((len(phase), 2))
    for weight, column in zip(operator.T, (phase - reference).T, strict=True):
        fit += column[:, None].astype(np.float64) * weight
    return fit


def edge_noise(uw_ph: NDArray[np.complex64], node_a: Index, node_b: Index) -> tuple[Single, Single]:
    """Return phase and noise of every arc.

    Parameters
    ----------
    uw_ph : (n_node, n_ifg) complex64
        Phasors of the nodes.
    node_a, node_b : (n_edge,) int64
        Ends of each arc, 0-based.

    Returns
    -------
    dph_space_uw : (n_edge, n_ifg) float32
        Phase of node b minus that of node a [rad]; 0 where a phasor is 0.
    dph_noise : (n_edge, n_ifg) float32
        Half the deviation from the mean over interferograms [rad].

    Raises
    ------
    ValueError
        A node outside the rows of `uw_ph`.

    Notes
    -----
    docs/science/scn.md, Noise of the arcs.
    """
    check_nodes(uw_ph, node_a, node_b)
    a, b = uw_ph[node_a], uw_ph[node_b]
    real = b.real * a.real + b.imag * a.imag
    imaginary = b.imag * a.real - b.real * a.imag
    empty = (real == 0) & (imaginary == 0)
    arc = np.where(empty, np.float32(0), np.arctan2(imaginary, real))
    if not arc.size:
        return arc, arc.copy()
    total = np.cumsum(arc, axis=1, dtype=np.float64)[:, -1:]
    mean = (total / arc.shape[1]).astype(np.float32)
    return arc, NOISE_SHARE * (arc - mean)


def check_nodes(uw_ph: NDArray[np.complex64], node_a: Index, node_b: Index) -> None:
    """Raise ``ValueError`` unless every arc ends at nodes that exist."""
    for name, nodes in (("node_a", node_a), ("node_b", node_b)):
        if len(nodes) and not 0 <= nodes.min() <= nodes.max() < len(uw_ph):
            raise ValueError(
                f"stage8_edge_noise: argument '{name}' holds {nodes.min()} to {nodes.max()}, "
                f"expected 0 to {len(uw_ph) - 1}"
            )
