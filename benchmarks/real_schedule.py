"""Tasks that sleep for a modelled time, on real ranks through the driver's queue.

    mpirun -n 3 python -m benchmarks.real_schedule TASKS.json

The file holds a list of [seconds, cost]. Rank 0 prints how long all of it took, from the moment
when all ranks were there, and which rank took each task.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import machine
from pystamps_hpc.tools import child_run


def run(tasks: Sequence[tuple[float, float]], ranks: int) -> dict[str, Any]:
    """Start `ranks` ranks that sleep through `tasks`, (seconds, cost) each; return what they say.

    Raises
    ------
    SystemExit
        They did not end well.
    """
    with tempfile.TemporaryDirectory(prefix="pystamps-schedule-") as folder:
        path = Path(folder, "tasks.json")
        path.write_text(json.dumps(list(tasks)))
        command = [*child_run.mpirun(ranks), sys.executable, "-m", "benchmarks.real_schedule", path]
        environment = machine.child_environment(os.environ)
        ended = child_run.wait(child_run.start(list(map(str, command)), environment), 120.0)
    if ended.code != 0:
        raise SystemExit(f"{ranks} ranks ended with {ended.code}: {ended.err}")
    found: dict[str, Any] = json.loads(ended.out)
    return found


def main(argv: Sequence[str]) -> int:
    """Sleep through the tasks on this rank."""
    from pystamps_hpc.parallel.mpi import MpiTeam

    tasks = json.loads(Path(argv[0]).read_text())
    team = MpiTeam()

    def sleep(number: int) -> int:
        time.sleep(tasks[number][0])
        return team.rank

    cost = [cost for _, cost in tasks]
    team.on_root(lambda: None)
    began = time.perf_counter()
    takers = team.map_tasks(sleep, range(len(tasks)), cost, lambda fraction: None)
    seconds = time.perf_counter() - began
    if team.rank == 0:
        print(json.dumps({"seconds": seconds, "takers": takers}))
    team.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
