"""Stage 6 of small baselines: whether the network hangs together and includes the master."""

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from ...dataset.rows import FloatArray, IntArray
from ...errors import StageError
from ..shared.ifgs import Ifgs, date_of

NAMED = 6
"""How many dates of a group a message names."""


def require_connected(ifgs: Ifgs, used: IntArray) -> None:
    """Refuse a network that cannot be inverted to phases relative to the master.

    Parameters
    ----------
    ifgs : Ifgs
        All pairs.
    used : (n_u,) int64
        Pairs that are unwrapped.

    Raises
    ------
    StageError
        The pairs fall into several groups of images, which the message names, or none includes the
        master.
    """
    network = ifgs.only(used)
    n_image = len(network.day)
    links = csr_array((np.ones(len(network)), tuple(network.pairs.T)), shape=(n_image, n_image))
    n_group, group = connected_components(links, directed=False)
    if n_group > 1:
        dates = "; ".join(_dates(network.day[group == number]) for number in range(n_group))
        raise StageError(
            f"ps2.ifgday_ix: the {len(network)} unwrapped interferograms fall into {n_group} "
            f"groups without a connection: {dates}; shorten drop_ifg_index, or add interferograms"
        )
    if np.isin(ifgs.pairs[used], ifgs.series.columns).all():
        raise StageError(
            f"ps2.ifgday_ix: none of the {len(network)} unwrapped interferograms includes the "
            f"master, {date_of(ifgs.master_day)}; shorten drop_ifg_index, or add one"
        )


def _dates(days: FloatArray) -> str:
    more = f" and {len(days) - NAMED} more" if len(days) > NAMED else ""
    return ", ".join(map(date_of, days[:NAMED])) + more
