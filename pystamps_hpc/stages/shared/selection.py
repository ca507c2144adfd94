"""What stages 4 and 5 of a patch make of the selection of stage 3."""

from ...dataset.rows import IntArray
from ...errors import StageError


def check_selected(selected: IntArray, n_ps: int) -> None:
    """Refuse ``select1.ix`` that points outside of the `n_ps` candidates.

    Raises
    ------
    StageError
        The selection belongs to other candidates.
    """
    if len(selected) and not 0 <= selected.min() <= selected.max() < n_ps:
        raise StageError(
            f"select1.mat: ix reaches from {selected.min() + 1} to {selected.max() + 1}, expected "
            f"1 to {n_ps}; rerun stage 3"
        )
