"""A process in which everything is loaded, and which forks for every run: a run takes a second.

``python -m tests.faults.forks``, with the shim preloaded: a JSON object per line in, one out.
"""

import ctypes
import json
import os
import signal
import sys
import time
from pathlib import Path

KINDS = ("open", "write", "rename", "fsync", "close", "unlink", "mkdir", "link", "mmap", "read")


def serve() -> None:
    from pystamps_hpc.cli import main
    from pystamps_hpc.cli.environment import prepare

    prepare(os.environ)
    load()
    shim = ctypes.CDLL(None)
    for line in sys.stdin:
        order = json.loads(line)
        began = time.monotonic()
        child = os.fork()
        if child == 0:
            obey(order, shim, main)
        code = wait(child, order["patience"])
        answer = {"code": code, "seconds": round(time.monotonic() - began, 2)}
        print(json.dumps(answer), flush=True)


def load() -> None:
    """Import what a run imports; nothing is computed, so no thread is left behind by the fork."""
    import h5py  # noqa: F401
    import numba  # noqa: F401
    from matplotlib.figure import Figure  # noqa: F401

    from pystamps_hpc.cli import display  # noqa: F401
    from pystamps_hpc.pipeline import stages  # noqa: F401
    from pystamps_hpc.pipeline.table import tasks
    from pystamps_hpc.tools import run_products  # noqa: F401
    from pystamps_hpc.tools.export import write  # noqa: F401
    from pystamps_hpc.tools.products import velocity_csv, velocity_map  # noqa: F401

    tasks("ps")


def obey(order: dict, shim: ctypes.CDLL, main) -> None:
    """Run the command with its fault, in the child, and leave what was counted."""
    for number, name in ((1, "out"), (2, "err")):
        file = os.open(order[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, number)
    fault = order.get("fault")
    kind, n, error, stays = fault or ("open", 0, 0, False)
    shim.fault_arm(KINDS.index(kind), ctypes.c_long(n), error, int(stays), order["root"].encode())
    try:
        code = main(order["words"])
    except SystemExit as leaving:
        code = leaving.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    counts = {name: shim.fault_count(place) for place, name in enumerate(KINDS)}
    shim.fault_arm(-1, ctypes.c_long(0), 0, 0, b"")
    Path(order["counts"]).write_text(json.dumps(counts))
    sys.stderr.flush()
    os._exit(code)


def wait(child: int, patience: float) -> int | str:
    """Return the exit code, or ``hangs``; a hanging child is killed."""
    deadline = time.monotonic() + patience
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return "hangs"
        time.sleep(0.005)


if __name__ == "__main__":
    serve()
