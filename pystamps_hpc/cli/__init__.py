"""The command line: arguments in, a table or one JSON document out, messages on stderr."""

import os
import sys
import traceback
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import Exit, PystampsError, explained
from ..parallel import interruption
from . import collecting
from .environment import prepare
from .limits import require_address_space
from .parser import build_parser
from .streams import discard, keep_open

if TYPE_CHECKING:
    from ..parallel.team import Team


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program name; by default those of the process.
    """
    if argv is None:  # a process of its own
        collecting.wait()
    arguments = tuple(sys.argv[1:] if argv is None else argv)
    options = build_parser().parse_args(arguments)
    options.arguments = arguments
    keep_open()
    listening = options.command.stops_in_good_order
    team: Team | None = None

    def report_end(name: str, code: int) -> None:
        if options.report and (team is None or team.rank == 0):
            _report_end(options.report, name, code)

    try:
        require_address_space()
        prepare(os.environ)
        if listening:
            interruption.listen(report_end)
        from .launch import finish, launch, tell

        team = launch(options)
        if not options.command.plans:
            collecting.resume()
        with team.agreed():
            document, code = options.command.run(options, team)
        if team.rank == 0 and document is not None:
            code = _answered(document, options) or code
    except PystampsError as error:
        code = error.exit_code
        tell(team, error)
    except KeyboardInterrupt:
        if team is not None and team.size > 1:
            raise  # the other ranks wait: the hook of the team ends the job
        code = Exit.INTERRUPTED
        print("interrupted; the same command goes on from here", file=sys.stderr, flush=True)
    except Exception as error:
        told = explained(error, "the command")
        if told is not None:
            code = PystampsError.exit_code
        elif team is not None and team.size > 1:
            raise
        else:
            code = Exit.INTERNAL
            traceback.print_exc(file=sys.stderr)
            told = "internal error: please report it with the lines above and the command"
        if team is None or team.rank == 0:
            print(told, file=sys.stderr, flush=True)
    if team is not None:
        finish(team, int(code))
    if listening:
        interruption.conclude()
    return int(code)


def _report_end(path: str, name: str, code: int) -> None:
    """Write all that is known when a run leaves without reaching a safe point."""
    from ..dataset.publish import write_text
    from ..pipeline.documents import json_text

    write_text(Path(path), json_text({"ok": False, "interrupted": name, "exit_code": code}))


def _answered(document: Any, options: Namespace) -> int:
    """Print the answer of a command; return an exit code, a failure if it cannot be written."""
    from .answering import answer

    try:
        answer(document, options)
    except OSError as error:
        discard(sys.stdout)
        print(
            f"standard output: {error.strerror}; what was to be written there is lost, a run keeps "
            "its report in the data set (.pystamps-hpc/runs)",
            file=sys.stderr,
        )
        return Exit.FAILED
    return Exit.OK
