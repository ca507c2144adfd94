"""Statistics of the arc noise that stage 6 leaves."""

import numpy as np

from ...dataset.rows import AnyArray, FloatArray, Rows
from ...parallel.context import Context


def noise_statistics(arc_noise: Rows, ctx: Context) -> tuple[FloatArray, FloatArray, int]:
    """Return how far the noise of arcs and of interferograms spreads.

    Parameters
    ----------
    arc_noise : Rows, (n_edge, n_uw) float32
        Noise of each arc [rad]; rows of NaN where stage 6 rejected the arc.
    ctx : Context
        Work over arcs.

    Returns
    -------
    edge_noise_std : (n_edge,) float32
        Standard deviation over interferograms [rad], NaN for a rejected arc.
    ifg_noise_std : (n_uw,) float64
        Standard deviation over the other arcs [rad].
    n_edge_rejected : int
        Number of rejected arcs.

    Notes
    -----
    docs/science/scn.md, Noise of the arcs; divisors are counts less one.
    """
    n_edge, n_uw = arc_noise.shape

    def spread(rows: slice) -> AnyArray:
        noise = arc_noise[rows].astype(np.float64)
        away = noise - noise.mean(axis=1, keepdims=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            variance = (away**2).sum(axis=1) / np.float64(n_uw - 1)
        result: AnyArray = np.sqrt(variance).astype(np.float32)
        return result

    def moments(rows: slice) -> AnyArray:
        noise = arc_noise[rows].astype(np.float64)
        noise = noise[~np.isnan(noise).any(axis=1)]
        count = np.full(n_uw, len(noise), np.float64)
        return np.stack((count, noise.sum(axis=0), (noise**2).sum(axis=0)))

    piece = ctx.config.runtime.stage8_chunk_edges
    edge_noise_std = ctx.share(ctx.map_rows(spread, n_edge, "arc noise", piece))
    count, total, squares = ctx.sum_rows(moments, n_edge)
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = (squares - total**2 / count) / (count - 1)
    return edge_noise_std, np.sqrt(np.maximum(variance, 0)), n_edge - int(count[0])
