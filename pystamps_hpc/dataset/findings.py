"""What is wrong with a dataset, gathered so that all of it is told at once."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from ..errors import DatasetError

Words = ParamSpec("Words")
Value = TypeVar("Value")


class Findings:
    """Messages of the readers that were tried; each names its file, what is wrong and a remedy."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def tried(
        self, read: Callable[Words, Value], *words: Words.args, **options: Words.kwargs
    ) -> Value | None:
        """Return what a reader returns, None after noting why it cannot."""
        try:
            return read(*words, **options)
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
            One line per finding, each once.
        """
        if self.messages:
            raise DatasetError("\n".join(dict.fromkeys(self.messages)))
