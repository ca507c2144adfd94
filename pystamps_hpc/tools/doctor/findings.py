"""What the examinations hand back."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """Something wrong, and what to do about it.

    Parameters
    ----------
    problem : str
        One line, object first.
    remedy : str
        What to do.
    stops_run : bool
        Whether ``run`` would stop at it.
    """

    problem: str
    remedy: str
    stops_run: bool = False
