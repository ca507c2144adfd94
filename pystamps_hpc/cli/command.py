"""What a command of the program is, and options that several commands have.

A command is one module of :mod:`.commands`: its options, what it does, how its answer is shown, and
``COMMAND``, which puts them together. The parser loads all of them: what is heavy, a module
imports inside the function that needs it.
"""

import sys
from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ..config import OPTIONS
from ..pipeline import LAST_STAGE
from .shapes import Shape

if TYPE_CHECKING:
    from ..parallel.team import Team

Answer = tuple[Any, int]
"""The JSON document of a command, None without one, and its exit code."""

HERE = "(. if it is one)"
"""Help of a dataset that is the directory one is in if that is one."""


def no_options(parser: ArgumentParser) -> None:
    """Add nothing."""
    del parser


@dataclass(frozen=True)
class Command:
    """One command of the program.

    Parameters
    ----------
    name, summary : str
        Its name, and what it is for.
    run : callable
        Takes the options and the team of ranks, on every rank; returns document and exit code.
    view : callable
        Lays the document out for people.
    add_options : callable
        Adds its options to a parser.
    examples : tuple of str
        Calls that its help shows.
    group : str
        Where help lists it.
    table_on_stderr : bool
        Whether people get its table on standard error when the document goes elsewhere.
    stops_in_good_order : bool
        Whether signals make it stop at the next safe point instead of at once.
    plans : bool
        Whether most of what it makes is a plan, which stays; it lets the collector of
        :mod:`.collecting` work when the work begins.
    """

    name: str
    summary: str
    run: Callable[[Namespace, "Team"], Answer]
    view: Callable[[Any], Iterable[Shape]]
    add_options: Callable[[ArgumentParser], None] = no_options
    examples: tuple[str, ...] = ()
    group: Literal["every day", "for developers"] = "every day"
    table_on_stderr: bool = False
    stops_in_good_order: bool = False
    plans: bool = False


def on_root(act: Callable[[Namespace], Answer]) -> Callable[[Namespace, "Team"], Answer]:
    """Let a command that needs no ranks do its work on rank 0; all ranks get its answer."""

    def run(options: Namespace, team: "Team") -> Answer:
        return team.on_root(lambda: act(options))

    return run


def dataset_option(
    parser: ArgumentParser,
    *names: str,
    help: str = "dataset directory (.)",
    default: str | None = ".",
) -> None:
    """Add ``--dataset``, which may also stand before the command; `default` where it is nowhere."""
    parser.add_argument(*names, "--dataset", dest="dataset", metavar="DIR", default=SUPPRESS,
                        help=help)  # fmt: skip
    parser.set_defaults(parser=parser, default_dataset=default)


def stage_options(parser: ArgumentParser) -> None:
    """Add the first and last stage of a window."""
    parser.add_argument("--start-step", type=int, default=1, metavar="N", help="first stage (1)")
    parser.add_argument("--end-step", type=int, default=LAST_STAGE, metavar="N",
                        help=f"last stage ({LAST_STAGE})")  # fmt: skip


def config_option(parser: Any, flag: str, key: str, **more: Any) -> None:
    """Add an option that stands above the configuration: its key there, its meaning as help."""
    declared = OPTIONS[key]
    meaning = declared.meaning.partition(". ")[0].rstrip(".").replace("``", "")
    values = declared.check.allowed if isinstance(declared.default, str) else declared.default
    text = f"{meaning[0].lower()}{meaning[1:]}" + ("" if "choices" in more else f" ({values})")
    parser.add_argument(flag, dest=key, help=text, **{"metavar": "N", **more})


def given(options: Namespace) -> dict[str, Any]:
    """Return the configuration keys that the command line sets, and their values."""
    return {key: value for key, value in vars(options).items()
            if key in OPTIONS and value is not None}  # fmt: skip


def progress_printer(options: Namespace) -> Callable[[str], None]:
    """Return what prints a line of progress on standard error; nothing with ``--quiet``."""
    if options.quiet:
        return lambda line: None
    return lambda line: print(line, file=sys.stderr, flush=True)


def numbers(text: str) -> list[int]:
    """Read a number from 1, or a range of them: ``3:5`` is 3, 4, 5."""
    first, _, last = text.partition(":")
    found = [*range(positive(first), positive(last or first) + 1)]
    if not found:
        raise ArgumentTypeError(f"{text} is empty")
    return found


def count(text: str) -> int:
    """Read a whole number from 0."""
    return _from(0, text)


def positive(text: str) -> int:
    """Read a whole number from 1."""
    return _from(1, text)


def _from(least: int, text: str) -> int:
    number = int(text)
    if number < least:
        raise ArgumentTypeError(f"{text} is less than {least}")
    return number
