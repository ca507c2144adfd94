"""Baselines of the images of small baselines, which follow from those of the pairs."""

from collections import deque
from dataclasses import replace

import numpy as np

from ...dataset.rows import AnyArray, IntArray, Rows
from ...errors import StageError
from ...parallel.context import Context
from ..shared.ifgs import Ifgs, date_of
from ..shared.least_squares import pseudo_inverse


def image_series(pairs: Ifgs, images: IntArray, bperp: Rows, ctx: Context) -> tuple[Ifgs, Rows]:
    """Return the images against the master, with their baselines.

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
    series : Ifgs
        The single-master network, with mean baselines.
    baselines : (n_ps, n_image) float32
        Baselines of every PS [m], zero at the master; in memory, once per node.

    Notes
    -----
    docs/science/scla.md, Small baselines. As in StaMPS an image that is left out counts as one
    without baseline, although its pairs stay.
    """
    operator = np.ascontiguousarray(pseudo_inverse(pairs.design[:, images]))
    n_image = len(pairs.day)

    def baselines(rows: slice) -> AnyArray:
        found = np.zeros((rows.stop - rows.start, n_image), np.float32)
        found[:, images] = ctx.kernels.stage7_image_baselines(operator, bperp[rows])
        return found

    piece = ctx.config.runtime.stage7_chunk_ps
    of_ps = ctx.share(ctx.map_rows(baselines, bperp.shape[0], "baselines of images", piece))
    mean = np.zeros(n_image)
    mean[images] = operator @ pairs.bperp
    series = pairs.series
    return replace(series, bperp=mean[series.columns]), of_ps


def require_connected(pairs: Ifgs, images: IntArray, left_out: IntArray, lists: str) -> None:
    """Refuse a list that cuts images off from the master.

    Parameters
    ----------
    pairs : Ifgs
        Small baselines.
    images : (n_fit,) int64
        Images of the fit, without the master.
    left_out : (k,) int64
        Images that the list leaves out.
    lists : str
        The list, for the message.

    Raises
    ------
    StageError
        Images that no pairs without those left out join to the master.
    """
    master = pairs.series.master
    assert master is not None
    allowed = np.setdiff1d(np.arange(len(pairs.day)), np.setdiff1d(left_out, master))
    reached, waiting = {master}, deque([master])
    while waiting:
        image = waiting.popleft()
        beside = np.unique(pairs.pairs[pairs.of_image(image)])
        new = set(beside[np.isin(beside, allowed)].tolist()) - reached
        reached |= new
        waiting.extend(new)
    lonely = np.setdiff1d(images, sorted(reached))
    if len(lonely):
        dates = ", ".join(date_of(pairs.day[image]) for image in lonely)
        raise StageError(
            f"look-angle error: without the images of {lists} no pairs join {dates} to the master; "
            "shorten the list"
        )
