"""Which pairs and images the look-angle error of small baselines is fitted to."""

from typing import TYPE_CHECKING

import numpy as np

from ...dataset.rows import IntArray
from ...errors import StageError
from ..shared.ifgs import Ifgs, dates_of, inverted_images, listed_columns
from ..stage7.lists import lists_of, require_steps

if TYPE_CHECKING:
    from . import Params

PAIR_LISTS = ("drop_ifg_index", "sb_scla_drop_index")
IMAGE_LISTS = ("scla_drop_index",)
FEWEST_PAIRS = 2


def fitted_pairs(ifgs: Ifgs, params: "Params") -> IntArray:
    """Return the pairs that the fit takes, (n_fit,), ascending.

    Raises
    ------
    StageError
        A number that is no pair, or too few are left.
    """
    left_out = listed_columns(params.sb_scla_drop_index, len(ifgs), "sb_scla_drop_index")
    pairs = np.setdiff1d(ifgs.used(params.drop_ifg_index), left_out)
    if len(pairs) < FEWEST_PAIRS:
        raise StageError(
            f"look-angle error: {len(pairs)} interferograms are left, {FEWEST_PAIRS} are needed; "
            f"shorten {lists_of(params, PAIR_LISTS)}"
        )
    return pairs


def left_out_images(ifgs: Ifgs, params: "Params") -> IntArray:
    """Return the images that ``scla_drop_index`` leaves out, (k,), ascending."""
    return listed_columns(params.scla_drop_index, len(ifgs.day), "scla_drop_index")


def fitted_images(ifgs: Ifgs, inverted: IntArray | None, params: "Params") -> IntArray:
    """Return the images that the fit takes, (n_fit,), ascending; the master is none.

    Parameters
    ----------
    ifgs : Ifgs
        The pairs.
    inverted : (k,) int64 or None
        Images that have a phase; all by default.
    params : Params
        With the lists.

    Raises
    ------
    StageError
        A number that is no image, too few are left, or some that no pairs without those left out
        join to the master.
    """
    lists, left_out = lists_of(params, IMAGE_LISTS), left_out_images(ifgs, params)
    images = np.setdiff1d(inverted_images(ifgs.series, inverted), left_out)
    lonely = np.setdiff1d(images, ifgs.joined_to_master(without=left_out))
    if len(lonely):
        raise StageError(
            f"look-angle error: without the images of {lists} no pairs join "
            f"{dates_of(ifgs.day[lonely])} to the master; shorten the list"
        )
    require_steps(images, lists)
    return images


def accepts(params: "Params", ifgs: Ifgs) -> None:
    """Refuse lists that a network does not bear."""
    fitted_pairs(ifgs, params)
    fitted_images(ifgs, np.unique(ifgs.pairs[ifgs.used(params.drop_ifg_index)]), params)
