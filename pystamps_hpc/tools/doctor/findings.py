"""What the examinations hand back."""

from dataclasses import dataclass

from ...errors import DatasetError

DATASET = DatasetError.exit_code


@dataclass(frozen=True)
class Problem:
    """Something wrong, and what to do about it.

    Parameters
    ----------
    problem : str
        One line, object first.
    remedy : str
        What to do.
    exit_code : int
        With which ``run`` would stop at it; 0 where it goes on.
    """

    problem: str
    remedy: str
    exit_code: int = 0

    @property
    def stops_run(self) -> bool:
        """Whether ``run`` would stop at it."""
        return self.exit_code != 0


def problem_of(message: str, exit_code: int) -> Problem:
    """Divide a message of the examination, "object, what is wrong; what to do"."""
    text, _, remedy = message.rpartition("; ")
    return Problem(text, remedy, exit_code) if text else Problem(message, "see there", exit_code)
