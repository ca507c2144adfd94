"""Baselines of the images of small baselines, which follow from those of the pairs."""

import numpy as np

from ...dataset.rows import AnyArray, IntArray, Rows
from ...parallel.context import Context
from ..shared.ifgs import Ifgs
from ..shared.least_squares import pseudo_inverse


def image_baselines(pairs: Ifgs, images: IntArray, bperp: Rows, ctx: Context) -> Rows:
    """Return the baselines of the images against the master.

    Parameters
    ----------
    pairs : Ifgs
        Small baselines.
    images : (n_fit,) int64
        Images that get a baseline, ascending, without the master; that of the others is zero.
    bperp : Rows, (n_ps, n_ifg) float32
        Baselines of the pairs [m].
    ctx : Context
        Work over PS.

    Returns
    -------
    Rows, (n_ps, n_image) float32
        Baselines of every PS [m], zero at the master; each rank holds its own.

    Notes
    -----
    docs/science/scla.md, Small baselines. As in StaMPS an image that is left out counts as one
    without baseline, although its pairs stay.
    """
    operator = ctx.on_root(lambda: np.ascontiguousarray(pseudo_inverse(pairs.design[:, images])))

    def baselines(rows: slice) -> AnyArray:
        found = np.zeros((rows.stop - rows.start, len(pairs.day)), np.float32)
        found[:, images] = ctx.kernels.stage7_image_baselines(operator, bperp[rows])
        return found

    piece = ctx.config.runtime.stage7_chunk_ps
    of_ps: Rows = ctx.map_rows(baselines, bperp.shape[0], "baselines of images", piece)
    return of_ps
