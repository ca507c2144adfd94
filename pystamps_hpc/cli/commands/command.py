"""What a command of the program is, and options that several have."""

from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple


def no_options(parser: ArgumentParser) -> None:
    """Add nothing."""
    del parser


class Command(NamedTuple):
    """One command of the program.

    Parameters
    ----------
    summary : str
        For people.
    run : str
        ``module:function`` below ``cli``; the view of the same name is below ``cli.views``.
    options : callable
        Adds its options to a parser.
    examples : tuple of str
        Calls that its help shows.
    tells : bool
        Whether its result is said on standard error when the document goes elsewhere.
    """

    summary: str
    run: str
    options: Callable[[ArgumentParser], None] = no_options
    examples: tuple[str, ...] = ()
    tells: bool = False

    def call(self, *arguments: Any) -> Any:
        """Run it; its module is imported only now."""
        module, _, function = self.run.partition(":")
        return getattr(import_module(f"..{module}", __package__), function)(*arguments)


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
    parser.add_argument("--end-step", type=int, default=8, metavar="N", help="last stage (8)")


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
