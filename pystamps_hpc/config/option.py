"""What an option of the configuration is: its default, what is allowed, its meaning."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


class Refused(ValueError):
    """A value that is not taken: a line for each problem, which begins with the rest of its key."""


@dataclass(frozen=True)
class Check:
    """How a value of a file or of the command line is read.

    Parameters
    ----------
    allowed : str
        What is taken, for people: ``an integer >= 1``.
    read : callable
        Returns the value; raises an error of Python, or `Refused` with a message of its own.
    """

    allowed: str
    read: Callable[[Any], Any]

    def __call__(self, value: Any) -> Any:
        """Return the value; raise `Refused` if it is not allowed."""
        try:
            return self.read(value)
        except Refused:
            raise
        except (TypeError, ValueError, OverflowError):
            raise Refused(f": must be {self.allowed}") from None


@dataclass(frozen=True)
class Option:
    """One option.

    Parameters
    ----------
    default : object
        Its value where none is given.
    check : Check
        What is allowed.
    meaning : str
        What it does; the first sentence is the help of the command line.
    """

    default: Any
    check: Check
    meaning: str


def option(default: Any, check: Check, meaning: str) -> Any:
    """Declare an option as a field of the dataclass of its section."""
    metadata = {"option": Option(default, check, meaning)}
    if isinstance(default, dict):
        return field(default_factory=dict, metadata=metadata)
    return field(default=default, metadata=metadata)


def choice(what: str, allowed: tuple[str, ...], aliases: Mapping[str, str] | None = None) -> Check:
    """Take one of some words, in any case, or another name of one."""
    told = ", ".join(allowed[:-1]) + f" or {allowed[-1]}"

    def read(value: Any) -> str:
        text = str(value).strip().lower()
        text = (aliases or {}).get(text, text)
        if text not in allowed:
            raise Refused(f": unsupported {what} '{text}' (use {told})")
        return text

    return Check(told, read)


def names_of(what: str, allowed: tuple[str, ...]) -> Check:
    """Take a list of some words, each once; also as one text with commas."""
    one = choice(what, allowed)

    def read(value: Any) -> tuple[str, ...]:
        words = value.split(",") if isinstance(value, str) else value
        if not isinstance(words, Sequence):
            raise TypeError
        return tuple(dict.fromkeys(one(word) for word in words if word != ""))

    return Check(f"a list of {', '.join(allowed)}", read)


def integer(least: int) -> Check:
    """Take a whole number, also as text or as a float."""

    def read(value: Any) -> int:
        number = int(float(value))
        if isinstance(value, bool) or float(value) != number or number < least:
            raise ValueError
        if number >= 2**31:
            raise Refused(f": must be below {2**31:,}")
        return number

    return Check(f"an integer >= {least}", read)


def number(least: float, most: float, allowed: str) -> Check:
    """Take a finite number within bounds, also as text."""

    def read(value: Any) -> float:
        found = float(value)
        if isinstance(value, bool) or not (math.isfinite(found) and least <= found <= most):
            raise ValueError
        return found

    return Check(allowed, read)


def optional(check: Check) -> Check:
    """Take nothing, too."""
    return Check(check.allowed, lambda value: None if value is None else check(value))


def _read_boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _read_text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError
    return value


def _read_mapping(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise TypeError
    return {str(key): item for key, item in value.items()}


BOOLEAN = Check("true or false", _read_boolean)
TEXT = Check("a text", _read_text)
MAPPING = Check("a mapping", _read_mapping)
