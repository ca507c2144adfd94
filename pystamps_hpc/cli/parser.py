"""The parser: global options, the commands, help with examples. Imports nothing heavy."""

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from shlex import quote
from textwrap import fill
from typing import Any, NoReturn

from ..config.sections import MPI_MODES
from ..errors import Exit
from .command import config_option
from .commands import COMMANDS

DESCRIPTION = """\
Persistent-scatterer InSAR (StaMPS stages 1-8) on one core or many ranks.

A StaMPS dataset directory (PATCH_*, patch.list, parms.mat) goes in; the same
directory comes out with every artifact StaMPS would have written, velocities, a
map and a table.
"""

EXAMPLES = """\
examples:
  pystamps-hpc simulate demo --candidates 20000 --images 20
  pystamps-hpc run --dataset demo
  mpirun -n 4 pystamps-hpc run --dataset demo
  cd demo && pystamps-hpc status

On a terminal a command answers with a table, elsewhere with one JSON document.
"""

WIDTH = 80


class _Help(argparse.RawDescriptionHelpFormatter):
    """Keeps line breaks, wide option column."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30, width=WIDTH)


class _Parser(argparse.ArgumentParser):
    """Says what was meant; of the ranks of a job, which get the same arguments, rank 0 prints."""

    def parse_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> argparse.Namespace:
        """Read the command line; ``help [COMMAND]`` is its ``--help``."""
        given = list(sys.argv[1:] if args is None else args)
        if given[:1] == ["help"]:
            given = [*given[1:], "--help"]
        options, unknown = self.parse_known_args(given, namespace)
        command: _Parser = options.parser
        if unknown:
            meant = _meant(unknown[0], command._option_string_actions)
            command.error(f"unrecognized arguments: {' '.join(unknown)}{meant}")
        if options.dataset is None:
            options.dataset = getattr(options, "default_dataset", None)
        elif not hasattr(options, "default_dataset"):
            command.error("this command works on no dataset: leave --dataset out")
        return options

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str], namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Read what is known, and remember what was given."""
        self.given = list(args)
        return super().parse_known_args(args, namespace)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            known = self._option_string_actions
            unknown = [
                word for word in self.given
                if word.startswith("--") and word.partition("=")[0] not in known
            ]  # fmt: skip
            if unknown and not action.option_strings:  # its value has been taken for an argument
                self.error(f"unrecognized arguments: {unknown[0]}{_meant(unknown[0], known)}")
            error.message += _meant(str(value), map(str, action.choices or ()))
            raise

    def error(self, message: str) -> NoReturn:
        from ..parallel.launcher import launcher_hint

        hint = launcher_hint(os.environ)
        if hint is not None and hint.rank > 0:
            self.exit(Exit.USAGE)
        super().error(f"{message}\nhelp: {self.prog} --help")


class _Version(argparse.Action):
    """Prints the version, which takes longer to find than all other options together."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import version

        print(f"{parser.prog} {version('pystamps-hpc')}")
        parser.exit()


def _meant(word: str, known: Iterable[str]) -> str:
    """Guess what a word that is not known was to be."""
    near = get_close_matches(word.partition("=")[0], known, n=1)
    if not near and Path(word).is_dir():
        near = [f"--dataset {quote(word)}"]
    return f"; did you mean {near[0]}?" if near else ""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of ``pystamps-hpc``."""
    parser = _Parser(
        "pystamps-hpc",
        usage="%(prog)s [GLOBAL OPTIONS] COMMAND [OPTIONS]",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=_Help,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--version", action=_Version, nargs=0, help="show program's version number and exit"
    )
    _global_options(parser, suppress=False)
    commands = parser.add_subparsers(
        title="commands",
        description=_listed(),
        metavar="COMMAND",
        required=True,
        help=argparse.SUPPRESS,
        prog="pystamps-hpc",
    )
    for name, each in COMMANDS.items():
        command = commands.add_parser(
            name,
            description=each.summary,
            epilog="\n  ".join(("examples:", *each.examples)) if each.examples else None,
            formatter_class=_Help,
            allow_abbrev=False,
        )
        _global_options(command, suppress=True)
        command.set_defaults(parser=command)
        each.add_options(command)
        command.set_defaults(command=each)
    return parser


def _listed() -> str:
    """List the commands in their groups."""
    lines: dict[str, list[str]] = {}
    for name, each in COMMANDS.items():
        text = fill(each.summary, WIDTH - 2, initial_indent=f"  {name:19}",
                    subsequent_indent=" " * 21)  # fmt: skip
        lines.setdefault(f"{each.group}:", []).append(text)
    return "\n".join("\n".join((title, *group)) for title, group in lines.items())


def _global_options(parser: argparse.ArgumentParser, suppress: bool) -> None:
    """Add the options that may stand before or after the command."""

    def default(value: Any) -> Any:
        return argparse.SUPPRESS if suppress else value

    group = parser.add_argument_group("global options")
    if not suppress:
        group.add_argument("--dataset", metavar="DIR", help="dataset directory (.)")
    group.add_argument("--config", metavar="FILE", default=default(None), help="YAML or JSON file")
    group.add_argument("-v", "--verbose", action="count", default=default(0), help="say more")
    group.add_argument("-q", "--quiet", action="store_true", default=default(False),
                       help="errors only")  # fmt: skip
    config_option(group, "--mpi", "mpi.enabled", metavar=None, choices=MPI_MODES,
                  default=default(None))  # fmt: skip
    group.add_argument("--progress", choices=("auto", "bar", "plain", "json", "none"),
                       default=default("auto"),
                       help="how progress is shown on stderr")  # fmt: skip
    group.add_argument("--json", action="store_true", default=default(False),
                       help="answer with the JSON document on a terminal too")  # fmt: skip
    group.add_argument("--report", metavar="FILE", default=default(None),
                       help="also write the JSON document there")  # fmt: skip
