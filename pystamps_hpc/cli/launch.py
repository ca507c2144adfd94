"""Start and end of the team of ranks that runs a command."""

import os
import signal
import sys
import time
from argparse import Namespace
from typing import cast

from ..config import load_config
from ..errors import ConfigError, MpiEnvironmentError, PystampsError
from ..parallel.launcher import MpiMode, launcher_hint, start_team
from ..parallel.team import Team

LEAVE_TOGETHER_SEC = 10.0


def launch(options: Namespace) -> Team:
    """Return the team the launcher made, a team of one without a launcher.

    ``--mpi`` beats ``$PYSTAMPS_HPC_MPI``, which beats the configuration.
    """
    mode = getattr(options, "mpi.enabled") or os.environ.get("PYSTAMPS_HPC_MPI")
    if not mode:
        mode = load_config(options.config).mpi.enabled
    if mode not in ("auto", "on", "off"):
        raise ConfigError(f"PYSTAMPS_HPC_MPI={mode}: use auto, on or off")
    start = start_team(cast(MpiMode, mode), os.environ)
    if start.team.rank == 0:
        for warning in start.warnings:
            print(f"warning: {warning}", file=sys.stderr)
    return start.team


def tell(team: Team | None, error: PystampsError) -> None:
    """Print an error that all processes have met, on one of them.

    Processes that become no team do not end together, and srun kills all others when the first one
    ends. So all wait until the others have met the error too, and one of them has printed it; a
    signal to end is then taken for the end.
    """
    hint = None if team is not None else launcher_hint(os.environ)
    rank = team.rank if team is not None else hint.rank if hint is not None else 0
    if rank == 0 and not getattr(error, "quiet", False):
        print(error, file=sys.stderr, flush=True)
    if isinstance(error, MpiEnvironmentError) and hint is not None and hint.size > 1:
        signal.signal(signal.SIGTERM, lambda *_: os._exit(error.exit_code))
        time.sleep(LEAVE_TOGETHER_SEC)


def finish(team: Team, code: int) -> None:
    """Flush and wait for all ranks; ranks of a job then leave with `code` at the same moment.

    A launcher kills the job at the first non-zero exit and reports its own signal if another rank
    still tidies up; so a rank does not tidy up.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    team.close()
    if team.size > 1:
        from ..parallel.world import leave

        leave(code)
