"""A change of a parameter that is worth a try, and why."""

from dataclasses import dataclass
from shlex import quote

from ...dataset.parameter_table import Value


@dataclass(frozen=True)
class Suggestion:
    """A parameter to change.

    Parameters
    ----------
    parameter : str
        Its name.
    value : str, float or tuple of float
        What to set it to.
    why : tuple of str
        Reasons, each with its figure.
    patch : str
        Patch in which alone; empty: in all of them.
    """

    parameter: str
    value: Value
    why: tuple[str, ...]
    patch: str = ""

    def command(self, root: str) -> str:
        """Return the command that makes the change."""
        numbers = self.value if isinstance(self.value, tuple) else (self.value,)
        words = " ".join(n if isinstance(n, str) else f"{n:g}" for n in numbers)
        place = f" --patch {self.patch} --local" if self.patch else ""
        return f"pystamps-hpc parms --dataset {quote(root)}{place} set {self.parameter} {words}"
