"""Which images the look-angle error is fitted to: what index lists leave, known before work."""

from collections.abc import Sequence

import numpy as np

from ...dataset.rows import IntArray
from ...errors import StageError
from ..shared.ifgs import Ifgs, listed_columns
from .inputs import Params

LISTS = ("drop_ifg_index", "scla_drop_index")
FEWEST_IMAGES = 3


def lists_of(params: Params, names: Sequence[str]) -> str:
    """Return names and values of parameters that leave interferograms out, for messages."""
    return ", ".join(f"{name} {getattr(params, name) or '[]'}" for name in names)


def fitted_sequence(ifgs: Ifgs, params: Params) -> IntArray:
    """Return the images of a single-master stack that the fit takes, (n_seq,), ascending.

    Raises
    ------
    StageError
        A number that is no image, or too few are left.
    """
    left_out = listed_columns(params.scla_drop_index, ifgs.n_columns, "scla_drop_index")
    sequence = np.setdiff1d(ifgs.used_columns(params.drop_ifg_index), left_out)
    require_steps(sequence, lists_of(params, LISTS))
    return sequence


def require_steps(sequence: IntArray, lists: str) -> None:
    """Refuse images that are too few for two steps between them."""
    if len(sequence) < FEWEST_IMAGES:
        raise StageError(
            f"look-angle error: {len(sequence)} images give {max(len(sequence) - 1, 0)} "
            f"differences, {FEWEST_IMAGES - 1} are needed; shorten {lists}"
        )


def accepts(params: Params, ifgs: Ifgs) -> None:
    """Refuse lists that a single-master stack does not bear; one too small stage 2 refuses."""
    if params.drop_ifg_index or params.scla_drop_index:
        fitted_sequence(ifgs, params)
