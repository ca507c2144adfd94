"""What happens to the job when a rank meets an error that nobody expects."""

import atexit
import sys
import threading
import time
import traceback
from types import TracebackType

from ..errors import Exit
from .mpi import MpiTeam

# Seconds that ranks with a copy of an error leave to the rank that met it, to print it.
LEAVE_TO_PRINT_SEC = 2.0


def install_abort_hook(team: MpiTeam) -> None:
    """Make an uncaught exception on any rank end the whole job.

    Without it the other ranks wait for ever. The traceback is printed by the rank that met the
    error, each line headed by ``[r{rank} {host}]``; the job ends with code 70, or 130 after a
    keyboard interrupt. A rank that leaves a method of the team by SystemExit ends the job too.
    """
    head = f"[r{team.rank} {team.members[team.rank].host}] "

    def end_job(
        kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if getattr(error, "rank", team.rank) != team.rank:
            time.sleep(LEAVE_TO_PRINT_SEC)
        else:
            lines = "".join(traceback.format_exception(kind, error, trace)).splitlines()
            sys.stderr.write("".join(f"{head}{line}\n" for line in lines))
        sys.stdout.flush()
        sys.stderr.flush()
        team.abort(Exit.INTERRUPTED if issubclass(kind, KeyboardInterrupt) else Exit.INTERNAL)

    def end_job_from_thread(fault: threading.ExceptHookArgs) -> None:
        end_job(fault.exc_type, fault.exc_value, fault.exc_traceback)

    sys.excepthook = end_job
    threading.excepthook = end_job_from_thread
    atexit.register(team.leave)
