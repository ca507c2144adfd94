"""What is wrong with a dataset, gathered so that all of it is told at once."""

from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar

from ..errors import DatasetError

MOST_LINES = 20
ALL = "pystamps-hpc doctor names all"

Arguments = ParamSpec("Arguments")
Value = TypeVar("Value")


class Problems:
    """Messages of the readers that were tried; each names its file, what is wrong and a remedy."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def tried(
        self,
        read: Callable[Arguments, Value],
        *arguments: Arguments.args,
        **options: Arguments.kwargs,
    ) -> Value | None:
        """Return what a reader returns, None after noting why it cannot."""
        try:
            return read(*arguments, **options)
        except DatasetError as error:
            self.messages += str(error).splitlines()
        except OSError as error:
            self.messages.append(f"{error.filename}: cannot be read: {error.strerror}")
        return None

    def require_none(self) -> None:
        """Refuse the dataset if anything was noted.

        Raises
        ------
        DatasetError
            As :func:`refuse`.
        """
        refuse(self.messages)


def refuse(messages: Sequence[str]) -> None:
    """Refuse a dataset for all that was found in it, if anything was.

    Raises
    ------
    DatasetError
        One line per finding, each once; of very many the first.
    """
    lines = list(dict.fromkeys(messages))
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], f"and {len(lines) - MOST_LINES} more findings: {ALL}"]
    if lines:
        raise DatasetError("\n".join(lines))
